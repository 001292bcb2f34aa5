// SPDX-License-Identifier: Apache-2.0
// Workers over gRPC beside raw TCP on the same loopback, with the same traffic and the same update, in turns in the
// same run. The server is this process, workers are processes of their own:
//   a large model   11.2 M parameters, 44.7 MB: rounds per second and worker (a gradient up, parameters down)
//   a small model   d = 1000: orders per second in total, with 16 workers
// The raw server reads a gradient in pieces of 1 MB, subtracts each from x at once, and sends x; no message has a form,
// nothing is checked. CPU time is that of all processes, for a GB moved in both directions.
// With TLS the floor is that raw traffic, and each byte sealed once and opened once besides, at the rate at which all
// cores do so in the same turn and nothing else: 1 / floor = 1 / TCP + bytes of an order / rate.
//   bench_network [turns, default 3]
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "core/buffer_pool.hpp"
#include "core/kernels.hpp"
#include "engines/drive.hpp"
#include "engines/grpc/transport.hpp"
#include "engines/network/certificates.hpp"
#include "engines/network/network_runtime.hpp"
#include "methods/catalogue.hpp"
#include "sealing.hpp"
#include "tardigrad/settings.hpp"

namespace {

using namespace tardigrad;
using Steady = std::chrono::steady_clock;

constexpr float kStep = 1e-3f;
constexpr std::size_t kPiece = 1 << 20;

struct Load {
  const char* name;
  std::size_t dimension, workers;
  std::uint64_t orders;  // in all
};

// Its gradients are whatever there was.
class Ready final : public Problem {
 public:
  explicit Ready(std::size_t dimension) : layout_("x", dimension) {}
  const Layout& layout() const override { return layout_; }
  void initial_point(std::span<float> x) const override { kernels::clear(x); }
  std::vector<std::string> metric_names() const override { return {"nothing"}; }
  std::vector<Metric> metrics(std::span<const double>) const override { return {{"nothing", 0.0}}; }
  std::unique_ptr<Replica> make_replica() const override { return std::make_unique<Producer>(); }

 private:
  class Producer final : public Replica {
   public:
    double gradient(const Order& order, std::span<const float>, std::span<float> g) override {
      if (order.index == 0) std::ranges::fill(g, 1e-3f);  // later ones keep what is there
      g[0] = 1e-3f;
      return 0.0;
    }
    std::vector<double> evaluate(std::span<const float>, std::size_t, const void*) override { return {0.0}; }
  };
  Layout layout_;
};

wire::Identity identity(std::size_t dimension) { return {.scenario = "bench", .tensors = {dimension}, .data = ""}; }

int connect_to(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int yes = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) std::exit(3);
  return fd;
}

bool move(int fd, char* data, std::size_t size, bool out) {
  while (size > 0) {
    const ssize_t some = out ? send(fd, data, size, MSG_NOSIGNAL) : recv(fd, data, size, 0);
    if (some <= 0) return false;
    data += some;
    size -= static_cast<std::size_t>(some);
  }
  return true;
}

// The processes of workers: bench_network work ADDRESS DIMENSION NAME [AUTHORITY], bench_network raw PORT DIMENSION.
int work(const std::string& address, std::size_t dimension, const std::string& name, const std::string& authority) {
  const Ready problem(dimension);
  BufferPool buffers(dimension);
  network::WorkerClient client({.transport = grpc::transport(),
                                .client = {.address = address, .credentials = {.authority = authority}},
                                .problem = problem,
                                .buffers = buffers,
                                .identity = identity(dimension),
                                .name = name});
  while (!client.has_left()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return 0;
}

int work_raw(int port, std::size_t dimension) {
  const int fd = connect_to(port);
  std::vector<float> g(dimension, 1e-3f), x(dimension);
  while (move(fd, reinterpret_cast<char*>(g.data()), 4 * dimension, true) &&
         move(fd, reinterpret_cast<char*>(x.data()), 4 * dimension, false))
    continue;
  return 0;
}

void start(std::vector<pid_t>& processes, const std::vector<std::string>& words) {
  std::vector<std::string> all = {"/proc/self/exe"};
  all.insert(all.end(), words.begin(), words.end());
  std::vector<char*> pointers;
  for (std::string& word : all) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  pid_t pid = 0;
  if (posix_spawn(&pid, "/proc/self/exe", nullptr, nullptr, pointers.data(), environ) != 0) std::exit(3);
  processes.push_back(pid);
}

double cpu_seconds() {
  double sum = 0.0;
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage used{};
    getrusage(who, &used);
    for (const timeval& time : {used.ru_utime, used.ru_stime})
      sum += static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  }
  return sum;
}

struct Rate {
  double per_second = 0.0, cpu = 0.0;  // orders; seconds
};

enum class Encryption { none, tls };

