// SPDX-License-Identifier: Apache-2.0
#include "record/file_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "core/open_file.hpp"
#include "record/file.hpp"

namespace tardigrad::record {
namespace {

int open_or_fail(const std::filesystem::path& path) {
  const OpenedFile opened = open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW);
  if (opened.descriptor >= 0) return opened.descriptor;
  const std::string text = fmt::format("{}: cannot lock: {}", path.string(), opened.problem);
  if (opened.lasting) throw Obstructed(text);
  throw IoError(text);
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

FileLock::FileLock(const std::filesystem::path& path) : descriptor_(open_or_fail(path)) {
  if (retried([&] { return ::flock(descriptor_, LOCK_EX | LOCK_NB); }) == 0) return;
  const int error = errno;
  if (error == EWOULDBLOCK) {
    ours_ = false;
    return;
  }
  if (error == ENOSYS || error == ENOTSUP) return;
  ::close(descriptor_);
  fail(path, "lock", {error, std::generic_category()});
}

bool FileLock::is_on(const std::filesystem::path& path) const {
  struct stat found {
  }, ours{};
  return ::stat(path.c_str(), &found) == 0 && ::fstat(descriptor_, &ours) == 0 && found.st_dev == ours.st_dev &&
         found.st_ino == ours.st_ino;
}

FileLock::~FileLock() { ::close(descriptor_); }

}  // namespace tardigrad::record
