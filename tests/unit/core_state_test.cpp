// SPDX-License-Identifier: Apache-2.0
#include "core/state.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/buffer_pool.hpp"
#include "core/hash.hpp"
#include "tardigrad/order.hpp"

namespace tardigrad {
namespace {

using testing::HasSubstr;

enum class Colour : std::uint8_t { red, blue };

struct Part {
  double weight = 0.0;
  std::vector<bool> flags;
  void serialize(Archive& archive) { archive(weight, flags); }
  bool operator==(const Part&) const = default;
};

struct Everything {
  bool yes = false;
  std::uint32_t number = 0;
  Colour colour = Colour::red;
  std::string text;
  Time time{};
  std::optional<Version> maybe, never = 7;
  std::vector<double> numbers;
  std::deque<std::uint16_t> queue;
  std::vector<Part> parts;
  std::variant<Part, std::string> either;
  Order order;
  Metric metric;
  void serialize(Archive& archive) {
    archive(yes, number, colour, text, time, maybe, never, numbers, queue, parts, either, order, metric);
  }
};

Everything example() {
  Everything e{.yes = true,
               .number = 4'000'000'000,
               .colour = Colour::blue,
               .text = std::string("with\0zero", 9),
               .time = Time{-5},
               .maybe = 9,
               .never = std::nullopt,
               .numbers = {0.1, -0.0, 1e308},
               .queue = {1, 2, 3},
               .parts = {{1.5, {true, false, true}}, {}},
               .either = Part{2.5, {}},
               .order = {.id = 17, .worker = 3, .index = 5, .version = 12, .work = {.steps = 2, .step_size = 0.1}},
               .metric = {"loss", 0.25}};
  e.order.compute_time = Time{99};
  return e;
}

SavedState saved(Everything value) {
  StateWriter writer;
  writer(value);
  return writer.take();
}

TEST(Archive, WhatIsSavedIsLoaded) {
  const SavedState state = saved(example());
  Everything loaded;
  StateReader reader(state);
  reader(loaded);
  reader.finish();
  const Everything expected = example();
  EXPECT_TRUE(loaded.yes);
  EXPECT_EQ(loaded.number, expected.number);
  EXPECT_EQ(loaded.colour, expected.colour);
  EXPECT_EQ(loaded.text, expected.text);
  EXPECT_EQ(loaded.time, expected.time);
  EXPECT_EQ(loaded.maybe, expected.maybe);
  EXPECT_EQ(loaded.never, std::nullopt);
  EXPECT_EQ(loaded.numbers, expected.numbers);
  EXPECT_TRUE(std::signbit(loaded.numbers[1]));
  EXPECT_EQ(loaded.queue, expected.queue);
  EXPECT_EQ(loaded.parts, expected.parts);
  EXPECT_EQ(loaded.either, expected.either);
  EXPECT_EQ(loaded.order.id, 17u);
  EXPECT_EQ(loaded.order.work, expected.order.work);
  EXPECT_EQ(loaded.order.compute_time, Time{99});
  EXPECT_EQ(loaded.metric.name, "loss");
  EXPECT_EQ(saved(loaded).bytes, state.bytes);
}

// However short, it is refused; and no count makes us take memory for it.
TEST(Archive, WhatIsTornIsRefused) {
  const SavedState whole = saved(example());
  for (std::size_t length = 0; length < whole.bytes.size(); ++length) {
    const SavedState torn{.bytes = {whole.bytes.begin(), whole.bytes.begin() + static_cast<std::ptrdiff_t>(length)},
                          .vectors = {}};
    Everything loaded;
    StateReader reader(torn);
    EXPECT_THROW(reader(loaded), Error) << length;
  }
}

std::string problem_of(const SavedState& state, const std::function<void(StateReader&)>& load) {
  StateReader reader(state);
  try {
    load(reader);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Archive, NamesWhatCannotBe) {
  SavedState two{.bytes = {std::byte{2}}, .vectors = {}};
  EXPECT_THAT(problem_of(two,
                         [](StateReader& reader) {
                           bool truth = false;
                           reader(truth);
                         }),
              HasSubstr("a truth of 2"));
  EXPECT_THAT(problem_of(two, [](StateReader& reader) { reader.finish(); }), HasSubstr("1 bytes are left over"));
  StateWriter writer;
  writer.section("run");
  std::uint64_t huge = ~std::uint64_t{0};
  writer(huge);
  const SavedState state = writer.take();
  EXPECT_THAT(problem_of(state, [](StateReader& reader) { reader.section("method"); }),
              HasSubstr("no section `method`"));
  EXPECT_THAT(problem_of(state,
                         [](StateReader& reader) {
                           reader.section("run");
                           std::vector<Part> parts;
                           reader(parts);
                         }),
              HasSubstr("18446744073709551615 parts in 0 bytes"));
}

TEST(Archive, SharedVectorsAreSavedOnceAndSharedAgain) {
  BufferPool pool(4);
  {
    auto a = std::make_shared<const Buffer>(pool.take());
    auto b = std::make_shared<const Buffer>(pool.take());
    StateWriter writer;
    for (auto* vector : {&a, &b, &a}) writer.vector(*vector);
    const SavedState state = writer.take();
    ASSERT_EQ(state.vectors.size(), 2u);
    std::shared_ptr<const Buffer> first, second, third;
    StateReader reader(state);
    reader.vector(first);
    reader.vector(second);
    reader.vector(third);
    reader.finish();
    EXPECT_EQ(first, a);
    EXPECT_EQ(second, b);
    EXPECT_EQ(third, a);
    const SavedState lacking{.bytes = state.bytes, .vectors = {a}};
    EXPECT_THAT(problem_of(lacking,
                           [&](StateReader& r) {
                             r.vector(first);
                             r.vector(second);
                           }),
                HasSubstr("vector 1 of 1"));
  }
  EXPECT_EQ(pool.in_use(), 0u);
}

// Wherever a digest is broken off: within a block of the hash, at its end, within what was not hashed yet.
TEST(Archive, ADigestGoesOn) {
  const std::string text(20000, 'x');
  for (const std::size_t cut : {0, 1, 63, 64, 65, 240, 256, 1024, 1025, 4095, 4096, 4097, 9000, 19999}) {
    Hasher unbroken, before, after;
    const auto add = [&](Hasher& hasher, std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) hasher.add(static_cast<std::uint8_t>(text[i] + i % 7));
    };
    add(unbroken, 0, text.size());
    after.add(std::uint64_t{5});  // what was there before is gone
    add(before, 0, cut);
    StateWriter writer;
    writer(before);
    const SavedState state = writer.take();
    StateReader reader(state);
    reader(after);
    reader.finish();
    add(after, cut, text.size());
    EXPECT_EQ(after.hex(), unbroken.hex()) << cut;
  }
}

}  // namespace
}  // namespace tardigrad
