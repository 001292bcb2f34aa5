// SPDX-License-Identifier: Apache-2.0
// The formats of the files that we write (docs/formats.md): a number grows when a program that knows the former one
// would misread the file.
#pragma once

namespace tardigrad::record {

inline constexpr int kSummaryFormat = 9;
inline constexpr int kSummaryWithoutLogs = 8;  ///< read too: it knew nothing of the logs beside it
inline constexpr int kCheckpointFormat = 4;
inline constexpr int kRecordingFormat = 2;
inline constexpr int kProvenanceFormat = 1;
inline constexpr int kComparisonFormat = 2;

}  // namespace tardigrad::record
