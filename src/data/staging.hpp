// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "data/bytes.hpp"

namespace tardigrad::data {

/// A folder inside `place`, so that what is made in it gets to where it belongs by a rename; gone at the end whatever
/// happens.
class Staging {
 public:
  Staging(const std::filesystem::path& place, const std::string& prefix) {
    std::filesystem::create_directories(place);
    std::string name = (place / (prefix + "XXXXXX")).string();
    if (!::mkdtemp(name.data())) throw Error(system_problem(place, errno));
    path_ = name;
  }
  ~Staging() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  const std::filesystem::path& path() const { return path_; }
  /// Where `relative` may be written.
  std::filesystem::path prepare(const std::string& relative) const {
    const std::filesystem::path target = path_ / relative;
    std::filesystem::create_directories(target.parent_path());
    return target;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace tardigrad::data
