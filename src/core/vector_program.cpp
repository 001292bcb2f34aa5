// SPDX-License-Identifier: Apache-2.0
#include "core/vector_program.hpp"

#include <tbb/parallel_for.h>

#include <algorithm>
#include <cstdint>

#include "core/vector_program_plan.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::kernels {
namespace {

using Index = ProgramPlan::Index;
using Instruction = ProgramPlan::Instruction;
using Code = Instruction::Code;

// What one thread takes at a time, in floats, and from when on threads are worth waking.
constexpr std::size_t kShare = 64 * ProgramPlan::kBlock;
constexpr std::size_t kParallelFloats = 4 * kShare;
// As in kernels.cpp: from here on a vector that is only overwritten goes past the caches.
constexpr std::size_t kStreamFloats = std::size_t{1} << 20;
constexpr std::uintptr_t kRegisterBytes = 64;

// Gives the vectors of a program their places, and finds out who reads and writes what.
class Planner {
 public:
  Planner(ProgramPlan& plan, std::size_t size, const MemoryOf& memory) : plan_(plan), size_(size), memory_(memory) {}

  void add(const VectorProgram::Statement& statement) {
    Instruction& to = plan_.instructions[plan_.instruction_count++];
    to = {.code = code_of(statement),
          .streams = false,
          .out = ProgramPlan::kNone,
          .p = ProgramPlan::kNone,
          .q = ProgramPlan::kNone,
          .r = ProgramPlan::kNone,
          .noise = ProgramPlan::kNone,
          .fetches = {},
          .fetch_count = 0,
          .statement = &statement};
    const std::size_t reads = reads_of(statement);
    const bool lacks_p = statement.op == VectorProgram::Op::divide_root && statement.p.kind == Vec::Kind::none;
    if (reads > 0 && !lacks_p) to.p = read(statement.p);
    if (reads > 1) to.q = read(statement.q);
    if (reads > 2) to.r = read(statement.r);
    if (statement.op == VectorProgram::Op::noise && to.code == Code::statement) to.noise = new_scratch();
    to.out = write(statement.out);
  }

  // The next block is asked for while this one is computed, evenly, so that the memory has work during the statements
  // that compute for long; the processor's own guess ends with each block.
  void spread_fetches() {
    for (std::size_t i = 0; i < fetched_count_; ++i) {
      Instruction& by = plan_.instructions[i * plan_.instruction_count / fetched_count_];
      if (by.fetch_count < by.fetches.size()) by.fetches[by.fetch_count++] = fetched_[i];
    }
  }

  // What is only overwritten is written once, at the end, past the caches; until then it lives in a scratch block.
  void stream_fresh_vectors() {
    const std::size_t slots = plan_.slot_count;
    for (std::size_t slot = 0; slot < slots; ++slot)
      if (plan_.slots[slot].fresh && is_aligned(plan_.slots[slot].memory)) stream(static_cast<Index>(slot));
  }

 private:
  struct Named {
    Vec name;
    Operand operand;
    Index read, write;
  };

  static bool is_aligned(const float* memory) { return reinterpret_cast<std::uintptr_t>(memory) % kRegisterBytes == 0; }

  // Statements that do nothing to their input, or need none.
  static Code code_of(const VectorProgram::Statement& s) {
    const bool no_factor = static_cast<float>(s.a) == 0.0f;
    if (s.op == VectorProgram::Op::scale && no_factor) return Code::clear;
    if (s.op == VectorProgram::Op::noise && no_factor) return Code::copy;
    return Code::statement;
  }

  Named& find(Vec v) {
    for (std::size_t i = 0; i < named_count_; ++i)
      if (named_[i].name == v) return named_[i];
    TG_CHECK(v.kind != Vec::Kind::none, "a statement lacks a vector");
    TG_CHECK(v.kind != Vec::Kind::temporary || v.index < VectorProgram::kMostTemporaries, "no temporary ", v.index);
    Named& added = named_[named_count_++];
    added = {.name = v, .operand = {}, .read = ProgramPlan::kNone, .write = ProgramPlan::kNone};
    if (v.kind != Vec::Kind::temporary) {
      added.operand = memory_(v);
      TG_CHECK(added.operand.read.size() == size_, "a vector of ", added.operand.read.size(), " floats for ", size_);
    }
    return added;
  }

  Index read(Vec v) {
    Named& named = find(v);
    if (named.write != ProgramPlan::kNone) return named.write;
    TG_CHECK(v.kind != Vec::Kind::temporary, "a program reads temporary ", v.index, " before it writes it");
    if (named.read == ProgramPlan::kNone) {
      // Never written through: only write() hands out slots to write to.
      named.read = new_slot({.memory = const_cast<float*>(named.operand.read.data()), .scratch = 0, .fresh = false});
      fetched_[fetched_count_++] = named.read;
    }
    return named.read;
  }

