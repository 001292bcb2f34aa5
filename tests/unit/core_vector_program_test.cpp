// SPDX-License-Identifier: Apache-2.0
#include "core/vector_program.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include "support/on_target.hpp"
#include "tardigrad/rng.hpp"

namespace tardigrad::kernels {
namespace {

using test::same_bits;
using vec::kGradient;
using vec::kModel;
using vec::kPoint;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Around a register (4, 8, 16 floats), a group of noise (64), a block (1,024); then a thread's share (65,536), the
// parallel and the streaming threshold.
const std::vector<std::size_t> kShort = {0, 1, 2, 3, 5, 7, 9, 15, 17, 31, 63, 65, 100, 1023, 1024, 1025, 2049};
const std::vector<std::size_t> kLong = {10, 65537, 262147, 1048579};

constexpr Vec work(std::uint32_t index) { return {Vec::Kind::work, index}; }

// Coordinate j of the noise, one number after another.
float noise_at(std::size_t j, std::uint64_t seed, std::uint64_t index) {
  const auto key = Stream(seed, Purpose::privacy, 0, index).key();
  const std::size_t group = j / 64, lane = j % 16, part = j % 64 / 16;
  const auto words = philox4x32({static_cast<std::uint32_t>(16 * group + lane), 0, static_cast<std::uint32_t>(index),
                                 static_cast<std::uint32_t>(index >> 32)},
                                key);
  const std::uint32_t first = words[part / 2 * 2], second = words[part / 2 * 2 + 1];
  const float u = static_cast<float>(static_cast<std::int32_t>(first >> 1)) * 0x1p-31f + 0x1p-32f;
  const auto bits = std::bit_cast<std::int32_t>(u);
  const std::int32_t exponent = (bits - 0x3F3504F3) >> 23;
  const auto m = std::bit_cast<float>(bits - (exponent << 23));
  const float s = (m - 1) / (m + 1), s2 = s * s;
  float series = 2.0f / 9;
  for (const double term : {2.0 / 7, 2.0 / 5, 2.0 / 3, 2.0}) series = series * s2 + static_cast<float>(term);
  const float logarithm = static_cast<float>(exponent) * std::numbers::ln2_v<float> + series * s;
  const float radius = std::sqrt(-2 * logarithm);
  const float t =
      static_cast<float>(static_cast<std::int32_t>(second << 2)) * static_cast<float>(std::numbers::pi / 2 * 0x1p-32);
  const float t2 = t * t;
  auto sine = static_cast<float>(1.0 / 362880), cosine = static_cast<float>(1.0 / 40320);
  for (const double term : {-1.0 / 5040, 1.0 / 120, -1.0 / 6, 1.0}) sine = sine * t2 + static_cast<float>(term);
  for (const double term : {-1.0 / 720, 1.0 / 24, -1.0 / 2, 1.0}) cosine = cosine * t2 + static_cast<float>(term);
  sine *= t;
  const bool swap = (second & 0x40000000u) != 0;
  const float value = radius * ((part % 2 == 0) == swap ? sine : cosine);
  return (second & 0x80000000u) != 0 ? -value : value;
}

float with_sign_of(float p, float magnitude) { return p > 0 ? magnitude : p < 0 ? -magnitude : p; }

// One statement at coordinate j in plain C++.
float plain(const VectorProgram::Statement& s, std::size_t j, float p, float q, float r) {
  const auto a = static_cast<float>(s.a), b = static_cast<float>(s.b), c = static_cast<float>(s.c),
             d = static_cast<float>(s.d);
  switch (s.op) {
    case VectorProgram::Op::scale:
      return a == 0.0f ? 0.0f : a * p;
    case VectorProgram::Op::add:
      return p + a * q;
    case VectorProgram::Op::mix:
      return a * p + b * q;
    case VectorProgram::Op::square:
      return a * p + b * (q * q);
    case VectorProgram::Op::multiply:
      return p * q;
    case VectorProgram::Op::maximum:
      return std::max(p, q);
    case VectorProgram::Op::divide_root:
      return p + a * q / (std::sqrt(b * r + c) + d);
    case VectorProgram::Op::clamp:
      return with_sign_of(p, std::min(std::max(std::abs(p), a), b));
    case VectorProgram::Op::soft_threshold:
      return with_sign_of(p, std::max(std::abs(p) - a, 0.0f));
    case VectorProgram::Op::sign:
      return a * with_sign_of(p, 1.0f);
    case VectorProgram::Op::noise:
      return a == 0.0f ? p : p + a * noise_at(j, s.seed, s.index);
  }
  return 0.0f;
}

std::span<const float> normals(std::size_t index) {
  static std::vector<std::vector<float>> all(8);
  std::vector<float>& values = all[index];
  Stream stream(7, Purpose::test, 0, index);
  if (values.empty()) values.resize(kLong.back());
  if (values[0] == 0.0f) std::ranges::generate(values, [&] { return static_cast<float>(stream.normal()); });
  return values;
}

// So that vectors are aligned as buffers are.
struct alignas(64) Line {
  float values[16];
};

// x, its next version, g, the point, and three work vectors. Beside each vector lies a guard that nobody may touch.
class World {
 public:
  explicit World(std::size_t size) : size_(size) {
    for (std::size_t i = 0; i < kVectors; ++i) {
      memory_.emplace_back(size / kGuard + 3);
      std::ranges::fill(memory(i), 7.0f);
      std::ranges::copy(normals(i).first(size), at(i).begin());
    }
  }

