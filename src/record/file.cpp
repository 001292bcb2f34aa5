// SPDX-License-Identifier: Apache-2.0
#include "record/file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <set>
#include <utility>

#include "core/open_file.hpp"

namespace tardigrad::record {
namespace {

std::error_code system_error(int number) { return {number, std::generic_category()}; }

int open_or_fail(const std::filesystem::path& path, int flags, const char* verb, std::uint64_t* bytes = nullptr) {
  const OpenedFile opened = open_file(path, flags);
  if (bytes) *bytes = opened.bytes;
  if (opened.descriptor >= 0) return opened.descriptor;
  const std::string text = fmt::format("{}: cannot {}: {}", path.string(), verb, opened.problem);
  if (opened.lasting) throw Obstructed(text);
  throw IoError(text);
}

constexpr std::string_view kTemporary = ".tmp";
constexpr std::size_t kRandomDigits = 16;

// "summary.json.0123456789abcdef.tmp"
std::filesystem::path temporary_name(const std::filesystem::path& path) {
  std::uint64_t bits = 0;
  if (::getentropy(&bits, sizeof bits) != 0) fail(path, "write", system_error(errno));
  return fmt::format("{}.{:016x}{}", path.string(), bits, kTemporary);
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : ".";
}

}  // namespace

void fail(const std::filesystem::path& path, std::string_view verb, const std::error_code& reason) {
  const std::string text = fmt::format("{}: cannot {}: {}", path.string(), verb, reason.message());
  if (is_lasting(reason.default_error_condition().value())) throw Obstructed(text);
  throw IoError(text);
}

File::File(std::filesystem::path path, std::uint64_t kept)
    : path_(std::move(path)),
      shown_(path_),
      descriptor_(open_or_fail(path_, kept > 0 ? O_RDWR | O_NOFOLLOW : O_RDWR | O_CREAT | O_NOFOLLOW, "write")) {
  try {
    cut(kept);
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

File::File(std::filesystem::path path, std::filesystem::path shown, int descriptor)
    : path_(std::move(path)), shown_(std::move(shown)), descriptor_(descriptor) {}

void File::fail_to(std::string_view verb, int error) const { fail(shown_, verb, system_error(error)); }

void File::cut(std::uint64_t length) {
  const off_t end = ::lseek(descriptor_, 0, SEEK_END);
  if (end < 0) fail_to("write", errno);
  if (static_cast<std::uint64_t>(end) < length)
    throw Error(fmt::format("{}: has {} bytes, and {} of it are to be kept", path_.string(), end, length));
  if (::ftruncate(descriptor_, static_cast<off_t>(length)) != 0) fail_to("write", errno);
  if (::lseek(descriptor_, static_cast<off_t>(length), SEEK_SET) < 0) fail_to("write", errno);
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
    if (written < 0) fail_to("write", errno);
    bytes_ += static_cast<std::uint64_t>(written);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void File::sync() const {
  if (::fsync(descriptor_) != 0) fail_to("sync", errno);
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
    if (got <= 0) fail_to("read", got < 0 ? errno : EIO);
    to.write(std::span(chunk).first(static_cast<std::size_t>(got)));
    at += static_cast<std::uint64_t>(got);
  }
}

void File::close() {
  if (descriptor_ < 0) return;
  const int result = ::close(std::exchange(descriptor_, -1));
  if (result != 0 && errno != EINTR) fail_to("write", errno);
}

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)), file_(make_temporary(path_)) {}

File AtomicFile::make_temporary(const std::filesystem::path& path) {
  std::filesystem::path name = temporary_name(path);
  const OpenedFile opened = open_file(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW);
  if (opened.descriptor >= 0) return {std::move(name), path, opened.descriptor};
  const std::string text = fmt::format("{}: cannot write: {}", path.string(), opened.problem);
  if (opened.lasting) throw Obstructed(text);
  throw IoError(text);
}

AtomicFile::~AtomicFile() {
  if (!committed_) ::unlink(file_.path().c_str());
}

void AtomicFile::commit(const std::function<void(const std::filesystem::path&)>& check) {
  file_.sync();
  file_.close();
  if (check) check(file_.path());
  if (::rename(file_.path().c_str(), path_.c_str()) != 0) fail(path_, "write", system_error(errno));
  committed_ = true;
  sync_directory_of(path_);
}

bool is_there(const std::filesystem::path& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) == 0) return true;
  if (errno != ENOENT && errno != ENOTDIR) fail(path, "read", system_error(errno));
  return false;
}

