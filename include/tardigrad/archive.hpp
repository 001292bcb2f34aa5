// SPDX-License-Identifier: Apache-2.0
// One visitor for both ways: a type names the parts that change while a run goes on, once, and is saved and loaded by
// it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "tardigrad/error.hpp"
#include "tardigrad/params.hpp"
#include "tardigrad/types.hpp"

namespace tardigrad {

/// What a state is written to, or read from. A type takes part with a member `void serialize(Archive&)`, or a function
/// `void serialize(Archive&, T&)` beside it; numbers, texts, times, optionals, sequences and variants are known.
///
///   void serialize(Archive& archive) { archive(version_, rows_, sum_); }
///
/// What comes from the scenario is not part of a state: an object is loaded into one that was made from the same
/// scenario. What is found out again from it, or is empty between two events, need not be either.
/// Errors  Error while loading, where the bytes end too early or cannot be what was saved
/// Thread  one at a time
class Archive {
 public:
  virtual bool loading() const = 0;
  /// Numbers as they lie in memory.
  virtual void bytes(std::span<std::byte> raw) = 0;
  /// A vector in R^d, by reference: saved once, however often it is shared, and shared again when loaded. Who saves it
  /// does not change it afterwards, but makes a new one.
  virtual void vector(std::shared_ptr<const Buffer>& values) = 0;
  /// How many bytes can still be read, while loading.
  virtual std::size_t left() const = 0;

  /// Loads or saves the values in their order.
  template <class... Values>
  void operator()(Values&... values) {
    (visit(values), ...);
  }
  /// A landmark: what is loaded must have been saved under the same name.
  void section(const char* name) {
    std::uint64_t mark = 14695981039346656037u;  // FNV-1a
    for (const char* c = name; *c != '\0'; ++c) mark = (mark ^ static_cast<unsigned char>(*c)) * 1099511628211u;
    std::uint64_t found = mark;
    visit(found);
    if (found != mark) fail(std::string("there is no section `") + name + "` where there should be one");
  }
  /// Saves a size, or loads one that may be true: nothing is smaller than a byte.
  std::size_t size(std::size_t now) {
    std::uint64_t count = now;
    visit(count);
    if (loading() && count > left()) fail(std::to_string(count) + " parts in " + std::to_string(left()) + " bytes");
    return static_cast<std::size_t>(count);
  }
  [[noreturn]] static void fail(const std::string& problem) { throw Error("not a state of this run: " + problem); }

 protected:
  ~Archive() = default;

 private:
  template <class T>
  void visit(T& value) {
    if constexpr (requires { value.serialize(*this); })
      value.serialize(*this);
    else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>)
      bytes(std::as_writable_bytes(std::span(&value, 1)));
    else
      serialize(*this, value);
  }
  void visit(bool& value) {
    auto byte = static_cast<std::uint8_t>(value);
    visit(byte);
    if (byte > 1) fail("a truth of " + std::to_string(byte));
    value = byte == 1;
  }
  void visit(std::string& text) {
    text.resize(size(text.size()));
    bytes(std::as_writable_bytes(std::span(text.data(), text.size())));
  }
  template <class Rep, class Period>
  void visit(std::chrono::duration<Rep, Period>& time) {
    Rep count = time.count();
    visit(count);
    time = std::chrono::duration<Rep, Period>(count);
  }
  template <class T>
  void visit(std::optional<T>& value) {
    bool there = value.has_value();
    visit(there);
    if (loading()) value = there ? std::optional<T>(T{}) : std::nullopt;
    if (there) visit(*value);
  }
  template <class T>
  void visit(std::vector<T>& list) {
    list.resize(size(list.size()));
    if constexpr (std::is_arithmetic_v<T>)
      bytes(std::as_writable_bytes(std::span(list)));
    else
      for (T& value : list) visit(value);
  }
  void visit(std::vector<bool>& list) {
    list.resize(size(list.size()));
    for (std::size_t i = 0; i < list.size(); ++i) {
      bool value = list[i];
      visit(value);
      list[i] = value;
    }
  }
  template <class T>
  void visit(std::deque<T>& list) {
    list.resize(size(list.size()));
    for (T& value : list) visit(value);
  }
  /// Which alternative it is comes from the scenario.
  template <class... Ts>
  void visit(std::variant<Ts...>& value) {
    std::visit([this](auto& alternative) { this->visit(alternative); }, value);
  }
};

inline void serialize(Archive& archive, Metric& metric) { archive(metric.name, metric.value); }

inline void serialize(Archive& archive, Snapshot& snapshot) {
  archive(snapshot.version);
  archive.vector(snapshot.params);
}

}  // namespace tardigrad
