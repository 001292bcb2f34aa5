// SPDX-License-Identifier: Apache-2.0
// Any bytes are a checkpoint, or an Error; and of what a checkpoint holds, any bytes are a state, or an Error. The
// checksum is mended first, as no fuzzer would ever guess one.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/hash.hpp"
#include "record/checkpoint.hpp"
#include "tardigrad/error.hpp"
#include "tardigrad/order.hpp"

namespace {

using namespace tardigrad;

void read_all(const std::string& bytes) {
  const int file = memfd_create("checkpoint", 0);
  TG_CHECK(file >= 0 && write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  BufferPool pool(3);
  try {
    const record::Checkpoint checkpoint = record::read_checkpoint("/proc/self/fd/" + std::to_string(file), pool);
    StateReader reader(checkpoint.state);
    std::vector<Order> orders;
    std::vector<std::vector<std::string>> texts;
    std::vector<Snapshot> snapshots;
    reader(orders, texts, snapshots);
    reader.finish();
  } catch (const Error&) {
  }
  close(file);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  read_all(bytes);
  Hasher hasher;
  hasher.add(bytes);
  read_all(bytes + hasher.hex());
  return 0;
}
