// SPDX-License-Identifier: Apache-2.0
// What OpenSSL hands out, given back at the end.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace tardigrad::network {

template <auto kFree>
struct Free {
  template <class T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Bytes = std::unique_ptr<BIO, Free<BIO_free_all>>;

/// To be read by it. The text outlives it.
inline Bytes bytes_of(const std::string& text) {
  return Bytes(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

/// When a certificate is, or was, no longer valid: "2026-11-28 12:00 UTC".
std::string end_of(const X509* certificate);

}  // namespace tardigrad::network
