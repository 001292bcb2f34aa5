// SPDX-License-Identifier: Apache-2.0
// A small certificate authority, for a trial or a laboratory: who has one of its own needs nothing of this.
#pragma once

#include <string>
#include <vector>

namespace tardigrad::network {

/// Both in PEM.
struct Certified {
  std::string certificate;
  std::string key;
};

/// Signs itself; EC keys on P-256, SHA-256. Valid for ten years from yesterday.
/// Errors  Error where the library of cryptography fails
Certified make_authority(const std::string& name);
/// Signed by `authority`. Valid for two years from yesterday, or for no time at all where `expired`.
/// hosts: names or addresses that a server is reached by; none: a worker's
/// Errors  Error for what is no certificate with its key
Certified certify(const Certified& authority, const std::string& name, const std::vector<std::string>& hosts,
                  bool expired = false);

/// Errors  Error where a text in PEM is no certificate or no key, the key is another's, or the certificate has expired;
///         `of` names both in messages
void check_pair(const std::string& certificate, const std::string& key, const std::string& of);
/// Errors  Error where a text holds no certificate in PEM
void check_authority(const std::string& certificates, const std::string& of);

}  // namespace tardigrad::network
