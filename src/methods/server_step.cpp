// SPDX-License-Identifier: Apache-2.0
#include "methods/server_step.hpp"

namespace tardigrad::methods {

ServerStep::ServerStep(Settings& settings, const MethodContext&, const std::string& default_rule)
    : clipping_(settings), schedule_(Schedule::read(settings)), update_(settings, default_rule) {}

}  // namespace tardigrad::methods
