// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "core/buffer_pool.hpp"
#include "experiment/run_session.hpp"
#include "record/checkpoints.hpp"
#include "record/run_directory.hpp"

namespace tardigrad {

/// The checkpoints of a run that has a directory.
record::CheckpointFolder folder_of(const RunRequest& request, const RunIdentity& identity);

/// The checkpoint that a run is to go on from, once the logs that it relies on are verified; nothing where the request
/// begins a run. What newer ones were passed over for it, and why, is told in every case, and they are put aside.
/// Errors  Error where there is something in the directory, and nothing to go on from: nothing was changed
std::optional<record::Checkpoint> find_resume_point(const RunRequest& request, const RunIdentity& identity,
                                                    const record::RunDirectory* run, BufferPool& buffers);

}  // namespace tardigrad
