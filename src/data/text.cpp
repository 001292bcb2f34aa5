// SPDX-License-Identifier: Apache-2.0
#include "data/text.hpp"

#include <fmt/format.h>

#include <array>

#include "data/bytes.hpp"
#include "data/cache.hpp"
#include "data/catalogue.hpp"
#include "data/text_file.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::data {
namespace {
constexpr std::size_t kTrainTenths = 9;
}

TextCorpus parse_text(std::string_view text, const std::string& name) {
  if (text.size() < 10) throw Error(fmt::format("{}: {} bytes: a text needs at least 10", name, text.size()));
  std::array<bool, 256> occurs{};
  for (const char c : text) occurs[static_cast<std::uint8_t>(c)] = true;

  TextCorpus corpus;
  corpus.name = name;
  std::array<std::uint8_t, 256> number{};
  for (std::size_t byte = 0; byte < occurs.size(); ++byte) {
    if (!occurs[byte]) continue;
    number[byte] = static_cast<std::uint8_t>(corpus.vocabulary.size());
    corpus.vocabulary.push_back(static_cast<std::uint8_t>(byte));
  }
  const auto encode = [&number](std::string_view part) {
    std::vector<std::uint8_t> numbers;
    numbers.reserve(part.size());
    for (const char c : part) numbers.push_back(number[static_cast<std::uint8_t>(c)]);
    return numbers;
  };
  const std::size_t cut = text.size() / 10 * kTrainTenths + text.size() % 10 * kTrainTenths / 10;
  corpus.train = encode(text.substr(0, cut));
  corpus.test = encode(text.substr(cut));
  return corpus;
}

std::shared_ptr<const TextCorpus> load_text(const std::string& name_or_path, const std::filesystem::path& data_root) {
  static Cache<TextCorpus> cache;
  const std::filesystem::path path = resolve_dataset_file(DatasetKind::text, name_or_path, data_root);
  return cache.get(std::filesystem::weakly_canonical(path).string(), [&] {
    std::vector<DataSource> sources;
    TextCorpus corpus = parse_text(as_text(as_plain_text(read_file(path, sources), path.string())), path.string());
    corpus.name = name_or_path;
    corpus.sources = std::move(sources);
    return corpus;
  });
}

}  // namespace tardigrad::data
