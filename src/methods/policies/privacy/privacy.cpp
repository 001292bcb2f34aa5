// SPDX-License-Identifier: Apache-2.0
#include "methods/policies/privacy/privacy.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/zcdp.hpp"

namespace tardigrad::methods {
namespace {

std::optional<std::uint32_t> read_count(Settings& table, const Setting<std::int64_t>& setting) {
  const std::optional<std::int64_t> count = read_if_given(table, setting);
  if (!count) return std::nullopt;
  return static_cast<std::uint32_t>(*count);
}

}  // namespace

std::uint32_t contribution_bound(Settings& table, const PrivacyDemand& demand, std::size_t size, const char* what) {
  const auto share = [&](std::size_t workers) { return (size + workers - 1) / std::max<std::size_t>(workers, 1); };
  if (!demand.asked_for)  // half of the workers can fill it, so that nobody has to wait for the slower half
    return static_cast<std::uint32_t>(std::min(size, share((demand.workers + 1) / 2)));
  if (*demand.asked_for < share(demand.workers))
    table.fail("contributions_per_release",
               fmt::format("{} workers never fill {} of {} with so many each; must be at least {}", demand.workers,
                           what, size, share(demand.workers)));
  return static_cast<std::uint32_t>(std::min<std::size_t>(*demand.asked_for, size));
}

Privacy::Privacy(Settings& settings, const MethodContext& context, const std::optional<Contribution>& contribution)
    : demand_{.workers = context.workers, .seed = context.seed} {
  settings.allow("privacy");
  if (!settings.has("privacy")) return;
  if (!contribution)
    settings.fail("privacy",
                  "this method has no private form: an arrival enters more than one of its updates, or "
                  "enters them unclipped (docs/methods/privacy.md)");
  if (contribution->largest_weight > 1.0)
    settings.fail("privacy", fmt::format("needs weights of at most 1, and this method's go up to {:.4g}: a clipped "
                                         "gradient would move x by more than its noise covers",
                                         contribution->largest_weight));
  Settings& table = settings.table("privacy");
  demand_.noise_multiplier = read(table, kNoiseMultiplier);
  delta_ = read(table, kDelta);
  limit_ = read_count(table, kMaxParticipations).value_or(0);
  demand_.asked_for = read_count(table, kContributionsPerRelease);
  demand_.bound = contribution_bound(table, demand_, contribution->of, "a buffer");
  largest_weight_ = contribution->largest_weight;
  share_ = 1.0 / static_cast<double>(contribution->of);
  update_ = OpenRelease(demand_.bound);
}

void Privacy::set_noise(Settings& settings, const PrivateNoise& noise) {
  if (!is_on()) return;
  noise_ = noise;
  count_ = OpenRelease(noise.count_bound);
  if (demand_.asked_for && share_ == 1.0 && noise.count == 0.0)
    settings.table("privacy").fail("contributions_per_release", "has no effect: every arrival is released by itself");
}

Reason Privacy::reason(WorkerId worker) const {
  if (is_retired(worker))
    return {.rule = "the arrivals of its worker that were applied before must be fewer than",
            .limit = static_cast<double>(limit_),
            .value = static_cast<double>(limit_)};
  return {.rule = "the contributions of its worker to the open release must be fewer than",
          .limit = static_cast<double>(update_.bound()),
          .value = static_cast<double>(update_.bound())};
}

void Privacy::takes_part(WorkerId worker, double weight, double radius) {
  if (!is_on()) return;
  TG_CHECK(weight <= largest_weight_, "a weight of ", weight, " is above ", largest_weight_);
  if (accounts_.size() <= worker) accounts_.resize(worker + 1);
  ++accounts_[worker].participations;
  update_.add(worker, weight);
  radius_ = std::max(radius_, radius);
}

bool Privacy::counts(WorkerId worker) {
  if (noise_.count == 0.0) return true;
  if (!count_.takes(worker)) return false;
  count_.add(worker, 1.0);
  return true;
}

void Privacy::count_is_released() {
  count_.release([&](WorkerId worker, double norms) { accounts_[worker].counts += norms * norms; });
}

Direction Privacy::noised(VectorProgram& program, Direction u, Version version) {
  if (!is_on()) return u;
  // What clipping left there has been used by now, or is u itself.
  const Vec t = kClippingTemporary;
  program.scale(t, u.factor, u.vector);
  program.noise(t, t, noise_.updates * radius_ * share_, demand_.seed, version);
  radius_ = 0.0;
  update_.release([&](WorkerId worker, double weight) { accounts_[worker].updates += weight * weight; });
  return {.vector = t};
}

double Privacy::rho(double updates, double counts) const {
  const double rho = zcdp_rho(noise_.updates, 1.0) * updates;
  return noise_.count == 0.0 ? rho : rho + zcdp_rho(noise_.count, 0.5) * counts;
}

std::vector<Metric> Privacy::figures() const {
  if (!is_on()) return {};
  double most = 0.0, participations = 0.0;
  for (const Account& account : accounts_) {
    most = std::max(most, rho(account.updates, account.counts));
    participations = std::max(participations, static_cast<double>(account.participations));
  }
  std::vector<Metric> figures = {{"epsilon", zcdp_epsilon(most, delta_)},
                                 {"delta", delta_},
                                 {"rho", most},
                                 {"largest_participations", participations},
                                 {"contributions_per_release", static_cast<double>(update_.bound())}};
  // A worker that takes part as often as it may, in as few releases as it may.
  const double squares = largest_weight_ * largest_weight_ * most_squares(limit_, update_.bound());
  if (limit_ > 0)
    figures.push_back({"epsilon_limit", zcdp_epsilon(rho(squares, most_squares(limit_, count_.bound())), delta_)});
  return figures;
}

}  // namespace tardigrad::methods
