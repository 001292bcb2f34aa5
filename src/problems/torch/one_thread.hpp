// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace tardigrad::problems::torch {

/// Makes LibTorch, OpenMP and OpenBLAS compute on the calling thread alone. Replicas run side by side, one a thread:
/// that scales, where threads inside an operation do not, and over-subscription costs a factor of tens.
/// Thread  any, at any time; cheap after a thread's first call
void compute_on_one_thread();

}  // namespace tardigrad::problems::torch
