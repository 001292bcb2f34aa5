// SPDX-License-Identifier: Apache-2.0
#include "core/open_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace tardigrad {
namespace {

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "is a directory, not a file";
  if (S_ISFIFO(mode)) return "is a pipe, not a file";
  if (S_ISSOCK(mode)) return "is a socket, not a file";
  if (S_ISLNK(mode)) return "is a symbolic link, and none is followed where a run writes";
  return "is a device, not a file";
}

OpenedFile none(std::string problem, bool lasting) {
  return {.descriptor = -1, .bytes = 0, .problem = std::move(problem), .lasting = lasting};
}

OpenedFile none(int error) { return none(std::generic_category().message(error), is_lasting(error)); }

}  // namespace

bool is_lasting(int error) {
  return error == ELOOP || error == ENAMETOOLONG || error == ENOTDIR || error == EISDIR || error == EEXIST ||
         error == ENOTEMPTY || error == EINVAL;
}

OpenedFile open_file(const std::filesystem::path& path, int flags) {
  struct stat seen {};
  // First, for to open a device may do something to it.
  const bool exists = ((flags & O_NOFOLLOW) ? ::lstat(path.c_str(), &seen) : ::stat(path.c_str(), &seen)) == 0;
  if (exists && !S_ISREG(seen.st_mode)) return none(kind_of(seen.st_mode), true);
  const int descriptor = ::open(path.c_str(), flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0666);
  if (descriptor < 0) return errno == EINTR ? open_file(path, flags) : none(errno);
  // What is open now may be something else than what was seen.
  const int error = ::fstat(descriptor, &seen) == 0 ? 0 : errno;
  if (error == 0 && S_ISREG(seen.st_mode))
    return {.descriptor = descriptor, .bytes = static_cast<std::uint64_t>(seen.st_size), .problem = {}};
  ::close(descriptor);
  return error != 0 ? none(error) : none(kind_of(seen.st_mode), true);
}

}  // namespace tardigrad