  Operand operator()(Vec v) const {
    auto& self = const_cast<World&>(*this);
    switch (v.kind) {
      case Vec::Kind::model:
        return {.read = self.at(kOld), .write = self.at(kNew)};
      case Vec::Kind::gradient:
        return {.read = self.at(kG), .write = {}};
      case Vec::Kind::point:
        return {.read = self.at(point_is_model ? kOld : kThen), .write = {}};
      default:
        return {.read = self.at(kWork + v.index), .write = self.at(kWork + v.index)};
    }
  }

  // Every coordinate in turn, every statement in its order.
  void run_plainly(const VectorProgram& program) {
    for (std::size_t j = 0; j < size_; ++j) {
      bool model_written = false;
      float temporaries[VectorProgram::kMostTemporaries] = {};
      const auto value = [&](Vec v) -> float& {
        if (v.kind == Vec::Kind::temporary) return temporaries[v.index];
        if (v.kind == Vec::Kind::model) return at(model_written ? kNew : kOld)[j];
        return const_cast<float&>((*this)(v).read[j]);
      };
      const auto read = [&](Vec v) { return v.kind == Vec::Kind::none ? 0.0f : value(v); };
      for (const VectorProgram::Statement& s : program.statements()) {
        const float result = plain(s, j, read(s.p), read(s.q), read(s.r));
        if (s.out == kModel) model_written = true;
        value(s.out) = result;
      }
    }
  }

  std::span<float> at(std::size_t vector) { return memory(vector).subspan(kGuard, size_); }
  std::span<float> memory(std::size_t vector) {
    return {memory_[vector].data()->values, memory_[vector].size() * kGuard};
  }

  static constexpr std::size_t kOld = 0, kNew = 1, kG = 2, kThen = 3, kWork = 4, kVectors = 7;
  static constexpr std::size_t kGuard = 16;
  bool point_is_model = false;

