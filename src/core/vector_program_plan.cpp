// SPDX-License-Identifier: Apache-2.0
// Compiled once per instruction set (foreach_target re-includes this file); run_plan at the end chooses one at run
// time. Every operation is one IEEE operation on each coordinate, never fused, so that the width of a register does not
// show in the result.
#include "core/vector_program_plan.hpp"

#include <bit>
#include <numbers>

#include "tardigrad/rng.hpp"

#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/vector_program_plan.cpp"
#include <hwy/foreach_target.h>  // before highway.h: it re-includes what follows

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#ifndef TARDIGRAD_CORE_PASS_PLAN_SHARED
#define TARDIGRAD_CORE_PASS_PLAN_SHARED
namespace tardigrad::kernels {
namespace {

// The vectors of one instruction at one block, and what to fetch by the way.
struct Operands {
  float* out;
  const float *p, *q, *r;
  std::array<const float*, 3> fetches;
  std::size_t fetch_count;
  std::size_t size;
  bool streams;
};

// q and r take the first two places.
inline Operands without_p(const Operands& at) {
  Operands shifted = at;
  shifted.p = at.q;
  shifted.q = at.r;
  return shifted;
}

// Coordinates come in groups of 64, the work of sixteen Philox blocks: block s of a group gives the four words from
// which the coordinates s, s + 16, s + 32, s + 48 of the group are made, the first two from the first two.
constexpr std::size_t kNoiseLanes = 16;
constexpr std::size_t kNoiseGroup = 4 * kNoiseLanes;
static_assert(ProgramPlan::kBlock % kNoiseGroup == 0);

constexpr std::int32_t kSqrtHalfBits = 0x3F3504F3;  // of the float next to sqrt(1/2)

}  // namespace
}  // namespace tardigrad::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace tardigrad::kernels {
namespace {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::ScalableTag<float>;

template <int kReads, class Tag, class Result>
HWY_INLINE hn::Vec<Tag> result_at(const Operands& at, std::size_t j, Tag tag, const Result& result) {
  if constexpr (kReads == 0)
    return result(tag);
  else if constexpr (kReads == 1)
    return result(tag, hn::LoadU(tag, at.p + j));
  else if constexpr (kReads == 2)
    return result(tag, hn::LoadU(tag, at.p + j), hn::LoadU(tag, at.q + j));
  else
    return result(tag, hn::LoadU(tag, at.p + j), hn::LoadU(tag, at.q + j), hn::LoadU(tag, at.r + j));
}

HWY_INLINE void fetch(const Operands& at, std::size_t j) {
  for (std::size_t i = 0; i < at.fetch_count; ++i) hwy::Prefetch(at.fetches[i] + j);
}

// Writes result(p_j, q_j, r_j) to out for every j; first whole cache lines, then registers, then what is left alone.
template <int kReads, class Result>
HWY_INLINE void for_each(const Operands& at, const Result& result) {
  constexpr Floats tag;
  constexpr std::size_t kStep = hn::MaxLanes(tag);
  constexpr std::size_t kLine = kNoiseLanes;
  std::size_t j = 0;
  if (at.streams) {
    for (; j + kLine <= at.size; j += kLine) {
      fetch(at, j);
      for (std::size_t k = j; k < j + kLine; k += kStep)
        hn::Stream(result_at<kReads>(at, k, tag, result), tag, at.out + k);
    }
  } else if (at.fetch_count > 0) {
    for (; j + kLine <= at.size; j += kLine) {
      fetch(at, j);
      for (std::size_t k = j; k < j + kLine; k += kStep)
        hn::StoreU(result_at<kReads>(at, k, tag, result), tag, at.out + k);
    }
  }
  for (; j + kStep <= at.size; j += kStep) hn::StoreU(result_at<kReads>(at, j, tag, result), tag, at.out + j);
  constexpr hn::CappedTag<float, 4> four;
  constexpr std::size_t kFew = hn::MaxLanes(four);
  for (; j + kFew <= at.size; j += kFew) hn::StoreU(result_at<kReads>(at, j, four, result), four, at.out + j);
  constexpr hn::CappedTag<float, 1> one;
  for (; j < at.size; ++j) hn::StoreU(result_at<kReads>(at, j, one, result), one, at.out + j);
}

// max(v, w) as std::max has it: v unless v < w, whatever is not a number.
template <class V>
HWY_INLINE V maximum_of(V v, V w) {
  return hn::IfThenElse(hn::Lt(v, w), w, v);
}
template <class V>
HWY_INLINE V minimum_of(V v, V w) {
  return hn::IfThenElse(hn::Lt(w, v), w, v);
}
// magnitude with the sign of p; p itself where that is zero or not a number.
template <class Tag, class V>
HWY_INLINE V with_sign_of(Tag tag, V p, V magnitude) {
  return hn::IfThenElse(hn::Gt(hn::Abs(p), hn::Zero(tag)), hn::CopySign(magnitude, p), p);
}

struct Words {
  hn::Vec<hn::RebindToUnsigned<Floats>> w0, w1, w2, w3;
};

// The Philox blocks with the counters first, first + 1, ...: block s in lane s. A product of two 32-bit numbers needs
// 64 bits, so that even and odd lanes are run apart; the upper halves hold rubbish that nobody reads.
HWY_INLINE Words philox(std::uint32_t first, std::uint64_t index, std::array<std::uint32_t, 2> key) {
#if HWY_TARGET == HWY_SCALAR  // one lane has no odd neighbour
  const auto words =
      philox4x32({first, 0, static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32)}, key);
  constexpr hn::RebindToUnsigned<Floats> tag;
  return {hn::Set(tag, words[0]), hn::Set(tag, words[1]), hn::Set(tag, words[2]), hn::Set(tag, words[3])};
#else
  constexpr hn::RebindToUnsigned<Floats> narrow;
  constexpr hn::Repartition<std::uint64_t, Floats> wide;
  const auto as_narrow = [&](auto v) HWY_ATTR { return hn::BitCast(narrow, v); };
  const auto set = [&](std::uint32_t v) HWY_ATTR { return hn::Set(wide, std::uint64_t{v}); };
  const auto product = [&](auto v, auto w) HWY_ATTR { return hn::MulEven(as_narrow(v), as_narrow(w)); };
  const auto counters = hn::BitCast(wide, hn::Iota(narrow, first));
  const auto m0 = set(0xD2511F53), m1 = set(0xCD9E8D57);
  auto even0 = counters, odd0 = hn::ShiftRight<32>(counters);
  auto even1 = hn::Zero(wide), odd1 = even1;
  auto even2 = set(static_cast<std::uint32_t>(index)), odd2 = even2;
  auto even3 = set(static_cast<std::uint32_t>(index >> 32)), odd3 = even3;
  const auto round = [&](auto& c0, auto& c1, auto& c2, auto& c3, auto k0, auto k1) HWY_ATTR {
    const auto product0 = product(c0, m0), product1 = product(c2, m1);
    c0 = hn::Xor(hn::Xor(hn::ShiftRight<32>(product1), c1), k0);
    c1 = product1;
    c2 = hn::Xor(hn::Xor(hn::ShiftRight<32>(product0), c3), k1);
    c3 = product0;
  };
  for (int i = 0; i < 10; ++i) {
    const auto k0 = set(key[0]), k1 = set(key[1]);
    round(even0, even1, even2, even3, k0, k1);
    round(odd0, odd1, odd2, odd3, k0, k1);
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  const auto merge = [&](auto even, auto odd)
                         HWY_ATTR { return hn::OddEven(as_narrow(hn::ShiftLeft<32>(odd)), as_narrow(even)); };
  return {merge(even0, odd0), merge(even1, odd1), merge(even2, odd2), merge(even3, odd3)};
#endif
}

// sqrt(-2 ln u) for u = (w/2 + 1/2) 2^-31 in (0, 1]: u = m 2^e with m in [sqrt(1/2), sqrt(2)), and ln m by the series
// of 2 artanh((m - 1)/(m + 1)), whose first term left out is below 1e-9.
template <class V>
HWY_INLINE hn::Vec<Floats> radius_of(V word) {
  constexpr Floats tag;
  constexpr hn::RebindToSigned<Floats> whole;
  const auto set = [&](double v) HWY_ATTR { return hn::Set(tag, static_cast<float>(v)); };
  const auto half = hn::ConvertTo(tag, hn::BitCast(whole, hn::ShiftRight<1>(word)));
  const auto u = hn::Add(hn::Mul(half, set(0x1p-31)), set(0x1p-32));
  const auto bits = hn::BitCast(whole, u);
  const auto exponent = hn::ShiftRight<23>(hn::Sub(bits, hn::Set(whole, kSqrtHalfBits)));
  const auto m = hn::BitCast(tag, hn::Sub(bits, hn::ShiftLeft<23>(exponent)));
  const auto s = hn::Div(hn::Sub(m, set(1)), hn::Add(m, set(1)));
  const auto s2 = hn::Mul(s, s);
  auto series = set(2.0 / 9);
  for (const double term : {2.0 / 7, 2.0 / 5, 2.0 / 3, 2.0}) series = hn::Add(hn::Mul(series, s2), set(term));
  const auto logarithm = hn::Add(hn::Mul(hn::ConvertTo(tag, exponent), set(std::numbers::ln2)), hn::Mul(series, s));
  return hn::Sqrt(hn::Mul(set(-2), logarithm));
}

// A point on the circle of this radius whose angle is uniform: from the lower 30 bits one within 45 degrees of the
// axis, by Taylor's series; the next bit swaps its coordinates, the last turns it by 180 degrees.
template <class V>
HWY_INLINE void point_on_circle(hn::Vec<Floats> radius, V word, float* first, float* second) {
  constexpr Floats tag;
  constexpr hn::RebindToUnsigned<Floats> bits;
  constexpr hn::RebindToSigned<Floats> whole;
  const auto set = [&](double v) HWY_ATTR { return hn::Set(tag, static_cast<float>(v)); };
  const auto turn = hn::ConvertTo(tag, hn::BitCast(whole, hn::ShiftLeft<2>(word)));
  const auto t = hn::Mul(turn, set(std::numbers::pi / 2 * 0x1p-32));
  const auto t2 = hn::Mul(t, t);
  auto sine = set(1.0 / 362880), cosine = set(1.0 / 40320);
  for (const double term : {-1.0 / 5040, 1.0 / 120, -1.0 / 6, 1.0}) sine = hn::Add(hn::Mul(sine, t2), set(term));
  for (const double term : {-1.0 / 720, 1.0 / 24, -1.0 / 2, 1.0}) cosine = hn::Add(hn::Mul(cosine, t2), set(term));
  sine = hn::Mul(sine, t);
  const auto sign = hn::BitCast(tag, hn::And(word, hn::Set(bits, 0x80000000u)));
  const auto swap = hn::MaskFromVec(hn::BitCast(tag, hn::BroadcastSignBit(hn::BitCast(whole, hn::ShiftLeft<1>(word)))));
  hn::StoreU(hn::Xor(hn::Mul(radius, hn::IfThenElse(swap, sine, cosine)), sign), tag, first);
  hn::StoreU(hn::Xor(hn::Mul(radius, hn::IfThenElse(swap, cosine, sine)), sign), tag, second);
}

// out_j = N_{begin + j} (Box and Muller) for j in [0, size), size rounded up to whole groups.
void fill_noise(float* out, std::size_t begin, std::size_t size, const VectorProgram::Statement& s) {
  const auto key = Stream(s.seed, Purpose::privacy, 0, s.index).key();
  constexpr std::size_t kStep = hn::MaxLanes(Floats());
  static_assert(kNoiseLanes % kStep == 0);
  for (std::size_t group = 0; group < size; group += kNoiseGroup)
    for (std::size_t lane = 0; lane < kNoiseLanes; lane += kStep) {
      const std::size_t block = (begin + group) / 4 + lane;
      const Words words = philox(static_cast<std::uint32_t>(block), s.index, key);
      float* const to = out + group + lane;
      point_on_circle(radius_of(words.w0), words.w1, to, to + kNoiseLanes);
      point_on_circle(radius_of(words.w2), words.w3, to + 2 * kNoiseLanes, to + 3 * kNoiseLanes);
    }
}

// Multiply, round, add, round: the same roundings as in plain C++.
void run_statement(const VectorProgram::Statement& s, const Operands& at) {
  const auto a = static_cast<float>(s.a), b = static_cast<float>(s.b), c = static_cast<float>(s.c),
             d = static_cast<float>(s.d);
  switch (s.op) {
    case VectorProgram::Op::scale:
      return for_each<1>(at, [=](auto t, auto p) HWY_ATTR { return hn::Mul(hn::Set(t, a), p); });
    case VectorProgram::Op::add:
    case VectorProgram::Op::noise:
      return for_each<2>(at, [=](auto t, auto p, auto q) HWY_ATTR { return hn::Add(p, hn::Mul(hn::Set(t, a), q)); });
    case VectorProgram::Op::mix:
      return for_each<2>(at, [=](auto t, auto p, auto q)
                                 HWY_ATTR { return hn::Add(hn::Mul(hn::Set(t, a), p), hn::Mul(hn::Set(t, b), q)); });
    case VectorProgram::Op::square:
      return for_each<2>(at, [=](auto t, auto p, auto q) HWY_ATTR {
        return hn::Add(hn::Mul(hn::Set(t, a), p), hn::Mul(hn::Set(t, b), hn::Mul(q, q)));
      });
    case VectorProgram::Op::multiply:
      return for_each<2>(at, [=](auto, auto p, auto q) HWY_ATTR { return hn::Mul(p, q); });
    case VectorProgram::Op::maximum:
      return for_each<2>(at, [=](auto, auto p, auto q) HWY_ATTR { return maximum_of(p, q); });
    case VectorProgram::Op::divide_root: {
      const auto quotient = [=](auto t, auto q, auto r) HWY_ATTR {
        const auto root = hn::Sqrt(hn::Add(hn::Mul(hn::Set(t, b), r), hn::Set(t, c)));
        return hn::Div(hn::Mul(hn::Set(t, a), q), hn::Add(root, hn::Set(t, d)));
      };
      if (!at.p)
        return for_each<2>(without_p(at),
                           [=](auto t, auto q, auto r) HWY_ATTR { return hn::Add(hn::Zero(t), quotient(t, q, r)); });
      return for_each<3>(at, [=](auto t, auto p, auto q, auto r) HWY_ATTR { return hn::Add(p, quotient(t, q, r)); });
    }
    case VectorProgram::Op::clamp:
      return for_each<1>(at, [=](auto t, auto p) HWY_ATTR {
        const auto magnitude = minimum_of(maximum_of(hn::Abs(p), hn::Set(t, a)), hn::Set(t, b));
        return with_sign_of(t, p, magnitude);
      });
    case VectorProgram::Op::soft_threshold:
      return for_each<1>(at, [=](auto t, auto p) HWY_ATTR {
        return with_sign_of(t, p, maximum_of(hn::Sub(hn::Abs(p), hn::Set(t, a)), hn::Zero(t)));
      });
    case VectorProgram::Op::sign:
      return for_each<1>(
          at, [=](auto t, auto p) HWY_ATTR { return hn::Mul(hn::Set(t, a), with_sign_of(t, p, hn::Set(t, 1.0f))); });
  }
}

void run_blocks(const ProgramPlan& plan, std::size_t begin, std::size_t end) {
  HWY_ALIGN float scratch[ProgramPlan::kMostScratch][ProgramPlan::kBlock];
  float* at[ProgramPlan::kMostSlots];
  bool streamed = false;
  for (; begin < end; begin += ProgramPlan::kBlock) {
    const std::size_t size = HWY_MIN(ProgramPlan::kBlock, end - begin);
    for (std::size_t i = 0; i < plan.slot_count; ++i) {
      const ProgramPlan::Slot& slot = plan.slots[i];
      at[i] = slot.memory ? slot.memory + begin : scratch[slot.scratch];
    }
    const auto where = [&](ProgramPlan::Index i) -> float* { return i == ProgramPlan::kNone ? nullptr : at[i]; };
    for (std::size_t i = 0; i < plan.instruction_count; ++i) {
      const ProgramPlan::Instruction& todo = plan.instructions[i];
      Operands operands = {.out = at[todo.out],
                           .p = where(todo.p),
                           .q = where(todo.q),
                           .r = where(todo.r),
                           .fetches = {},
                           .fetch_count = todo.fetch_count,
                           .size = size,
                           .streams = todo.streams};
      for (std::size_t k = 0; k < todo.fetch_count; ++k)
        operands.fetches[k] = at[todo.fetches[k]] + ProgramPlan::kBlock;
      streamed |= todo.streams;
      switch (todo.code) {
        case ProgramPlan::Instruction::Code::clear:
          for_each<0>(operands, [](auto t) HWY_ATTR { return hn::Zero(t); });
          break;
        case ProgramPlan::Instruction::Code::copy:
          for_each<1>(operands, [](auto, auto p) HWY_ATTR { return p; });
          break;
        case ProgramPlan::Instruction::Code::statement:
          if (todo.noise != ProgramPlan::kNone) {
            fill_noise(at[todo.noise], begin, size, *todo.statement);
            operands.q = at[todo.noise];
          }
          run_statement(*todo.statement, operands);
          break;
      }
    }
  }
  if (streamed) hwy::FlushStream();  // streamed bytes are weakly ordered: they must be out before anybody is told
}

}  // namespace HWY_NAMESPACE
}  // namespace
}  // namespace tardigrad::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tardigrad::kernels {
namespace {
HWY_EXPORT(run_blocks);
}  // namespace

void run_plan(const ProgramPlan& plan, std::size_t begin, std::size_t end) {
  HWY_DYNAMIC_DISPATCH(run_blocks)(plan, begin, end);
}

}  // namespace tardigrad::kernels
#endif
