// SPDX-License-Identifier: Apache-2.0
#include "sealing.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

namespace tardigrad::bench {
namespace {

constexpr int kRecord = 16384, kHead = 5, kTag = 16;
using Byte = unsigned char;

struct Free {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, Free>;

void require(bool holds) {
  if (!holds) std::abort();
}

Context make_context(bool seals) {
  constexpr std::array<Byte, 32> key{};
  Context context(EVP_CIPHER_CTX_new());
  require(context && EVP_CipherInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key.data(), nullptr, seals) == 1);
  return context;
}

// One record, sealed and opened, as TLS does: a nonce of its own, its head authenticated.
void seal_and_open(EVP_CIPHER_CTX* seal, EVP_CIPHER_CTX* open, std::uint64_t number, std::vector<Byte>& plain,
                   std::vector<Byte>& sealed) {
  std::array<Byte, 12> nonce{};
  for (std::size_t i = 0; i < 8; ++i) nonce[i] = static_cast<Byte>(number >> (8 * i));
  constexpr std::array<Byte, kHead> head{};
  std::array<Byte, kTag> tag{};
  int size = 0;
  require(EVP_CipherInit_ex(seal, nullptr, nullptr, nullptr, nonce.data(), 1) == 1 &&
          EVP_CipherUpdate(seal, nullptr, &size, head.data(), kHead) == 1 &&
          EVP_CipherUpdate(seal, sealed.data(), &size, plain.data(), kRecord) == 1 &&
          EVP_CipherFinal_ex(seal, sealed.data() + size, &size) == 1 &&
          EVP_CIPHER_CTX_ctrl(seal, EVP_CTRL_GCM_GET_TAG, kTag, tag.data()) == 1);
  require(EVP_CipherInit_ex(open, nullptr, nullptr, nullptr, nonce.data(), 0) == 1 &&
          EVP_CipherUpdate(open, nullptr, &size, head.data(), kHead) == 1 &&
          EVP_CipherUpdate(open, plain.data(), &size, sealed.data(), kRecord) == 1 &&
          EVP_CIPHER_CTX_ctrl(open, EVP_CTRL_GCM_SET_TAG, kTag, tag.data()) == 1 &&
          EVP_CipherFinal_ex(open, plain.data() + size, &size) == 1);
}

}  // namespace

double sealing_rate(double seconds) {
  using Clock = std::chrono::steady_clock;
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  std::atomic<std::uint64_t> records{0};
  const Clock::time_point begin = Clock::now();
  const auto until = begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < cores; ++i)
      threads.emplace_back([&] {
        const Context seal = make_context(true), open = make_context(false);
        std::vector<Byte> plain(kRecord), sealed(kRecord + kTag);
        std::uint64_t done = 0;
        while (Clock::now() < until)
          for (int each = 0; each < 64; ++each) seal_and_open(seal.get(), open.get(), ++done, plain, sealed);
        records += done;
      });
  }
  return static_cast<double>(records) * kRecord / std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace tardigrad::bench
