// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "record/provenance.hpp"

namespace tardigrad {

/// This program: its version, and the commit and the sources that it was built from. Of data and plugins nothing.
const record::Provenance& this_program();

/// What `--version` says: one line; and with `--json`, with the formats of the files that it writes.
std::string version_text();
std::string version_json();

}  // namespace tardigrad
