// SPDX-License-Identifier: Apache-2.0
// Read by the address sanitizer before main. It follows the thread-local variables of libraries that are opened while
// the program runs by guessing where glibc kept the size of such a block until 2.24. With a newer one the guess now and
// then reads nonsense (start 0x22e, size 2^37 were seen), and the search for leaks at the end dies of it.
extern "C" const char* __asan_default_options();  // NOLINT(bugprone-reserved-identifier): the sanitizer's name
extern "C" const char* __asan_default_options() { return "intercept_tls_get_addr=0:print_suppressions=0"; }

// gRPC 1.51 does not free the list of slices of a connection with TLS (576 bytes a side).
extern "C" const char* __lsan_default_suppressions();  // NOLINT(bugprone-reserved-identifier): the sanitizer's name
extern "C" const char* __lsan_default_suppressions() { return "leak:gpr_realloc\n"; }