  Index write(Vec v) {
    Named& named = find(v);
    if (named.write != ProgramPlan::kNone) return named.write;
    if (v.kind == Vec::Kind::temporary) return named.write = new_scratch();
    float* const memory = named.operand.write.data();
    TG_CHECK(named.operand.write.size() == size_, "a program writes a vector that it may only read");
    const bool in_place = named.read != ProgramPlan::kNone && memory == named.operand.read.data();
    return named.write = in_place ? named.read : new_slot({.memory = memory, .scratch = 0, .fresh = true});
  }

  Index new_slot(const ProgramPlan::Slot& slot) {
    plan_.slots[plan_.slot_count] = slot;
    return static_cast<Index>(plan_.slot_count++);
  }
  Index new_scratch() {
    TG_CHECK(plan_.scratch_count < ProgramPlan::kMostScratch, "a program of too many noises");
    return new_slot({.memory = nullptr, .scratch = plan_.scratch_count++, .fresh = false});
  }

  static bool uses(const Instruction& i, Index slot) {
    return i.out == slot || i.p == slot || i.q == slot || i.r == slot;
  }

  void stream(Index slot) {
    Instruction* const begin = plan_.instructions.data();
    Instruction* const end = begin + plan_.instruction_count;
    Instruction* last = nullptr;
    std::size_t users = 0;
    for (Instruction* i = begin; i != end; ++i)
      if (uses(*i, slot)) {
        last = i;
        ++users;
      }
    if (users > 1) {
      if (plan_.scratch_count == ProgramPlan::kMostScratch) return;
      const Index block = new_scratch();
      const bool ends_by_writing = last->out == slot;
      for (Instruction* i = begin; i != end; ++i) replace(*i, slot, block);
      if (!ends_by_writing) last = append_copy(block);
      last->out = slot;
    }
    last->streams = true;
  }

  static void replace(Instruction& i, Index slot, Index by) {
    for (Index* operand : {&i.out, &i.p, &i.q, &i.r})
      if (*operand == slot) *operand = by;
  }

  Instruction* append_copy(Index from) {
    Instruction& copy = plan_.instructions[plan_.instruction_count];
    copy = plan_.instructions[plan_.instruction_count - 1];
    ++plan_.instruction_count;
    copy.code = Code::copy;
    copy.p = from;
    copy.q = copy.r = copy.noise = ProgramPlan::kNone;
    copy.fetch_count = 0;
    return &copy;
  }

  ProgramPlan& plan_;
  std::size_t size_;
  const MemoryOf& memory_;
  std::array<Named, 4 * VectorProgram::kMostStatements> named_;
  std::size_t named_count_ = 0;
  std::array<Index, 4 * VectorProgram::kMostStatements> fetched_;  // the slots read from memory
  std::size_t fetched_count_ = 0;
};

// The commonest program, x <- x - a g, and its like have kernels of their own.
bool execute_alone(const VectorProgram::Statement& s, std::size_t size, const MemoryOf& memory, Threads threads) {
  if (s.op != VectorProgram::Op::add || s.out == s.q) return false;
  for (const Vec v : {s.out, s.p, s.q})
    if (v.kind == Vec::Kind::temporary || v.kind == Vec::Kind::none) return false;
  const Operand out = memory(s.out), p = s.out == s.p ? out : memory(s.p), q = memory(s.q);
  TG_CHECK(out.write.size() == size, "a program writes a vector that it may only read");
  subtract_scaled(out.write, p.read, -static_cast<float>(s.a), q.read, threads);
  return true;
}

}  // namespace

void execute(const VectorProgram& program, std::size_t size, MemoryOf memory, Threads threads) {
  const auto statements = program.statements();
  if (statements.size() == 1 && execute_alone(statements[0], size, memory, threads)) return;
  ProgramPlan plan;
  Planner planner(plan, size, memory);
  for (const VectorProgram::Statement& statement : statements) planner.add(statement);
  if (size >= kStreamFloats) planner.stream_fresh_vectors();
  if (size > ProgramPlan::kBlock) planner.spread_fetches();
  if (threads == Threads::one || size < kParallelFloats) return run_plan(plan, 0, size);
  tbb::parallel_for(std::size_t{0}, (size + kShare - 1) / kShare,
                    [&](std::size_t share) { run_plan(plan, share * kShare, std::min(size, (share + 1) * kShare)); });
}

}  // namespace tardigrad::kernels
