// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace tardigrad::data {

/// At most one live copy of each value: who asks while somebody still holds it shares it.
/// Blocking  one load at a time, so that two threads that ask for the same value read the file once
/// Thread    any
template <class T>
class Cache {
 public:
  template <class Make>
  std::shared_ptr<const T> get(const std::string& key, Make&& make) {
    const std::scoped_lock lock(mutex_);
    std::weak_ptr<const T>& slot = live_[key];
    if (auto value = slot.lock()) return value;
    auto value = std::make_shared<const T>(std::forward<Make>(make)());
    slot = value;
    return value;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<const T>> live_;  // guarded by mutex_
};

}  // namespace tardigrad::data
