// SPDX-License-Identifier: Apache-2.0
// What execute() hands to the loops that are compiled once per instruction set.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "tardigrad/vectors.hpp"

namespace tardigrad::kernels {

/// A program whose vectors have their places.
struct ProgramPlan {
  /// Floats of a vector that one statement handles before the next takes over: few enough for a handful of vectors to
  /// stay in a first-level cache.
  static constexpr std::size_t kBlock = 1024;
  /// Vectors that live for one block only: the temporaries, the noise, and copies of what is written several times
  /// before it leaves for good.
  static constexpr std::size_t kMostScratch = 8;
  static constexpr std::size_t kMostSlots = 4 * VectorProgram::kMostStatements + kMostScratch;
  static constexpr std::size_t kMostInstructions = VectorProgram::kMostStatements + kMostScratch;

  using Index = std::uint8_t;
  static constexpr Index kNone = 0xFF;
  static_assert(kMostSlots < kNone);

  /// A vector in memory, or a scratch block.
  struct Slot {
    float* memory;  ///< nullptr: scratch
    Index scratch;
    bool fresh;  ///< written in this program, and never read from memory
  };

  struct Instruction {
    enum class Code : std::uint8_t { clear, copy, statement };
    Code code;
    bool streams;  ///< writes past the caches
    Index out, p, q, r;
    Index noise;                   ///< the scratch block that holds it
    std::array<Index, 3> fetches;  ///< vectors whose next block it asks the memory for, by the way
    Index fetch_count;
    const VectorProgram::Statement* statement;
  };

  std::array<Slot, kMostSlots> slots;
  std::array<Instruction, kMostInstructions> instructions;
  std::size_t slot_count = 0, instruction_count = 0;
  Index scratch_count = 0;
};

/// Runs a plan on the coordinates [begin, end) with the instruction set of this machine.  Pre  begin is a multiple of
/// ProgramPlan::kBlock
void run_plan(const ProgramPlan& plan, std::size_t begin, std::size_t end);

}  // namespace tardigrad::kernels
