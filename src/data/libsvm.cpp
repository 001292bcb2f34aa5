// SPDX-License-Identifier: Apache-2.0
#include "data/libsvm.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "data/bytes.hpp"
#include "data/cache.hpp"
#include "data/catalogue.hpp"
#include "data/text_file.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::data {
namespace {

constexpr std::string_view kBlanks = " \t\r\v\f";

constexpr const char* kConventions = "two classes are read, as -1 and 1, 0 and 1, or 1 and 2";

using Written = SparseDataset::Written;

bool are_two_classes(const Written& w) { return w.minus_one + w.zero + w.two <= 1; }

std::string list_of(const Written& w) {
  return fmt::format("{}{}{}{}", w.minus_one ? " -1" : "", w.zero ? " 0" : "", w.one ? " 1" : "", w.two ? " 2" : "");
}

/// Of a number that from_chars finds out of range: is it nearer to 0 than any double, rather than too large?
/// What decides is the power of ten of its first digit that is not 0.
bool is_tiny(std::string_view number) {
  const std::size_t end_of_digits = std::min(number.find_first_of("eE"), number.size());
  const std::string_view digits = number.substr(0, end_of_digits);
  std::string_view power = number.substr(std::min(end_of_digits + 1, number.size()));
  if (power.starts_with('+')) power.remove_prefix(1);
  std::int64_t exponent = 0;
  if (std::from_chars(power.data(), power.data() + power.size(), exponent).ec == std::errc::result_out_of_range)
    return power.starts_with('-');
  const auto first = static_cast<std::int64_t>(std::min(digits.find_first_of("123456789"), digits.size()));
  const auto point = static_cast<std::int64_t>(std::min(digits.find('.'), digits.size()));
  return exponent < first - point;
}

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
      set_.written.minus_one = true;
    else if (label == 0)
      set_.written.zero = true;
    else if (label == 1)
      set_.written.one = true;
    else if (label == 2)
      set_.written.two = true;
    else
      fail(fmt::format("label `{}`: {}", shown(word), kConventions));
    set_.label.push_back(static_cast<float>(label));
  }

  /// Adds "index:value" and returns the index, which must be above `last`.
  std::uint32_t add_feature(std::string_view word, std::uint32_t last) {
    const std::size_t colon = word.find(':');
    if (colon == std::string_view::npos) fail(fmt::format("`{}` is not index:value", shown(word)));
    const std::string_view digits = word.substr(0, colon);
    if (digits == "qid")
      fail(
          fmt::format("`{}` groups rows for ranking, which is not done here; without these words the rows are read: "
                      "sed -E 's/ qid:[^ ]*//' FILE > NEW",
                      shown(word)));
    std::uint64_t index = 0;
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
    if (end != digits.data() + digits.size() || problem == std::errc::invalid_argument)
      fail(fmt::format("index `{}` is not a whole number", shown(digits)));
    if (problem == std::errc::result_out_of_range || index > kMaxFeatures)
      fail(fmt::format("index {} is above {}, the largest that is read", shown(digits), kMaxFeatures));
    if (index == 0)
      fail(
          "index 0: indices begin at 1; in a file that counts from 0 add 1 to each: "
          "awk '{sub(/#.*/,\"\");for(i=2;i<=NF;i++){split($i,p,\":\");$i=p[1]+1\":\"p[2]}}1' FILE > NEW");
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
    if (problem == std::errc::result_out_of_range) {
      if (is_tiny(digits)) return 0.0;
      fail(fmt::format("{} `{}` is out of range", what, shown(word)));
    }
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
    if (!are_two_classes(set_.written))
      throw Error(fmt::format("{}: labels{} in one file: {}", name_, list_of(set_.written), kConventions));
    const float positive = set_.written.two ? 2.0f : 1.0f;
    for (float& label : set_.label) label = label == positive ? 1.0f : -1.0f;
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t line_ = 0;
  SparseDataset set_;
};

}  // namespace

SparseDataset parse_libsvm(std::string_view text, const std::string& name) { return Parser(text, name).run(); }

std::shared_ptr<const SparseDataset> load_libsvm(const std::string& name_or_path,
                                                 const std::filesystem::path& data_root) {
  static Cache<SparseDataset> cache;
  const std::filesystem::path path = resolve_dataset_file(DatasetKind::sparse, name_or_path, data_root);
  return cache.get(std::filesystem::weakly_canonical(path).string(), [&] {
    std::vector<DataSource> sources;
    SparseDataset set = parse_libsvm(as_text(as_plain_text(read_file(path, sources), path.string())), path.string());
    set.name = name_or_path;
    set.sources = std::move(sources);
    return set;
  });
}

std::vector<std::shared_ptr<const SparseDataset>> load_libsvm_parts(const std::vector<std::string>& names_or_paths,
                                                                    const std::filesystem::path& data_root) {
  std::vector<std::shared_ptr<const SparseDataset>> parts;
  Written all;
  for (const std::string& name : names_or_paths) {
    parts.push_back(load_libsvm(name, data_root));
    const Written& here = parts.back()->written;
    all = {.minus_one = all.minus_one || here.minus_one,
           .zero = all.zero || here.zero,
           .one = all.one || here.one,
           .two = all.two || here.two};
    if (are_two_classes(all)) continue;
    const SparseDataset& first = *parts.front();
    throw Error(fmt::format("{}: labels{}, but {} has labels{}: {}, the same in all files of a problem", name,
                            list_of(here), first.name, list_of(first.written), kConventions));
  }
  // By itself a file of 1s alone was read as the upper class: its rows are copied where they are of the lower one.
  for (std::shared_ptr<const SparseDataset>& part : parts) {
    if (!all.two || part->written.two) continue;
    auto lower = std::make_shared<SparseDataset>(*part);
    std::fill(lower->label.begin(), lower->label.end(), -1.0f);
    part = std::move(lower);
  }
  return parts;
}

}  // namespace tardigrad::data
