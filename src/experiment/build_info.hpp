// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "record/provenance.hpp"

namespace tardigrad {

/// This program: its version, and the commit and the sources that it was built from. Of data and plugins nothing.
const record::Provenance& this_program();

}  // namespace tardigrad
