// SPDX-License-Identifier: Apache-2.0
// A library that is loaded before libc (LD_PRELOAD) and makes a program's calls on chosen files fail, or kills it at
// them. The program needs nothing for it.
//
//   LD_PRELOAD=build/core/bin/libtardigrad_faults.so TARDIGRAD_FAULTS='write */metrics.jsonl 3 kill-half' tardigrad ...
//
// TARDIGRAD_FAULTS: rules "CALL PATTERN WHICH ACTION", separated by ';' or new lines.
//   CALL     open, read, write, cut (ftruncate), sync (fsync, fdatasync), rename (and link), unlink (and remove),
//            mkdir, stat, list (opendir, or open with O_DIRECTORY), close; or any
//   PATTERN  of the absolute path, as fnmatch without flags: '*' matches '/', too. A rename is matched by its new name,
//            temporary files by their own: "*/summary.json*" is the summary under both. No blanks: '?' stands for one
//   WHICH    of the calls that the rule matches, counted from 1 in this process: 3, 3+ (and all later), 3-5, or *
//   ACTION   kill        SIGKILL before the call          kill-after  SIGKILL after it
//            kill-half   half the bytes are written, then SIGKILL (write alone)
//            half        half the bytes are written, and that many are said to be (write alone)
//            stop, int, term   the signal before the call, which then is made
//            slow        a tenth of a second before the call, which then is made
//            EIO, ENOSPC, EACCES, ESTALE, ...   the call is not made, and fails so; close: it is made, and fails
// Two rules make a write that is torn by a full disk: "write */x 2 half; write */x 3+ ENOSPC".
//
// TARDIGRAD_FAULTS_LOG: a file that gets a line "CALL PATH" for every call, before it is made, whether a rule matches
// or not: run once with it to see which calls there are, and aim at one of them. Standard streams, sockets and what is
// no file on a disk are left alone. Calls that libc makes inside itself (stdio's writes) are not seen.
// A rule that cannot be read ends the program with exit code 97.
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <type_traits>