Rate over_grpc(const Load& load, Encryption encryption) {
  const Ready problem(load.dimension);
  BufferPool buffers(load.dimension);
  std::vector<pid_t> processes;
  network::Credentials credentials;
  std::vector<std::string> authority;
  if (encryption == Encryption::tls) {
    const network::Certified ours = network::make_authority("bench");
    const network::Certified server = network::certify(ours, "server", {"127.0.0.1"});
    credentials = {.certificate = server.certificate, .key = server.key};
    authority.push_back(ours.certificate);
  }
  const network::ServeOptions serve{
      .address = "127.0.0.1:0",
      .credentials = credentials,
      .scenario_hash = "bench",
      .epoch = 1,
      .on_listening = [&](const std::string& address) {
        for (std::size_t i = 0; i < load.workers; ++i) {
          std::vector<std::string> words = {"work", address, std::to_string(load.dimension), "w" + std::to_string(i)};
          words.insert(words.end(), authority.begin(), authority.end());
          start(processes, words);
        }
      }};
  Settings settings({{"name", {std::string("vanilla-asgd")}}, {"step_size", {double{kStep}}}}, "method");
  const std::unique_ptr<Method> method = methods::make_method(settings, {.workers = load.workers, .seed = 1});
  const Layout layout("x", load.dimension);
  Buffer x0 = buffers.take();
  kernels::clear(x0.view());
  ServerModel model(buffers, layout, std::move(x0), kernels::Threads::one);
  const double before = cpu_seconds();
  RunResult result;
  {
    network::NetworkRuntime runtime(grpc::transport(), problem, buffers, {.workers = load.workers, .serve = &serve});
    RunOptions options;
    options.stop.gradients = load.orders;
    result = drive(options, runtime, *method, model);
  }
  for (const pid_t pid : processes) waitpid(pid, nullptr, 0);
  return {.per_second = static_cast<double>(load.orders) / to_seconds(result.time), .cpu = cpu_seconds() - before};
}

Rate over_tcp(const Load& load) {
  const int door = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  if (bind(door, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 || listen(door, 64) != 0 ||
      getsockname(door, reinterpret_cast<sockaddr*>(&at), &size) != 0)
    std::exit(3);
  std::vector<pid_t> processes;
  const double before = cpu_seconds();
  for (std::size_t i = 0; i < load.workers; ++i)
    start(processes, {"raw", std::to_string(ntohs(at.sin_port)), std::to_string(load.dimension)});
  std::vector<float> x(load.dimension);
  std::vector<int> sockets;
  for (std::size_t i = 0; i < load.workers; ++i) {
    sockets.push_back(accept(door, nullptr, nullptr));
    const int yes = 1;
    setsockopt(sockets.back(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  }
  const Steady::time_point begin = Steady::now();
  {
    std::vector<std::jthread> threads;
    for (const int fd : sockets)
      threads.emplace_back([&, fd] {
        std::vector<float> piece(kPiece / 4);
        for (std::uint64_t round = 0; round < load.orders / load.workers; ++round) {
          for (std::size_t done = 0; done < load.dimension;) {
            const std::size_t count = std::min(piece.size(), load.dimension - done);
            if (!move(fd, reinterpret_cast<char*>(piece.data()), 4 * count, false)) return;
            const std::span<float> part(x.data() + done, count);
            kernels::add_scaled(part, -kStep, std::span<const float>(piece).first(count));
            done += count;
          }
          if (!move(fd, reinterpret_cast<char*>(x.data()), 4 * load.dimension, true)) return;
        }
      });
  }
  const double seconds = std::chrono::duration<double>(Steady::now() - begin).count();
  for (const int fd : sockets) close(fd);
  close(door);
  for (const pid_t pid : processes) waitpid(pid, nullptr, 0);
  return {.per_second = static_cast<double>(load.orders) / seconds, .cpu = cpu_seconds() - before};
}

}  // namespace

int main(int argc, char** argv) {
  const std::string verb = argc > 1 ? argv[1] : "";
  if (verb == "work" && argc >= 5) return work(argv[2], std::stoul(argv[3]), argv[4], argc > 5 ? argv[5] : "");
  if (verb == "raw" && argc == 4) return work_raw(std::stoi(argv[2]), std::stoul(argv[3]));
  const int turns = argc > 1 ? std::max(1, std::atoi(argv[1])) : 3;
  const Load loads[] = {{"44.7 MB, 2 workers", 11175370, 2, 40}, {"d = 1000, 16 workers", 1000, 16, 32000}};
  std::printf("%-28s %14s %14s %8s %16s %16s\n", "", "gRPC orders/s", "floor orders/s", "share", "gRPC CPU s/GB",
              "TCP CPU s/GB");
  for (const Load& load : loads) {
    const double gigabytes = 8e-9 * static_cast<double>(load.dimension) * static_cast<double>(load.orders);
    for (int turn = 0; turn < turns; ++turn) {
      const Rate tcp = over_tcp(load), plain = over_grpc(load, Encryption::none);
      const double sealed = bench::sealing_rate(1.0);
      const Rate tls = over_grpc(load, Encryption::tls);
      const double bytes = 8.0 * static_cast<double>(load.dimension);
      const double floor_with_tls = 1.0 / (1.0 / tcp.per_second + bytes / sealed);
      const auto row = [&](const std::string& what, const Rate& rate, double floor) {
        std::printf("%-28s %14.1f %14.1f %8.2f %16.2f %16.2f\n", (load.name + what).c_str(), rate.per_second, floor,
                    rate.per_second / floor, rate.cpu / gigabytes, tcp.cpu / gigabytes);
      };
      row("", plain, tcp.per_second);
      row(", TLS", tls, floor_with_tls);
      std::printf("  sealed and opened: %.2f GB/s on all cores\n", 1e-9 * sealed);
      std::fflush(stdout);
    }
  }
}
