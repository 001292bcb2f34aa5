// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "tardigrad/availability.hpp"
#include "tardigrad/settings.hpp"

namespace tardigrad::timing {

/// Reads `settings.availability`, where there is one:
///   availability = { up = 100.0 | { kind = ..., ... }, down = 20.0 | { kind = ..., ... }, first_join = 5.0 }
/// up and down are numbers of seconds or the laws of compute times, drawn anew for every stay and downtime of every
/// worker; without down a worker that leaves never returns; without up it stays for ever; first_join = 0.
/// Returns  nothing when everybody is always there
/// Errors   Error: an empty table, or what make_compute_time refuses
std::unique_ptr<Availability> make_availability(Settings& settings, std::uint64_t seed);

/// A part of the workers, up to and not including `end`; nothing: always there.
struct AvailabilityGroup {
  std::size_t end;
  std::unique_ptr<Availability> availability;
};

/// Workers of groups, in their order.
std::unique_ptr<Availability> make_grouped_availability(std::vector<AvailabilityGroup> groups);

}  // namespace tardigrad::timing
