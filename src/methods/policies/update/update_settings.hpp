// SPDX-License-Identifier: Apache-2.0
// The keys of `update`, whichever rule reads them.
#pragma once

#include "tardigrad/setting.hpp"

namespace tardigrad::methods {

inline constexpr Setting<Choice> kUpdateRule = {
    .key = "rule",
    .default_in_words = "sgd, or the method's",
    .meaning = "how a direction becomes a step",
    .words = {"sgd", "momentum", "nesterov", "adam", "adamw", "amsgrad", "normalised", "muon", "lmo"}};
inline constexpr Range kFraction = {.low = 0.0, .high = 1.0, .high_open = true};
inline constexpr Setting<double> kMomentum = {.key = "momentum",
                                              .default_in_words = "0.9; muon: 0.95",
                                              .range = kFraction,
                                              .meaning = "beta, of all but sgd and Adam's kind"};
inline constexpr Setting<double> kBeta1 = {
    .key = "beta1", .fallback = 0.9, .range = kFraction, .meaning = "of Adam's kind"};
inline constexpr Setting<double> kBeta2 = {
    .key = "beta2", .fallback = 0.999, .range = kFraction, .meaning = "of Adam's kind"};
inline constexpr Setting<double> kEpsilon = {
    .key = "epsilon", .fallback = 1e-8, .range = kPositive, .meaning = "of Adam's kind"};
inline constexpr Setting<double> kWeightDecay = {
    .key = "weight_decay", .fallback = 0.0, .range = at_least(0), .meaning = "w: u is u + w x; of adamw decoupled"};
inline constexpr Setting<double> kL1 = {
    .key = "l1", .fallback = 0.0, .range = at_least(0), .meaning = "of the proximal step: l1 ||x||_1"};
inline constexpr Setting<double> kL2 = {
    .key = "l2", .fallback = 0.0, .range = at_least(0), .meaning = "of the proximal step: l2/2 ||x||^2"};
inline constexpr Setting<Choice> kAveraging = {
    .key = "averaging",
    .default_in_words = "constant; with parameters = \"agnostic\" inverse-sqrt",
    .meaning = "of normalised, muon, lmo: 1 - beta is constant, or 1/sqrt(k + 1) at version k",
    .words = {"constant", "inverse-sqrt"}};
inline constexpr Setting<Choice> kEnds = {.key = "ends",
                                          .default_in_words = "identity; lmo: sign",
                                          .meaning = "of muon, lmo: the geometry of the first and the last matrix",
                                          .words = {"identity", "spectral", "sign", "euclidean"}};
inline constexpr Setting<Choice> kVectors = {.key = "vectors",
                                             .default_in_words = "identity; lmo: euclidean",
                                             .meaning = "of muon, lmo: the geometry of what is no matrix",
                                             .words = {"identity", "sign", "euclidean"}};
inline constexpr Setting<Choice> kScales = {.key = "scales",
                                            .default_in_words = "muon; async-scion: scion",
                                            .meaning = "of lmo: what each kind of layer is multiplied by",
                                            .words = {"muon", "scion"}};
inline constexpr Setting<double> kRadius = {
    .key = "radius", .fallback = 1.0, .range = kPositive, .meaning = "of lmo: of the ball"};
inline constexpr Setting<double> kInputRadius = {
    .key = "input_radius", .default_in_words = "radius", .range = kPositive, .meaning = "of lmo: of the first matrix"};
inline constexpr Setting<double> kOutputRadius = {
    .key = "output_radius", .default_in_words = "radius", .range = kPositive, .meaning = "of lmo: of the last matrix"};
inline constexpr Setting<double> kVectorRadius = {.key = "vector_radius",
                                                  .default_in_words = "radius",
                                                  .range = kPositive,
                                                  .meaning = "of lmo: of what is no matrix"};
inline constexpr Setting<Choice> kForm = {.key = "form",
                                          .fallback = "unconstrained",
                                          .meaning = "of lmo: a step, a step within the ball, or a clipped one",
                                          .words = {"unconstrained", "constrained", "clipped"}};
inline constexpr SettingRow kUpdateRows[] = {
    kUpdateRule, kMomentum, kBeta1,  kBeta2,  kEpsilon,     kWeightDecay,  kL1,           kL2,  kAveraging,
    kEnds,       kVectors,  kScales, kRadius, kInputRadius, kOutputRadius, kVectorRadius, kForm};
/// The setting `update`, with the default that a method has.
constexpr Setting<SubTable> update_setting(const char* default_in_words, const char* meaning) {
  return {.key = "update", .default_in_words = default_in_words, .meaning = meaning, .rows = kUpdateRows};
}

}  // namespace tardigrad::methods
