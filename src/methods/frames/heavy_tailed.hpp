// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <utility>

#include "methods/frames/buffered.hpp"
#include "methods/policies/admission/all.hpp"
#include "methods/policies/step/constant.hpp"
#include "methods/policies/step/weight.hpp"
#include "methods/shared_settings.hpp"

namespace tardigrad::methods {

inline constexpr Setting<Choice> kScheme = {.key = "scheme",
                                            .fallback = "arrival",
                                            .meaning = "\"arrival\": every one is an update; \"buffered\": a mean is",
                                            .words = {"arrival", "buffered"}};
inline constexpr Setting<std::int64_t> kSchemeBufferSize = {
    .key = kBufferSize.key,
    .default_in_words = "none",
    .range = kBufferSize.range,
    .meaning = "K >= 1, for scheme = \"buffered\", which needs it"};

/// The frame of the methods against heavy tails, in two schemes of communication:
///   arrival   x <- x - gamma (1+tau)^(-a) u
///   buffered  x <- x - (gamma/K) sum over K arrivals of (1+tau)^(-a) u
/// where u is the clipped gradient, or the clipped correction of it. Buffers of one are scheme "arrival".
template <class Correction>
struct HeavyTailed {
  double delay_exponent;
  Correction correction = {};
  ClipWhen clip_when = ClipWhen::before_correction;
  Capabilities capabilities = {};

  std::unique_ptr<Method> make(Settings& settings, const MethodContext& context) && {
    using Frame = Buffered<AdmitAll, PolynomialWeight, ConstantStep, Correction>;
    require_clipping(settings);
    const bool buffered = read(settings, kScheme) == "buffered";
    const std::size_t size = buffered ? read_buffer_size(settings) : 1;
    return std::make_unique<Frame>(
        typename Frame::Parts{.admission = {},
                              .weight = {delay_exponent},
                              .step = {read(settings, kStepSize)},
                              .size = {.size = size},
                              .server = ServerStep(settings, context, {.contribution = Contribution{.of = size}}),
                              .dispatch = Dispatch(same_worker(settings, context)),
                              .correction = std::move(correction),
                              .clip_when = clip_when,
                              .capabilities = capabilities});
  }
};

}  // namespace tardigrad::methods
