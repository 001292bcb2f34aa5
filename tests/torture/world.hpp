// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <vector>

#include "tardigrad/rng.hpp"

namespace tardigrad::torture {

/// The draws of one iteration: a function of its seed, and of what was drawn before.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : stream_(seed, Purpose::test, 0, 0) {}
  bool chance(double p) { return stream_.uniform() < p; }
  double uniform() { return stream_.uniform(); }
  std::uint64_t below(std::uint64_t n) { return stream_.below(n); }
  template <class T>
  const T& pick(const std::vector<T>& list) {
    return list[below(list.size())];
  }
  std::string pick(std::initializer_list<const char*> list) { return list.begin()[below(list.size())]; }
  /// 1 ... most, small numbers more often: as many between 1 and 10 as between 10 and 100.
  std::uint64_t count(std::uint64_t most);

 private:
  Stream stream_;
};

/// A scenario of a second or less.
struct World {
  std::string document = {};  ///< TOML
  std::string method = {};
  bool threads = false;  ///< real ones: no two runs are the same
  bool records = false;
};

/// Methods are those of the files in `golden`; with real threads a few that are known to work there.
World draw_world(Dice& dice, const std::filesystem::path& golden);

}  // namespace tardigrad::torture
