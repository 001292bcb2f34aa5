// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "core/kernels.hpp"
#include "tardigrad/vectors.hpp"

namespace tardigrad::kernels {

/// How many of p, q and r a statement reads; a division may be without its p.
inline std::size_t reads_of(const VectorProgram::Statement& statement) {
  switch (statement.op) {
    case VectorProgram::Op::divide_root:
      return 3;
    case VectorProgram::Op::add:
    case VectorProgram::Op::mix:
    case VectorProgram::Op::square:
    case VectorProgram::Op::multiply:
    case VectorProgram::Op::maximum:
      return 2;
    case VectorProgram::Op::scale:
      return static_cast<float>(statement.a) == 0.0f ? 0 : 1;
    case VectorProgram::Op::clamp:
    case VectorProgram::Op::soft_threshold:
    case VectorProgram::Op::sign:
    case VectorProgram::Op::noise:
      return 1;
  }
  return 0;
}

/// The memory of a vector of a program. For x the two differ: the old version is read until the new one is written.
struct Operand {
  std::span<const float> read;
  std::span<float> write;  ///< empty: must not be written
};

/// Says where a vector is: a reference to anything that can be called so, which outlives the call it is given to.
class MemoryOf {
 public:
  template <class Function>
  MemoryOf(const Function& function)  // implicit, so that a lambda will do
      : function_(&function),
        call_([](const void* f, Vec v) -> Operand { return (*static_cast<const Function*>(f))(v); }) {}
  Operand operator()(Vec v) const { return call_(function_, v); }

 private:
  const void* function_;
  Operand (*call_)(const void*, Vec);
};

/// Executes the statements of a program on vectors of `size` floats, as if for every coordinate in turn: block by
/// block, so that what one statement leaves in the nearest cache the next one finds there, and each vector moves
/// through the memory once. What is only overwritten goes past the caches when the vectors are long. `memory` says
/// where a named vector is; it is asked once for each, and never for temporaries. Vectors of different names do not
/// overlap, but those that are only read may be the same. Every result is bit-identical on every instruction set and
/// for every number of threads. Cost  no heap allocation
void execute(const VectorProgram& program, std::size_t size, MemoryOf memory, Threads threads = Threads::one);

}  // namespace tardigrad::kernels
