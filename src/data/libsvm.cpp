// SPDX-License-Identifier: Apache-2.0
#include "data/libsvm.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>

#include "data/bytes.hpp"
#include "data/cache.hpp"
#include "data/catalogue.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::data {
namespace {

constexpr std::string_view kBlanks = " \t\r\v\f";

/// Which of -1, 0, 1, 2 occur as labels.
struct LabelsSeen {
  bool minus_one = false, zero = false, one = false, two = false;
};

class Parser {
 public:
  Parser(std::string_view text, const std::string& name) : text_(text), name_(name) { set_.name = name; }

  SparseDataset run() {
    set_.row_start.push_back(0);
    while (!text_.empty()) {
      ++line_;
      const std::size_t end = text_.find('\n');
      parse_line(text_.substr(0, end));
      text_.remove_prefix(end == std::string_view::npos ? text_.size() : end + 1);
    }
    if (set_.rows() == 0) throw Error(name_ + ": no rows in it");
    map_labels();
    return std::move(set_);
  }

 private:
  [[noreturn]] void fail(const std::string& problem) const {
    throw Error(fmt::format("{}:{}: {}", name_, line_, problem));
  }

  /// What stands before the next blank; "" at the end of the line.
  static std::string_view next_word(std::string_view& line) {
    line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
    const std::string_view word = line.substr(0, line.find_first_of(kBlanks));
    line.remove_prefix(word.size());
    return word;
  }

  void parse_line(std::string_view line) {
    line = line.substr(0, line.find('#'));
    const std::string_view label = next_word(line);
    if (label.empty()) return;
    add_label(label);
    std::uint32_t last = 0;
    for (std::string_view word = next_word(line); !word.empty(); word = next_word(line)) last = add_feature(word, last);
    set_.row_start.push_back(set_.feature.size());
  }

  void add_label(std::string_view word) {
    const double label = number(word, "label");
    if (label == -1)
      seen_.minus_one = true;
    else if (label == 0)
      seen_.zero = true;
    else if (label == 1)
      seen_.one = true;
    else if (label == 2)
      seen_.two = true;
    else
      fail(fmt::format("label `{}`: two classes are read, as -1 and 1, 0 and 1, or 1 and 2", shown(word)));
    set_.label.push_back(static_cast<float>(label));
  }

  /// Adds "index:value" and returns the index, which must be above `last`.
  std::uint32_t add_feature(std::string_view word, std::uint32_t last) {
    const std::size_t colon = word.find(':');
    if (colon == std::string_view::npos) fail(fmt::format("`{}` is not index:value", shown(word)));
    const std::string_view digits = word.substr(0, colon);
    std::uint64_t index = 0;
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
    if (end != digits.data() + digits.size() || problem == std::errc::invalid_argument)
      fail(fmt::format("index `{}` is not a whole number", shown(digits)));
    if (problem == std::errc::result_out_of_range || index > kMaxFeatures)
      fail(fmt::format("index {} is above {}, the largest that is read", shown(digits), kMaxFeatures));
    if (index == 0) fail("index 0: indices begin at 1");
    if (index <= last) fail(fmt::format("index {} after {}: indices must ascend", index, last));
    const double value = number(word.substr(colon + 1), "value");
    if (std::abs(value) > std::numeric_limits<float>::max())
      fail(fmt::format("value `{}` is beyond a 32-bit float", shown(word.substr(colon + 1))));
    set_.feature.push_back(static_cast<std::uint32_t>(index) - 1);
    set_.value.push_back(static_cast<float>(value));
    set_.features = std::max<std::size_t>(set_.features, index);
    return static_cast<std::uint32_t>(index);
  }

  double number(std::string_view word, const char* what) const {
    std::string_view digits = word;
    if (digits.size() > 1 && digits[0] == '+' && digits[1] != '-') digits.remove_prefix(1);  // from_chars knows no plus
    double value = 0.0;
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (problem == std::errc::result_out_of_range) fail(fmt::format("{} `{}` is out of range", what, shown(word)));
    if (problem != std::errc() || end != digits.data() + digits.size())
      fail(fmt::format("{} `{}` is not a number", what, shown(word)));
    if (!std::isfinite(value)) fail(fmt::format("{} `{}` is not finite", what, shown(word)));
    return value;
  }

  /// A word as a message may hold it: short, and printable whatever the file holds.
  static std::string shown(std::string_view word) {
    std::string text(word.substr(0, 40));
    for (char& c : text)
      if (c < 0x20 || c > 0x7e) c = '?';
    return word.size() > 40 ? text + "..." : text;
  }

  void map_labels() {
    const bool zero_one = seen_.zero, one_two = seen_.two;
    if ((seen_.minus_one && (zero_one || one_two)) || (zero_one && one_two))
      throw Error(fmt::format("{}: labels{}{}{}{} in one file: two classes are read, as -1 and 1, 0 and 1, or 1 and 2",
                              name_, seen_.minus_one ? " -1" : "", seen_.zero ? " 0" : "", seen_.one ? " 1" : "",
                              seen_.two ? " 2" : ""));
    const float positive = one_two ? 2.0f : 1.0f;
    for (float& label : set_.label) label = label == positive ? 1.0f : -1.0f;
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t line_ = 0;
  LabelsSeen seen_;
  SparseDataset set_;
};

}  // namespace

SparseDataset parse_libsvm(std::string_view text, const std::string& name) { return Parser(text, name).run(); }

std::shared_ptr<const SparseDataset> load_libsvm(const std::string& name_or_path,
                                                 const std::filesystem::path& data_root) {
  static Cache<SparseDataset> cache;
  const std::filesystem::path path = resolve_dataset_file(DatasetKind::sparse, name_or_path, data_root);
  return cache.get(std::filesystem::weakly_canonical(path).string(), [&] {
    SparseDataset set = parse_libsvm(as_text(read_file(path)), path.string());
    set.name = name_or_path;
    return set;
  });
}

}  // namespace tardigrad::data
