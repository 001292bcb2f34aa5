// SPDX-License-Identifier: Apache-2.0
// The rival of bench_sim: what one writes in an afternoon. A heap of arrivals, one gradient after another, LibTorch as
// it comes (its own threads, contiguous images, glibc's malloc), a deep copy of the parameters for each order.
//   bench_plain_loop UPDATES     prints images/s of the same 16 workers, CNN and batch as bench_sim
#include <torch/torch.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <queue>
#include <vector>

namespace {

constexpr int kWorkers = 16, kBatch = 64;
constexpr double kStep = 0.01;

struct Cnn : torch::nn::Module {
  torch::nn::Conv2d conv1{nullptr}, conv2{nullptr};
  torch::nn::Linear fc1{nullptr}, fc2{nullptr};
  Cnn() {
    conv1 = register_module("conv1", torch::nn::Conv2d(3, 32, 5));
    conv2 = register_module("conv2", torch::nn::Conv2d(32, 64, 5));
    fc1 = register_module("fc1", torch::nn::Linear(1600, 512));
    fc2 = register_module("fc2", torch::nn::Linear(512, 10));
  }
  torch::Tensor forward(torch::Tensor x) {
    x = torch::max_pool2d(torch::relu(conv1(x)), 2);
    x = torch::max_pool2d(torch::relu(conv2(x)), 2);
    return fc2(torch::relu(fc1(x.flatten(1))));
  }
};

using Parameters = std::vector<torch::Tensor>;

Parameters copy(const std::vector<torch::Tensor>& from) {
  Parameters to;
  for (const torch::Tensor& t : from) to.push_back(t.detach().clone());
  return to;
}

struct Arrival {
  double time;
  long order;
  int worker;
  Parameters at;
  bool operator<(const Arrival& other) const { return time != other.time ? time > other.time : order > other.order; }
};

}  // namespace

int main(int argc, char** argv) {
  const int updates = argc > 1 ? std::atoi(argv[1]) : 100;
  torch::manual_seed(1);
  const torch::Tensor images = torch::rand({2000, 3, 32, 32}), labels = torch::randint(10, {2000}, torch::kLong);
  Cnn model;
  Parameters x = copy(model.parameters());
  std::priority_queue<Arrival> arrivals;
  long orders = 0;
  for (int worker = 0; worker < kWorkers; ++worker) arrivals.push({worker < 8 ? 1.0 : 4.0, orders++, worker, copy(x)});

  std::chrono::steady_clock::time_point begin;
  const int warm_up = 4;
  for (int update = 0; update < updates + warm_up; ++update) {
    if (update == warm_up) begin = std::chrono::steady_clock::now();
    const Arrival arrival = arrivals.top();
    arrivals.pop();
    {
      const torch::NoGradGuard no_grad;
      const auto parameters = model.parameters();
      for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i].copy_(arrival.at[i]);
    }
    model.zero_grad();
    const torch::Tensor batch = torch::randint(2000, {kBatch}, torch::kLong);
    torch::cross_entropy_loss(model.forward(images.index_select(0, batch)), labels.index_select(0, batch)).backward();
    const auto parameters = model.parameters();
    for (std::size_t i = 0; i < parameters.size(); ++i) x[i].sub_(parameters[i].grad(), kStep);
    arrivals.push({arrival.time + (arrival.worker < 8 ? 1.0 : 4.0), orders++, arrival.worker, copy(x)});
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::printf("%.1f\n", updates * kBatch / seconds);
}
