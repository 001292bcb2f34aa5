// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace tardigrad::bench {

/// Bytes per second that all cores together seal once and open once, with AES-256-GCM in records of 16 kB: the cipher
/// that gRPC agrees on with itself, by the same library, and nothing else of TLS.
double sealing_rate(double seconds);

}  // namespace tardigrad::bench
