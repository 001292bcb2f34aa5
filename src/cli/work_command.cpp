// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <array>

#include "cli/commands.hpp"
#include "cli/print.hpp"
#include "cli/serving.hpp"
#include "experiment/worker.hpp"

namespace tardigrad::cli {
namespace {

std::string name_of_this_process() {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) return fmt::format("worker-{}", getpid());
  return fmt::format("{:.100}-{}", host.data(), getpid());
}

}  // namespace

int work_command(const WorkCommand& command) {
  catch_interrupts();
  const WorkerSource source{.coordinator = client_options("--connect", command.connect, command.security),
                            .name = command.name.empty() ? name_of_this_process() : command.name,
                            .assignments = command.assignments,
                            .plugins = command.common.plugins,
                            .data_root = command.common.data_root,
                            .own_data = command.own_data,
                            .give_up_after = command.give_up_after};
  const auto say = [](const std::string& text) { print_err("tardigrad: {}\n", one_line(text)); };
  WorkerHooks hooks{.interrupted = &interrupted()};
  if (!command.common.quiet) hooks.remark = say;
  const std::string why = work(source, hooks);
  if (!command.common.quiet) say(fmt::format("worker {} has left: {}", source.name, why));
  return kEnded;
}

}  // namespace tardigrad::cli