namespace {

constexpr std::size_t kMostRules = 64;
constexpr const char* kCalls[] = {"any",    "open",   "read",  "write", "cut",  "sync",
                                  "rename", "unlink", "mkdir", "stat",  "list", "close"};
enum class Call { any, open, read, write, cut, sync, rename, unlink, mkdir, stat, list, close };
enum class Action { fail, kill, kill_after, kill_half, half, stop, interrupt, terminate, slow };
constexpr const char* kActions[] = {"", "kill", "kill-after", "kill-half", "half", "stop", "int", "term", "slow"};

struct Rule {
  Call call = Call::any;
  char pattern[512] = "";
  long first = 1, last = LONG_MAX;
  Action action = Action::fail;
  int error = 0;
  std::atomic<long> seen{0};
};

// What is to become of a call.
struct Answer {
  Action action = Action::slow;  // of those that come after a call is allowed, none
  int error = 0;
  bool fails() const { return action == Action::fail; }
};

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

[[noreturn]] void refuse(const char* rule) {
  std::fprintf(stderr, "faults: cannot read the rule `%s` (CALL PATTERN WHICH ACTION)\n", rule);
  _exit(97);
}

bool parse_which(const char* text, Rule& rule) {
  if (std::strcmp(text, "*") == 0) return true;
  char* end = nullptr;
  rule.first = rule.last = std::strtol(text, &end, 10);
  if (end == text || rule.first < 1) return false;
  if (std::strcmp(end, "+") == 0) return rule.last = LONG_MAX, true;
  if (*end == '-') rule.last = std::strtol(end + 1, &end, 10);
  return *end == '\0' && rule.last >= rule.first;
}

bool parse_action(const char* text, Rule& rule) {
  for (std::size_t i = 1; i < std::size(kActions); ++i)
    if (std::strcmp(text, kActions[i]) == 0) return rule.action = static_cast<Action>(i), true;
  for (int error = 1; error < 134; ++error) {
    const char* const name = strerrorname_np(error);
    if (name && std::strcmp(text, name) == 0) return rule.error = error, true;
  }
  return false;
}

bool parse_rule(const char* text, Rule& rule) {
  char call[16], which[64], action[32], more;
  if (std::sscanf(text, "%15s %511s %63s %31s %c", call, rule.pattern, which, action, &more) != 4) return false;
  std::size_t found = 0;
  while (found < std::size(kCalls) && std::strcmp(call, kCalls[found]) != 0) ++found;
  if (found == std::size(kCalls)) return false;
  rule.call = static_cast<Call>(found);
  if (!parse_which(which, rule) || !parse_action(action, rule)) return false;
  const bool half = rule.action == Action::half || rule.action == Action::kill_half;
  return !half || rule.call == Call::write;
}

class Faults {
 public:
  Faults() {
    if (const char* const file = std::getenv("TARDIGRAD_FAULTS_LOG")) {
      log_ = next<decltype(::open)>("open")(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
      if (log_ < 0) refuse(file);
    }
    const char* const rules = std::getenv("TARDIGRAD_FAULTS");
    if (!rules) return;
    if (std::strlen(rules) >= sizeof text_) refuse("as it is too long");
    std::strcpy(text_, rules);
    char* rest = nullptr;
    for (char* rule = strtok_r(text_, ";\n", &rest); rule; rule = strtok_r(nullptr, ";\n", &rest)) {
      if (rule[std::strspn(rule, " \t")] == '\0') continue;
      if (count_ == kMostRules || !parse_rule(rule, rules_[count_++])) refuse(rule);
    }
  }

  Answer meet(Call call, const char* path) {
    if (path[0] != '/' || (std::strncmp(path, "/dev/", 5) == 0 && std::strncmp(path, "/dev/shm/", 9) != 0) ||
        std::strncmp(path, "/proc/", 6) == 0)
      return {};
    if (log_ >= 0) write_down(call, path);
    Answer answer;
    for (std::size_t i = 0; i < count_; ++i) {
      Rule& rule = rules_[i];
      if ((rule.call != Call::any && rule.call != call) || fnmatch(rule.pattern, path, 0) != 0) continue;
      const long number = ++rule.seen;
      if (number < rule.first || number > rule.last) continue;
      before(rule.action);
      if (rule.action <= Action::half) answer = {rule.action, rule.error};
    }
    return answer;
  }

 private:
  static void before(Action action) {
    switch (action) {
      case Action::kill:
        kill(getpid(), SIGKILL);
        for (;;) pause();
      case Action::stop:
        raise(SIGSTOP);
        break;
      case Action::interrupt:
        kill(getpid(), SIGINT);
        break;
      case Action::terminate:
        kill(getpid(), SIGTERM);
        break;
      case Action::slow:
        usleep(100'000);
        break;
      default:
        break;
    }
  }
  void write_down(Call call, const char* path) const {
    char line[PATH_MAX + 16];
    const int length = std::snprintf(line, sizeof line, "%s %s\n", kCalls[static_cast<std::size_t>(call)], path);
    static auto* const real = next<decltype(::write)>("write");
    if (real(log_, line, static_cast<std::size_t>(length)) != length) std::abort();
  }

  char text_[1 << 14] = "";
  std::array<Rule, kMostRules> rules_;
  std::size_t count_ = 0;
  int log_ = -1;
};

// Without memory from malloc, whose first call may open a file, and never destroyed: there are calls to the very end.
Faults& faults() {
  static Faults all;
  static_assert(std::is_trivially_destructible_v<Faults>);
  return all;
}

Answer meet(Call call, const char* path, int directory = AT_FDCWD) {
  const int before = errno;
  char whole[2 * PATH_MAX] = "";
  if (path[0] != '/') {
    char link[32] = "/proc/self/cwd";
    if (directory != AT_FDCWD) std::snprintf(link, sizeof link, "/proc/self/fd/%d", directory);
    const ssize_t length = readlink(link, whole, PATH_MAX);
    if (length <= 0) return {};
    whole[length] = '/';
  }
  std::strncat(whole, path[0] == '.' && path[1] == '/' ? path + 2 : path, PATH_MAX);
  const Answer answer = faults().meet(call, whole);
  errno = answer.fails() ? answer.error : before;
  return answer;
}

Answer meet(Call call, int descriptor) {
  const int before = errno;
  char link[32], path[PATH_MAX] = "";
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  if (readlink(link, path, sizeof path - 1) <= 0) return {};
  const Answer answer = faults().meet(call, path);
  errno = answer.fails() ? answer.error : before;
  return answer;
}

// After the call.
template <class Result>
Result done(const Answer& answer, Result result) {
  if (answer.action != Action::kill_after && answer.action != Action::kill_half) return result;
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

// A folder is opened to be listed, or synced.
Call opening(int flags) { return (flags & O_DIRECTORY) != 0 ? Call::list : Call::open; }

// How much of it is written.
size_t part(const Answer& answer, size_t size) {
  const bool half = answer.action == Action::half || answer.action == Action::kill_half;
  return half ? (size + 1) / 2 : size;
}

}  // namespace

// The names of libc, and those that it has for large files and with _FORTIFY_SOURCE. By asm labels, so that nothing
// that the headers make of a name is in the way; an open without O_CREAT hands on a mode that nobody reads.
#define REPLACE(name, result, parameters, arguments, answer_to_it, failure) \
  extern "C" result faulty_##name parameters __asm__(#name);                \
  extern "C" result faulty_##name parameters {                              \
    const Answer answer = answer_to_it;                                     \
    if (answer.fails()) return failure;                                     \
    static auto* const real = next<result parameters>(#name);               \
    return done(answer, real arguments);                                    \
  }
REPLACE(open, int, (const char* path, int flags, mode_t mode), (path, flags, mode), meet(opening(flags), path), -1)
REPLACE(open64, int, (const char* path, int flags, mode_t mode), (path, flags, mode), meet(opening(flags), path), -1)
REPLACE(__open_2, int, (const char* path, int flags), (path, flags), meet(opening(flags), path), -1)
REPLACE(__open64_2, int, (const char* path, int flags), (path, flags), meet(opening(flags), path), -1)
REPLACE(openat, int, (int at, const char* path, int flags, mode_t mode), (at, path, flags, mode),
        meet(opening(flags), path, at), -1)
REPLACE(openat64, int, (int at, const char* path, int flags, mode_t mode), (at, path, flags, mode),
        meet(opening(flags), path, at), -1)
REPLACE(__openat_2, int, (int at, const char* path, int flags), (at, path, flags), meet(opening(flags), path, at), -1)
REPLACE(__openat64_2, int, (int at, const char* path, int flags), (at, path, flags), meet(opening(flags), path, at), -1)
REPLACE(fopen, FILE*, (const char* path, const char* mode), (path, mode), meet(Call::open, path), nullptr)
REPLACE(fopen64, FILE*, (const char* path, const char* mode), (path, mode), meet(Call::open, path), nullptr)
REPLACE(opendir, DIR*, (const char* path), (path), meet(Call::list, path), nullptr)
REPLACE(read, ssize_t, (int file, void* to, size_t size), (file, to, size), meet(Call::read, file), -1)
REPLACE(__read_chk, ssize_t, (int file, void* to, size_t size, size_t room), (file, to, size, room),
        meet(Call::read, file), -1)
REPLACE(pread, ssize_t, (int file, void* to, size_t size, off_t from), (file, to, size, from), meet(Call::read, file),
        -1)
REPLACE(pread64, ssize_t, (int file, void* to, size_t size, off_t from), (file, to, size, from), meet(Call::read, file),
        -1)
REPLACE(__pread_chk, ssize_t, (int file, void* to, size_t size, off_t from, size_t room), (file, to, size, from, room),
        meet(Call::read, file), -1)
REPLACE(__pread64_chk, ssize_t, (int file, void* to, size_t size, off_t from, size_t room),
        (file, to, size, from, room), meet(Call::read, file), -1)
REPLACE(write, ssize_t, (int file, const void* from, size_t size), (file, from, part(answer, size)),
        meet(Call::write, file), -1)
REPLACE(pwrite, ssize_t, (int file, const void* from, size_t size, off_t to), (file, from, part(answer, size), to),
        meet(Call::write, file), -1)
REPLACE(pwrite64, ssize_t, (int file, const void* from, size_t size, off_t to), (file, from, part(answer, size), to),
        meet(Call::write, file), -1)
REPLACE(writev, ssize_t, (int file, const iovec* parts, int count),
        (file, parts, static_cast<int>(part(answer, static_cast<size_t>(count)))), meet(Call::write, file), -1)
REPLACE(ftruncate, int, (int file, off_t length), (file, length), meet(Call::cut, file), -1)
REPLACE(ftruncate64, int, (int file, off_t length), (file, length), meet(Call::cut, file), -1)
REPLACE(fsync, int, (int file), (file), meet(Call::sync, file), -1)
REPLACE(fdatasync, int, (int file), (file), meet(Call::sync, file), -1)
REPLACE(rename, int, (const char* from, const char* to), (from, to), meet(Call::rename, to), -1)
REPLACE(link, int, (const char* from, const char* to), (from, to), meet(Call::rename, to), -1)
REPLACE(renameat, int, (int old, const char* from, int at, const char* to), (old, from, at, to),
        meet(Call::rename, to, at), -1)
REPLACE(renameat2, int, (int old, const char* from, int at, const char* to, unsigned flags), (old, from, at, to, flags),
        meet(Call::rename, to, at), -1)
REPLACE(linkat, int, (int old, const char* from, int at, const char* to, int flags), (old, from, at, to, flags),
        meet(Call::rename, to, at), -1)
REPLACE(unlink, int, (const char* path), (path), meet(Call::unlink, path), -1)
REPLACE(remove, int, (const char* path), (path), meet(Call::unlink, path), -1)
REPLACE(rmdir, int, (const char* path), (path), meet(Call::unlink, path), -1)
REPLACE(unlinkat, int, (int at, const char* path, int flags), (at, path, flags), meet(Call::unlink, path, at), -1)
REPLACE(mkdir, int, (const char* path, mode_t mode), (path, mode), meet(Call::mkdir, path), -1)
REPLACE(mkdirat, int, (int at, const char* path, mode_t mode), (at, path, mode), meet(Call::mkdir, path, at), -1)
REPLACE(stat, int, (const char* path, void* to), (path, to), meet(Call::stat, path), -1)
REPLACE(stat64, int, (const char* path, void* to), (path, to), meet(Call::stat, path), -1)
REPLACE(lstat, int, (const char* path, void* to), (path, to), meet(Call::stat, path), -1)
REPLACE(lstat64, int, (const char* path, void* to), (path, to), meet(Call::stat, path), -1)
REPLACE(fstatat, int, (int at, const char* path, void* to, int flags), (at, path, to, flags),
        meet(Call::stat, path, at), -1)
REPLACE(fstatat64, int, (int at, const char* path, void* to, int flags), (at, path, to, flags),
        meet(Call::stat, path, at), -1)

// A descriptor that could not be closed is closed all the same.
extern "C" int faulty_close(int file) __asm__("close");
extern "C" int faulty_close(int file) {
  static auto* const real = next<int(int)>("close");
  const Answer answer = meet(Call::close, file);
  const int result = done(answer, real(file));
  if (!answer.fails()) return result;
  errno = answer.error;
  return -1;
}