std::string name_behind_temporary(std::string_view name) {
  const std::size_t added = 1 + kRandomDigits + kTemporary.size();
  if (name.size() <= added || !name.ends_with(kTemporary)) return {};
  const std::string_view middle = name.substr(name.size() - added, 1 + kRandomDigits);
  if (middle[0] != '.' || middle.find_first_not_of("0123456789abcdef", 1) != std::string_view::npos) return {};
  return std::string(name.substr(0, name.size() - added));
}

void remove_temporaries(const std::vector<std::filesystem::path>& files) {
  std::set<std::filesystem::path> folders;
  for (const std::filesystem::path& file : files) folders.insert(folder_of(file));
  for (const std::filesystem::path& folder : folders) {
    std::vector<std::filesystem::path> left;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
      const std::string name = name_behind_temporary(entry.path().filename().string());
      const auto is_it = [&](const std::filesystem::path& file) {
        return folder_of(file) == folder && file.filename() == name;
      };
      if (!name.empty() && std::ranges::any_of(files, is_it)) left.push_back(entry.path());
    }
    for (const std::filesystem::path& file : left)
      if (!std::filesystem::remove(file, error) && error) fail(file, "remove", error);
  }
}

void make_directory(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) fail(path, "make the directory", error);
}

void make_writable_directory(const std::filesystem::path& path) {
  make_directory(path);
  AtomicFile(path / ".write-test").write("a full disk takes names, but no bytes");
}

void refuse_link(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_symlink(std::filesystem::symlink_status(path, ignored)))
    throw Obstructed(fmt::format("{}: is a symbolic link, and none is followed where a run writes", path.string()));
}

// A rename is on the disk only when its directory is. Some file systems cannot sync a directory; their renames are
// as safe as they can be.
void sync_directory_of(const std::filesystem::path& path) {
  const std::filesystem::path parent = folder_of(path);
  const int descriptor = ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  const int result = ::fsync(descriptor);
  const int error = errno;
  ::close(descriptor);
  if (result != 0 && error != EINVAL && error != ENOTSUP) fail(parent, "sync", system_error(error));
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

InputFile::InputFile(std::filesystem::path path)
    : path_(std::move(path)), descriptor_(open_or_fail(path_, O_RDONLY, "read", &bytes_)) {}

InputFile::~InputFile() { ::close(descriptor_); }

std::size_t InputFile::read(std::span<std::byte> to) {
  std::size_t done = 0;
  while (done < to.size()) {
    const ssize_t got = ::read(descriptor_, to.data() + done, to.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path_, "read", system_error(errno));
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

std::string read_file(const std::filesystem::path& path, std::uint64_t most) {
  InputFile file(path);
  const auto check = [&](std::uint64_t bytes) {
    if (bytes > most) throw Error(fmt::format("{}: has {} bytes, and at most {} are read", path.string(), bytes, most));
  };
  check(file.bytes());
  std::string text;
  for (std::size_t size = 0;; size = text.size()) {  // a file of the system may have more than it says
    constexpr std::size_t kChunk = std::size_t{1} << 16;
    const std::size_t wanted = std::max<std::size_t>(kChunk, file.bytes() - std::min(file.bytes(), size) + 1);
    text.resize(size + wanted);
    const std::size_t got = file.read(std::as_writable_bytes(std::span(text)).subspan(size));
    text.resize(size + got);
    check(text.size());
    if (got < wanted) return text;
  }
}

}  // namespace tardigrad::record
