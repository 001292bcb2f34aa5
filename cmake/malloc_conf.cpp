// SPDX-License-Identifier: Apache-2.0
// Read by jemalloc before main: memory that was freed is kept for the next gradient, and large blocks are no exception.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "dirty_decay_ms:-1,muzzy_decay_ms:-1,oversize_threshold:0";
}
