// SPDX-License-Identifier: Apache-2.0
#include "record/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace tardigrad::record {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const char* verb, int error) {
  throw IoError(fmt::format("{}: cannot {}: {}", path.string(), verb, std::generic_category().message(error)));
}

int open_or_fail(const std::filesystem::path& path, int flags, const char* verb) {
  for (;;) {
    const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, 0666);
    if (descriptor >= 0) return descriptor;
    if (errno != EINTR) fail(path, verb, errno);
  }
}

// A rename is on the disk only when its directory is. Some file systems cannot sync a directory; their renames are
// as safe as they can be.
void sync_directory_of(const std::filesystem::path& path) {
  const std::filesystem::path parent = path.has_parent_path() ? path.parent_path() : ".";
  const int descriptor = ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  const int result = ::fsync(descriptor);
  const int error = errno;
  ::close(descriptor);
  if (result != 0 && error != EINVAL && error != ENOTSUP) fail(parent, "sync", error);
}

}  // namespace

File::File(std::filesystem::path path, std::uint64_t kept)
    : path_(std::move(path)),
      descriptor_(open_or_fail(path_, kept > 0 ? O_RDWR : O_RDWR | O_CREAT | O_TRUNC, "write")) {
  try {
    if (kept > 0) cut(kept);
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

void File::cut(std::uint64_t length) {
  const off_t end = ::lseek(descriptor_, 0, SEEK_END);
  if (end < 0) fail(path_, "write", errno);
  if (static_cast<std::uint64_t>(end) < length)
    throw Error(fmt::format("{}: has {} bytes, and {} of it are to be kept", path_.string(), end, length));
  if (::ftruncate(descriptor_, static_cast<off_t>(length)) != 0) fail(path_, "write", errno);
  if (::lseek(descriptor_, static_cast<off_t>(length), SEEK_SET) < 0) fail(path_, "write", errno);
  bytes_ = length;
}

File::~File() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void File::write(std::span<const std::byte> bytes) {
  TG_CHECK(descriptor_ >= 0, path_.string(), " is closed");
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(path_, "write", errno);
    bytes_ += static_cast<std::uint64_t>(written);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void File::sync() const {
  if (::fsync(descriptor_) != 0) fail(path_, "sync", errno);
}

bool File::has_name() const {
  struct stat found {
  }, ours{};
  if (::stat(path_.c_str(), &found) != 0) return errno != ENOENT && errno != ENOTDIR;
  return ::fstat(descriptor_, &ours) != 0 || (found.st_dev == ours.st_dev && found.st_ino == ours.st_ino);
}

void File::copy_to(AtomicFile& to) const {
  std::array<std::byte, std::size_t{1} << 16> chunk;
  for (std::uint64_t at = 0; at < bytes_;) {
    const std::size_t wanted = std::min<std::uint64_t>(chunk.size(), bytes_ - at);
    const ssize_t got = ::pread(descriptor_, chunk.data(), wanted, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) fail(path_, "read", got < 0 ? errno : EIO);
    to.write(std::span(chunk).first(static_cast<std::size_t>(got)));
    at += static_cast<std::uint64_t>(got);
  }
}

void File::close() {
  if (descriptor_ < 0) return;
  const int result = ::close(std::exchange(descriptor_, -1));
  if (result != 0 && errno != EINTR) fail(path_, "write", errno);
}

std::filesystem::path temporary_name(const std::filesystem::path& path) { return path.string() + ".tmp"; }

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)), file_(temporary_name(path_)) {}

AtomicFile::~AtomicFile() {
  if (!committed_) ::unlink(file_.path().c_str());
}

void AtomicFile::commit() {
  file_.sync();
  file_.close();
  if (::rename(file_.path().c_str(), path_.c_str()) != 0) fail(path_, "write", errno);
  committed_ = true;
  sync_directory_of(path_);
}

void make_writable_directory(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) throw IoError(fmt::format("{}: cannot make the directory: {}", path.string(), error.message()));
  AtomicFile(path / ".write-test").write("a full disk takes names, but no bytes");
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

std::string read_file(const std::filesystem::path& path) {
  const int descriptor = open_or_fail(path, O_RDONLY, "read");
  std::string text;
  for (;;) {
    constexpr std::size_t kChunk = std::size_t{1} << 16;
    const std::size_t size = text.size();
    text.resize(size + kChunk);
    const ssize_t got = ::read(descriptor, text.data() + size, kChunk);
    const int error = errno;
    text.resize(size + (got > 0 ? static_cast<std::size_t>(got) : 0));
    if (got < 0 && error == EINTR) continue;
    if (got > 0) continue;
    ::close(descriptor);
    if (got < 0) fail(path, "read", error);
    return text;
  }
}

}  // namespace tardigrad::record
