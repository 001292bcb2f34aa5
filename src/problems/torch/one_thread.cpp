// SPDX-License-Identifier: Apache-2.0
#include "problems/torch/one_thread.hpp"

#include <ATen/Parallel.h>
#include <dlfcn.h>

#include <mutex>

namespace tardigrad::problems::torch {
namespace {

// OpenBLAS has threads of its own and one setting for the whole process. Which BLAS LibTorch brings is known at run
// time.
void limit_openblas() {
  if (void* symbol = dlsym(RTLD_DEFAULT, "openblas_set_num_threads")) reinterpret_cast<void (*)(int)>(symbol)(1);
}

}  // namespace

void compute_on_one_thread() {
  thread_local bool done = false;  // OpenMP keeps its setting per thread
  if (done) return;
  static std::mutex mutex;  // at::set_num_threads also sets what the process shares
  const std::scoped_lock lock(mutex);
  at::set_num_threads(1);
  limit_openblas();
  done = true;
}

}  // namespace tardigrad::problems::torch
