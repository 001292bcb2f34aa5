// SPDX-License-Identifier: Apache-2.0
#include "record/file_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "record/file.hpp"

namespace tardigrad::record {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, int error) {
  throw IoError(fmt::format("{}: cannot lock: {}", path.string(), std::generic_category().message(error)));
}

// Calls until no signal is in the way.
template <class Call>
int retried(const Call& call) {
  for (;;) {
    const int result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

}  // namespace

FileLock::FileLock(const std::filesystem::path& path)
    : descriptor_(retried([&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666); })) {
  if (descriptor_ < 0) fail(path, errno);
  if (retried([&] { return ::flock(descriptor_, LOCK_EX | LOCK_NB); }) == 0) return;
  const int error = errno;
  if (error == EWOULDBLOCK) {
    ours_ = false;
    return;
  }
  if (error == ENOSYS || error == ENOTSUP) return;
  ::close(descriptor_);
  fail(path, error);
}

bool FileLock::is_on(const std::filesystem::path& path) const {
  struct stat found {
  }, ours{};
  return ::stat(path.c_str(), &found) == 0 && ::fstat(descriptor_, &ours) == 0 && found.st_dev == ours.st_dev &&
         found.st_ino == ours.st_ino;
}

FileLock::~FileLock() { ::close(descriptor_); }

}  // namespace tardigrad::record
