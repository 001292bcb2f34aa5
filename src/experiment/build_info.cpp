// SPDX-License-Identifier: Apache-2.0
#include "experiment/build_info.hpp"

#include "experiment/commit.hpp"  // written at every build, by cmake/BuildInfo.cmake
#include "record/formats.hpp"
#include "record/json.hpp"
#include "tardigrad/plugin.hpp"

// Given by CMake: TARDIGRAD_VERSION, _COMPILER, _BUILD_TYPE, _TORCH_VERSION, _ALLOCATOR, _SANITIZERS, _SYSTEM.

namespace tardigrad {
namespace {

constexpr std::string_view kTorch = TARDIGRAD_TORCH_VERSION, kSanitizers = TARDIGRAD_SANITIZERS;

std::string build() {
  std::string text = TARDIGRAD_COMPILER ", " TARDIGRAD_BUILD_TYPE;
  if (!kTorch.empty()) text += ", LibTorch " + std::string(kTorch);
  if (!kSanitizers.empty()) text += ", sanitizers " + std::string(kSanitizers);
  return text;
}

}  // namespace

const record::Provenance& this_program() {
  static const record::Provenance program{.program = "tardigrad " TARDIGRAD_VERSION,
                                          .commit = kCommit,
                                          .dirty = kDirty,
                                          .sources = kSources,
                                          .build = build()};
  return program;
}

std::string version_text() { return describe_program(this_program()) + " (" + build() + ")"; }

std::string version_json() {
  using record::Json;
  return record::to_page({{"program", "tardigrad"},
                          {"version", TARDIGRAD_VERSION},
                          {"commit", kCommit},
                          {"dirty", kDirty},
                          {"sources", kSources},
                          {"build",
                           {{"compiler", TARDIGRAD_COMPILER},
                            {"type", TARDIGRAD_BUILD_TYPE},
                            {"system", TARDIGRAD_SYSTEM},
                            {"libtorch", kTorch.empty() ? Json(nullptr) : Json(kTorch)},
                            {"allocator", TARDIGRAD_ALLOCATOR},
                            {"sanitizers", kSanitizers.empty() ? Json(nullptr) : Json(kSanitizers)}}},
                          {"plugin_interface", kPluginAbi},
                          {"formats",
                           {{"summary.json", record::kSummaryFormat},
                            {"compare.json", record::kComparisonFormat},
                            {"checkpoints", record::kCheckpointFormat},
                            {"recording.bin", record::kRecordingFormat},
                            {"provenance.json", record::kProvenanceFormat}}}});
}

}  // namespace tardigrad
