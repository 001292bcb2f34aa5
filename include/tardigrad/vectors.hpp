// SPDX-License-Identifier: Apache-2.0
// What a method does to vectors, said coordinate by coordinate, so that the server executes it in one sweep over the
// memory, in pieces on many threads, or some day in shards, without the method knowing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "tardigrad/archive.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {

/// A vector in R^d by name.
struct Vec {
  enum class Kind : std::uint8_t {
    none,
    model,      ///< x
    gradient,   ///< g, of the arrival that is being handled
    point,      ///< where that gradient was computed: x_{t - tau} (capabilities.points)
    work,       ///< a vector of the method's own, made by Model::make_vector
    temporary,  ///< lives within one program, and costs no memory
  };
  Kind kind = Kind::none;
  std::uint32_t index = 0;
  bool operator==(const Vec&) const = default;
};

inline void serialize(Archive& archive, Vec& v) { archive(v.kind, v.index); }

namespace vec {
inline constexpr Vec kModel{Vec::Kind::model};
inline constexpr Vec kGradient{Vec::Kind::gradient};
inline constexpr Vec kPoint{Vec::Kind::point};
/// Pre  index < VectorProgram::kMostTemporaries
constexpr Vec temporary(std::uint32_t index) { return {Vec::Kind::temporary, index}; }
}  // namespace vec

/// Statements that are executed in their order for every coordinate: reading what an earlier statement of the same
/// pass wrote gives the new value. A program that writes x makes the next version, whatever else it does.
/// Scalars are handed over in double precision and rounded to float32 once; every operation on coordinates is one
/// float32 operation, so that a*p + b*q has three roundings. sign(0) = 0; what is not a number stays so, except that
/// scale by 0 gives 0, and max(p, q) is p where one of them is none. Temporaries are written before they are read.
/// Cost  each vector named is read at most once and written at most once, however many statements name it
class VectorProgram {
 public:
  static constexpr std::size_t kMostStatements = 24;
  static constexpr std::size_t kMostTemporaries = 4;

  enum class Op : std::uint8_t {
    scale,           ///< out = a p; with a = 0 it is 0 whatever p holds
    add,             ///< out = p + a q
    mix,             ///< out = a p + b q
    square,          ///< out = a p + b q^2
    multiply,        ///< out = p q
    maximum,         ///< out = max(p, q)
    divide_root,     ///< out = p + a q / (sqrt(b r + c) + d); without p: 0 + ...
    clamp,           ///< out = sign(p) min(max(|p|, a), b)
    soft_threshold,  ///< out = sign(p) max(|p| - a, 0)
    sign,            ///< out = a sign(p)
    noise,           ///< out = p + a N_j, N_j ~ N(0, 1) by its place j in the stream (seed, privacy, 0, index);
                     ///< with a = 0 it is p, and nothing is drawn
  };
  struct Statement {
    Op op = Op::scale;
    Vec out = {}, p = {}, q = {}, r = {};
    double a = 0.0, b = 0.0, c = 0.0, d = 0.0;
    std::uint64_t seed = 0, index = 0;
  };

  void scale(Vec out, double a, Vec p) { push() = {.op = Op::scale, .out = out, .p = p, .a = a}; }
  void clear(Vec out) { scale(out, 0.0, out); }
  void add(Vec out, Vec p, double a, Vec q) { push() = {.op = Op::add, .out = out, .p = p, .q = q, .a = a}; }
  void mix(Vec out, double a, Vec p, double b, Vec q) {
    push() = {.op = Op::mix, .out = out, .p = p, .q = q, .a = a, .b = b};
  }
  void square(Vec out, double a, Vec p, double b, Vec q) {
    push() = {.op = Op::square, .out = out, .p = p, .q = q, .a = a, .b = b};
  }
  void multiply(Vec out, Vec p, Vec q) { push() = {.op = Op::multiply, .out = out, .p = p, .q = q}; }
  void maximum(Vec out, Vec p, Vec q) { push() = {.op = Op::maximum, .out = out, .p = p, .q = q}; }
  struct Root {
    double b = 1.0, c = 0.0, d = 0.0;  ///< sqrt(b r + c) + d
  };
  void divide_root(Vec out, Vec p, double a, Vec q, Vec r, Root root) {
    push() = {.op = Op::divide_root, .out = out, .p = p, .q = q, .r = r, .a = a, .b = root.b, .c = root.c, .d = root.d};
  }
  void clamp(Vec out, Vec p, double low, double high) {
    push() = {.op = Op::clamp, .out = out, .p = p, .a = low, .b = high};
  }
  void soft_threshold(Vec out, Vec p, double a) { push() = {.op = Op::soft_threshold, .out = out, .p = p, .a = a}; }
  void sign(Vec out, double a, Vec p) { push() = {.op = Op::sign, .out = out, .p = p, .a = a}; }
  void noise(Vec out, Vec p, double a, std::uint64_t seed, std::uint64_t index) {
    push() = {.op = Op::noise, .out = out, .p = p, .a = a, .seed = seed, .index = index};
  }

  std::span<const Statement> statements() const { return {statements_.data(), size_}; }
  void clear() { size_ = 0; }

 private:
  // What is assigned to it is written in place, without a copy.
  Statement& push() {
    TG_CHECK(size_ < kMostStatements, "a program of more than ", kMostStatements, " statements");
    return statements_[size_++];
  }
  std::array<Statement, kMostStatements> statements_{};
  std::size_t size_ = 0;
};

}  // namespace tardigrad