 private:
  std::size_t size_;
  std::vector<std::vector<Line>> memory_;
};

void expect_same(World& one, World& other, const std::string& what) {
  for (std::size_t i = 0; i < World::kVectors; ++i)
    EXPECT_TRUE(same_bits(one.memory(i), other.memory(i))) << what << ": vector " << i;
}

void expect_plain(const VectorProgram& program, const std::vector<std::size_t>& sizes, bool point_is_model = false) {
  for (const std::size_t size : sizes)
    for (const Threads threads : {Threads::one, Threads::all}) {
      World expected(size), world(size);
      expected.point_is_model = world.point_is_model = point_is_model;
      expected.run_plainly(program);
      execute(program, size, world, threads);
      expect_same(world, expected, std::to_string(size) + " floats");
    }
}

class VectorProgramOnTarget : public test::OnTarget {};

// Each statement alone, into x, into a work vector that is none of its inputs, and in place of each input.
template <class Say>
void expect_statement(const Say& say) {
  const Vec p = work(0), q = work(1), r = work(2);
  for (const Vec out : {kModel, p, q, r}) {
    VectorProgram program;
    say(program, out, p, q, r);
    expect_plain(program, kShort);
  }
  for (const Vec out : {kModel, work(0)}) {  // inputs that are one and the same
    VectorProgram program;
    say(program, out, work(0), work(0), work(0));
    expect_plain(program, kShort);
  }
  VectorProgram program;
  say(program, kModel, kModel, kGradient, kPoint);
  expect_plain(program, kLong);
  VectorProgram temporary;
  say(temporary, vec::temporary(3), p, q, r);
  temporary.add(kModel, kModel, -0.5, vec::temporary(3));
  expect_plain(temporary, kShort);
}

TEST_P(VectorProgramOnTarget, Scale) {
  expect_statement([](VectorProgram& program, Vec out, Vec p, Vec, Vec) { program.scale(out, -0.3, p); });
}
TEST_P(VectorProgramOnTarget, Clear) {
  expect_statement([](VectorProgram& program, Vec out, Vec, Vec, Vec) { program.clear(out); });
}
TEST_P(VectorProgramOnTarget, Add) {
  expect_statement([](VectorProgram& program, Vec out, Vec p, Vec q, Vec) { program.add(out, p, 0.37, q); });
}
TEST_P(VectorProgramOnTarget, Mix) {
  expect_statement([](VectorProgram& program, Vec out, Vec p, Vec q, Vec) { program.mix(out, 0.9, p, 0.1, q); });
}
TEST_P(VectorProgramOnTarget, Square) {
  expect_statement([](VectorProgram& program, Vec out, Vec p, Vec q, Vec) { program.square(out, 0.999, p, 0.001, q); });
}
TEST_P(VectorProgramOnTarget, Multiply) {
  expect_statement([](VectorProgram& program, Vec out, Vec p, Vec q, Vec) { program.multiply(out, p, q); });
}
TEST_P(VectorProgramOnTarget, Maximum) {
  expect_statement([](VectorProgram& program, Vec out, Vec p, Vec q, Vec) { program.maximum(out, p, q); });
}
TEST_P(VectorProgramOnTarget, DivideRoot) {
  // b r + c > 0 for every normal number in reach: no NaN, whose sign depends on who makes it
  expect_statement([](VectorProgram& program, Vec out, Vec p, Vec q, Vec r) {
    program.divide_root(out, p, -0.01, q, r, {.b = 0.5, .c = 10.0, .d = 1e-3});
  });
}
TEST_P(VectorProgramOnTarget, DivideRootWithoutASummand) {
  expect_statement([](VectorProgram& program, Vec out, Vec, Vec q, Vec r) {
    program.divide_root(out, {}, -0.01, q, r, {.b = 0.5, .c = 10.0, .d = 1e-3});
  });
}
TEST_P(VectorProgramOnTarget, Clamp) {
  expect_statement([](VectorProgram& program, Vec out, Vec p, Vec, Vec) { program.clamp(out, p, 0.2, 1.5); });
}
TEST_P(VectorProgramOnTarget, SoftThreshold) {
  expect_statement([](VectorProgram& program, Vec out, Vec p, Vec, Vec) { program.soft_threshold(out, p, 0.4); });
}
TEST_P(VectorProgramOnTarget, Sign) {
  expect_statement([](VectorProgram& program, Vec out, Vec p, Vec, Vec) { program.sign(out, 0.25, p); });
}
TEST_P(VectorProgramOnTarget, Noise) {
  expect_statement(
      [](VectorProgram& program, Vec out, Vec p, Vec, Vec) { program.noise(out, p, 0.7, 3, 0x1'0000'0002); });
}
TEST_P(VectorProgramOnTarget, NoNoise) {
  expect_statement([](VectorProgram& program, Vec out, Vec p, Vec, Vec) { program.noise(out, p, 0.0, 3, 4); });
}

TEST_P(VectorProgramOnTarget, WhatWasWrittenIsReadAfterwards) {
  VectorProgram
      program;  // x written thrice and read in between and at the end: Adam, a threshold, an average of versions
  program.mix(work(0), 0.9, work(0), 0.1, kGradient);
  program.square(work(1), 0.99, work(1), 0.01, kGradient);
  program.scale(kModel, 0.999, kModel);
  program.divide_root(kModel, kModel, -0.01, work(0), work(1), {.b = 1.0, .c = 8.0, .d = 1e-8});
  program.soft_threshold(kModel, kModel, 0.001);
  program.mix(work(2), 0.75, work(2), 0.25, kModel);
  expect_plain(program, kShort);
  expect_plain(program, kLong);
}

TEST_P(VectorProgramOnTarget, VectorsThatAreOnlyOverwritten) {
  VectorProgram program;  // two at once, one of them written twice
  program.scale(work(0), 2.0, kGradient);
  program.add(work(0), work(0), 0.5, kPoint);
  program.clear(work(1));
  program.add(work(1), work(1), 3.0, work(0));
  program.add(kModel, kModel, -0.1, work(1));
  expect_plain(program, kShort);
  expect_plain(program, kLong);
}

TEST_P(VectorProgramOnTarget, TheOldModelAndThePointMayBeOneVector) {
  VectorProgram program;
  program.mix(vec::temporary(0), 1.0, kModel, -1.0, kPoint);
  program.add(vec::temporary(1), kGradient, 0.5, vec::temporary(0));
  program.add(kModel, kModel, -0.1, vec::temporary(1));
  expect_plain(program, kLong, true);
}

TEST_P(VectorProgramOnTarget, AllTemporariesAndAsManyStatementsAsThereMayBe) {
  VectorProgram program;
  constexpr auto kTemporaries = static_cast<std::uint32_t>(VectorProgram::kMostTemporaries);
  for (std::uint32_t i = 0; i < kTemporaries; ++i) program.scale(vec::temporary(i), 0.1 * (i + 1), kGradient);
  while (program.statements().size() + 1 < VectorProgram::kMostStatements) {
    const auto i = static_cast<std::uint32_t>(program.statements().size()) % kTemporaries;
    program.add(vec::temporary(i), vec::temporary((i + 1) % kTemporaries), 0.5, work(i % 3));
  }
  program.add(kModel, kModel, -1.0, vec::temporary(2));
  expect_plain(program, kLong);
}

TEST_P(VectorProgramOnTarget, UnalignedVectorsGiveTheSame) {
  constexpr std::size_t kSize = 1048579;
  constexpr std::size_t kUsed = kSize - 2;
  VectorProgram program;
  program.add(work(0), kGradient, 0.5, kModel);
  program.add(kModel, kModel, -0.1, work(0));
  for (const std::size_t shift : {1ul, 2ul}) {
    World expected(kSize), world(kSize);
    const auto shifted = [&](World& all) {
      return [&all, shift](Vec v) -> Operand {
        const Operand whole = all(v);
        return {.read = whole.read.subspan(shift, kUsed),
                .write = whole.write.empty() ? whole.write : whole.write.subspan(shift, kUsed)};
      };
    };
    const auto plainly = shifted(expected);
    for (std::size_t j = 0; j < kUsed; ++j) {
      const float sum = plainly(kGradient).read[j] + 0.5f * plainly(kModel).read[j];
      plainly(work(0)).write[j] = sum;
      plainly(kModel).write[j] = plainly(kModel).read[j] + -0.1f * sum;
    }
    const auto function = shifted(world);
    execute(program, kUsed, function);
    expect_same(world, expected, "shifted by " + std::to_string(shift));
  }
}

// One of each kind of number at every place of a register.
std::vector<float> specials() {
  std::vector<float> values;
  for (int i = 0; i < 17; ++i)
    values.insert(values.end(), {0.0f, -0.0f, 1.0f, -1.0f, kInfinity, -kInfinity, kNan, 1e-40f, -1e-40f, 3e38f});
  return values;
}

float run_one(const VectorProgram& program, std::vector<float>& p) {
  execute(program, p.size(), [&](Vec) -> Operand { return {.read = p, .write = p}; });
  return p[0];
}

TEST_P(VectorProgramOnTarget, NothingSurvivesAFactorOfZero) {
  std::vector<float> v = specials();
  VectorProgram program;
  program.scale(work(0), 1e-60, work(0));  // 0 in float32
  run_one(program, v);
  EXPECT_TRUE(same_bits(v, std::vector<float>(v.size(), 0.0f)));
}

TEST_P(VectorProgramOnTarget, NoiseOfScaleZeroIsTheIdentity) {
  std::vector<float> v = specials();
  const std::vector<float> before = v;
  VectorProgram program;
  program.noise(work(0), work(0), 0.0, 1, 2);
  run_one(program, v);
  EXPECT_TRUE(same_bits(v, before));
}

TEST_P(VectorProgramOnTarget, SignsOfZeroAndNan) {
  const auto after = [](const auto& say) {
    std::vector<float> v = specials();
    VectorProgram program;
    say(program);
    run_one(program, v);
    return v;
  };
  const auto clamped = after([](VectorProgram& program) { program.clamp(work(0), work(0), 0.5, 2.0); });
  const auto thresholded = after([](VectorProgram& program) { program.soft_threshold(work(0), work(0), 0.25); });
  const auto signs = after([](VectorProgram& program) { program.sign(work(0), 3.0, work(0)); });
  const std::vector<float> expected_clamped = {0.0f, -0.0f, 1.0f, -1.0f, 2.0f, -2.0f, kNan, 0.5f, -0.5f, 2.0f};
  const std::vector<float> expected_thresholded = {0.0f,       -0.0f, 0.75f, -0.75f, kInfinity,
                                                   -kInfinity, kNan,  0.0f,  -0.0f,  3e38f};
  const std::vector<float> expected_signs = {0.0f, -0.0f, 3.0f, -3.0f, 3.0f, -3.0f, kNan, 3.0f, -3.0f, 3.0f};
  const auto expect = [](const std::vector<float>& values, const std::vector<float>& period, const char* what) {
    for (std::size_t j = 0; j < values.size(); ++j) {
      const float wanted = period[j % period.size()];
      if (std::isnan(wanted))
        EXPECT_TRUE(std::isnan(values[j])) << what << " at " << j;
      else
        EXPECT_EQ(std::bit_cast<std::uint32_t>(values[j]), std::bit_cast<std::uint32_t>(wanted)) << what << " at " << j;
    }
  };
  expect(clamped, expected_clamped, "clamp");
  expect(thresholded, expected_thresholded, "soft threshold");
  expect(signs, expected_signs, "sign");
}

TEST_P(VectorProgramOnTarget, TheMaximumKeepsItsFirstWhereOneIsNoNumber) {
  std::vector<float> p = {kNan, 1.0f, 2.0f, -0.0f}, q = {1.0f, kNan, 3.0f, 0.0f};
  VectorProgram program;
  program.maximum(work(0), work(0), work(1));
  execute(program, p.size(), [&](Vec v) -> Operand { return {.read = v.index ? q : p, .write = v.index ? q : p}; });
  EXPECT_TRUE(std::isnan(p[0]));
  EXPECT_EQ(p[1], 1.0f);
  EXPECT_EQ(p[2], 3.0f);
  EXPECT_TRUE(std::signbit(p[3]));
}

INSTANTIATE_TEST_SUITE_P(Passes, VectorProgramOnTarget, testing::ValuesIn(test::attainable_targets()),
                         test::name_of_target);

TEST(VectorProgram, HandNumbers) {
  std::vector<float> x = {1, 2}, next(2), g = {10, -20}, v = {0, 1};
  VectorProgram program;
  program.mix(work(0), 0.5, work(0), 1.0, kGradient);     // v = 10, -19.5
  program.add(kModel, kModel, -0.1, work(0));             // x' = 0, 3.95
  program.clamp(vec::temporary(0), kModel, 0.0, 3.0);     // 0, 3
  program.add(work(0), work(0), 2.0, vec::temporary(0));  // 10, -13.5
  execute(program, 2, [&](Vec name) -> Operand {
    if (name == kModel) return {.read = x, .write = next};
    if (name == kGradient) return {.read = g, .write = {}};
    return {.read = v, .write = v};
  });
  EXPECT_EQ(next, (std::vector<float>{0.0f, 2.0f + 0.1f * 19.5f}));
  EXPECT_EQ(v, (std::vector<float>{10.0f, -13.5f}));
  EXPECT_EQ(x, (std::vector<float>{1, 2}));
}

TEST(PassDeathTest, Mistakes) {
  std::vector<float> two(2), three(3);
  const auto read_only = [&](Vec) -> Operand { return {.read = two, .write = {}}; };
  const auto wrong_size = [&](Vec) -> Operand { return {.read = three, .write = three}; };
  VectorProgram one, several, unwritten;
  one.add(kModel, kModel, 1.0, kGradient);
  EXPECT_DEATH(execute(one, 2, read_only), "may only read");
  EXPECT_DEATH(execute(one, 2, wrong_size), "may only read|3 floats for 2");
  several.scale(vec::temporary(0), 1.0, kGradient);
  several.scale(kModel, 1.0, vec::temporary(0));
  EXPECT_DEATH(execute(several, 2, read_only), "may only read");
  EXPECT_DEATH(execute(several, 2, wrong_size), "3 floats for 2");
  unwritten.scale(kModel, 1.0, vec::temporary(0));
  VectorProgram lacking;
  lacking.multiply(kModel, kModel, {});
  EXPECT_DEATH(execute(lacking, 3, wrong_size), "a statement lacks a vector");
  EXPECT_DEATH(execute(unwritten, 2, wrong_size), "temporary 0 before it writes it");
}

}  // namespace
}  // namespace tardigrad::kernels
