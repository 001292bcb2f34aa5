// SPDX-License-Identifier: Apache-2.0
#include "data/catalogue.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "data/bytes.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::data {
namespace {

constexpr DatasetFile kFashionMnist[] = {
    {.path = "fashion-mnist/train-images-idx3-ubyte.gz",
     .bytes = 26421880,
     .sha256 = "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
     .md5 = "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
     .url = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/train-images-idx3-ubyte.gz"},
    {.path = "fashion-mnist/train-labels-idx1-ubyte.gz",
     .bytes = 29515,
     .sha256 = "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
     .md5 = "25c81989df183df01b3e8a0aad5dffbe",
     .url = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/train-labels-idx1-ubyte.gz"},
    {.path = "fashion-mnist/t10k-images-idx3-ubyte.gz",
     .bytes = 4422102,
     .sha256 = "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
     .md5 = "bef4ecab320f06d8554ea6380940ec79",
     .url = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/t10k-images-idx3-ubyte.gz"},
    {.path = "fashion-mnist/t10k-labels-idx1-ubyte.gz",
     .bytes = 5148,
     .sha256 = "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
     .md5 = "bb300cfdad3c16e7a12a480ee83cd310",
     .url = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/t10k-labels-idx1-ubyte.gz"},
};

constexpr DatasetFile kCifar10[] = {
    {.path = "cifar-10-binary.tar.gz",
     .bytes = 170052171,
     .sha256 = "",
     .md5 = "c32a1d4ab5d03f1284b67883e8d87530",
     .url = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"},
};

constexpr DatasetFile batch(const char* path, const char* sha256) {
  return {.path = path, .bytes = 30730000, .sha256 = sha256, .md5 = "", .url = ""};
}
constexpr DatasetFile kCifar10Contents[] = {
    batch("cifar-10-batches-bin/data_batch_1.bin", "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"),
    batch("cifar-10-batches-bin/data_batch_2.bin", "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"),
    batch("cifar-10-batches-bin/data_batch_3.bin", "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"),
    batch("cifar-10-batches-bin/data_batch_4.bin", "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"),
    batch("cifar-10-batches-bin/data_batch_5.bin", "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"),
    batch("cifar-10-batches-bin/test_batch.bin", "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"),
};

constexpr DatasetFile kShakespeare[] = {
    {.path = "tinyshakespeare/input.txt",
     .bytes = 1115394,
     .sha256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
     .md5 = "",
     .url = "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"},
};

constexpr DatasetFile kA9a[] = {
    {.path = "libsvm/a9a",
     .bytes = 2329875,
     .sha256 = "f5d5ffd8d865ff41328e7ee043e4b020816914ff6843ff15b98905ddbedce906",
     .md5 = "",
     .url = "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/binary/a9a"},
};
constexpr DatasetFile kA9aTest[] = {
    {.path = "libsvm/a9a.t",
     .bytes = 1164628,
     .sha256 = "1f448a153f0320399a7e40836eb207655b0bde0f21fc941cc472193daa9f5de9",
     .md5 = "",
     .url = "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/binary/a9a.t"},
};
constexpr DatasetFile kW8a[] = {
    {.path = "libsvm/w8a",
     .bytes = 3478238,
     .sha256 = "6a9fa8fd5f524303240a5db07d4b3d4a51e8b7b4b20a914105d8e3e8c81640f2",
     .md5 = "",
     .url = "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/binary/w8a"},
};
constexpr DatasetFile kAgaricus[] = {
    {.path = "libsvm/agaricus.txt.train",
     .bytes = 742257,
     .sha256 = "915c2def06e9b44a306ad097fe8b6652c7c477d9c1e605bd2130ad20a70a8ad6",
     .md5 = "",
     .url = "https://raw.githubusercontent.com/dmlc/xgboost/master/demo/data/agaricus.txt.train"},
};
constexpr DatasetFile kAgaricusTest[] = {
    {.path = "libsvm/agaricus.txt.test",
     .bytes = 183611,
     .sha256 = "765db79391141953d890ce197fe828a621d6487fbba4de5e4d2217bd140371c0",
     .md5 = "",
     .url = "https://raw.githubusercontent.com/dmlc/xgboost/master/demo/data/agaricus.txt.test"},
};
constexpr DatasetFile kHeartScale[] = {
    {.path = "libsvm/heart_scale",
     .bytes = 27670,
     .sha256 = "5defa0a4c4c5bdaf3f55ae3828310252e8565c13ee37ce279e0b86d82e7f4ce9",
     .md5 = "",
     .url = "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/binary/heart_scale"},
};

constexpr DatasetFile kGlyphs[] = {
    {.path = "train",
     .bytes = 20'000 * 785,
     .sha256 = "070dc3da740d8d2c054c9bbc96664c7cb19d81fba8384340cde4fdbfa6f08e7c",
     .md5 = "",
     .url = ""},
    {.path = "test",
     .bytes = 4'000 * 785,
     .sha256 = "d32262ee3daaa3e4c08d80cb6d2023e0fbd7e225846f18fa884c1b3807d5d500",
     .md5 = "",
     .url = ""},
};

constexpr DatasetRow kCatalogue[] = {
    {.name = "glyphs",
     .kind = DatasetKind::images,
     .summary = "20,000 + 4,000 grey images 28x28 of ten kinds of line drawing, generated: nothing to download",
     .terms = "generated by this program: no restriction",
     .citation = "",
     .files = {},
     .contents = kGlyphs},
    {.name = "fashion-mnist",
     .kind = DatasetKind::images,
     .summary = "60,000 + 10,000 grey images 28x28 of ten kinds of clothing",
     .terms = "MIT, (c) 2017 Zalando SE",
     .citation = "Xiao, Rasul, Vollgraf: Fashion-MNIST, arXiv:1708.07747, 2017",
     .files = kFashionMnist,
     .contents = {}},
    {.name = "cifar10",
     .kind = DatasetKind::images,
     .summary = "50,000 + 10,000 colour images 32x32 of ten kinds of object",
     .terms = "no formal licence; for research, cite Krizhevsky 2009",
     .citation = "Krizhevsky: Learning Multiple Layers of Features from Tiny Images, technical report, 2009",
     .files = kCifar10,
     .contents = kCifar10Contents},
    {.name = "shakespeare",
     .kind = DatasetKind::text,
     .summary = "1,115,394 characters of Shakespeare's plays, 65 distinct",
     .terms = "public domain",
     .citation = "Karpathy: char-rnn, 2015",
     .files = kShakespeare,
     .contents = {}},
    {.name = "a9a",
     .kind = DatasetKind::sparse,
     .summary = "32,561 rows, 123 features: is a person's income above 50,000 dollars?",
     .terms = "UCI Adult (CC BY 4.0), as prepared by LIBSVM",
     .citation = "Chang, Lin: LIBSVM, ACM TIST 2(3), 2011; Platt 1998",
     .files = kA9a,
     .contents = {}},
    {.name = "a9a.t",
     .kind = DatasetKind::sparse,
     .summary = "16,281 rows: the test part of a9a",
     .terms = "UCI Adult (CC BY 4.0), as prepared by LIBSVM",
     .citation = "Chang, Lin: LIBSVM, ACM TIST 2(3), 2011; Platt 1998",
     .files = kA9aTest,
     .contents = {}},
    {.name = "w8a",
     .kind = DatasetKind::sparse,
     .summary = "49,749 rows, 300 features: does a web page belong to a category?",
     .terms = "as published by LIBSVM; no licence stated",
     .citation = "Chang, Lin: LIBSVM, ACM TIST 2(3), 2011; Platt 1998",
     .files = kW8a,
     .contents = {}},
    {.name = "agaricus",
     .kind = DatasetKind::sparse,
     .summary = "6,513 rows, 126 features: is a mushroom poisonous?",
     .terms = "UCI Mushroom (CC BY 4.0), as prepared by XGBoost",
     .citation = "UCI Machine Learning Repository: Mushroom, 1987",
     .files = kAgaricus,
     .contents = {}},
    {.name = "agaricus.t",
     .kind = DatasetKind::sparse,
     .summary = "1,611 rows: the test part of agaricus",
     .terms = "UCI Mushroom (CC BY 4.0), as prepared by XGBoost",
     .citation = "UCI Machine Learning Repository: Mushroom, 1987",
     .files = kAgaricusTest,
     .contents = {}},
    {.name = "heart_scale",
     .kind = DatasetKind::sparse,
     .summary = "270 rows, 13 features scaled to [-1, 1]: has a patient a heart disease?",
     .terms = "UCI Statlog heart (CC BY 4.0), as scaled by LIBSVM",
     .citation = "UCI Machine Learning Repository: Statlog (Heart)",
     .files = kHeartScale,
     .contents = {}},
};

const char* describe(DatasetKind kind) {
  switch (kind) {
    case DatasetKind::images:
      return "images";
    case DatasetKind::text:
      return "a text";
    case DatasetKind::sparse:
      return "a LIBSVM data set";
  }
  return "";
}

const char* environment(const char* name) {
  const char* value = std::getenv(name);
  return value && *value ? value : nullptr;
}

const DatasetRow* lookup(std::string_view name) {
  for (const DatasetRow& row : kCatalogue)
    if (row.name == name) return &row;
  return nullptr;
}

}  // namespace

std::span<const DatasetRow> dataset_catalogue() { return kCatalogue; }

const DatasetRow& find_dataset(std::string_view name) {
  if (const DatasetRow* row = lookup(name)) return *row;
  std::vector<std::string> names;
  for (const DatasetRow& row : kCatalogue) names.emplace_back(row.name);
  throw Error(fmt::format("data set `{}` is unknown{} (known: {})", name, did_you_mean(name, names), join(names)));
}

std::vector<std::string> dataset_names(DatasetKind kind) {
  std::vector<std::string> names;
  for (const DatasetRow& row : kCatalogue)
    if (row.kind == kind) names.emplace_back(row.name);
  return names;
}

std::filesystem::path data_root(const std::optional<std::filesystem::path>& given) {
  if (given && !given->empty()) return *given;
  if (const char* root = environment("TARDIGRAD_DATA")) return root;
  if (const char* base = environment("XDG_DATA_HOME")) return std::filesystem::path(base) / "tardigrad";
  if (const char* home = environment("HOME")) return std::filesystem::path(home) / ".local/share/tardigrad";
  throw Error("no place for data: set TARDIGRAD_DATA, XDG_DATA_HOME or HOME", {Remedy::name_data_root});
}

std::optional<std::filesystem::path> find_cifar10(const std::filesystem::path& root) {
  if (is_present(root / "cifar-10-batches-bin")) return root / "cifar-10-batches-bin";
  for (const char* base : {"cifar-10-binary", "cifar-10-batches-bin"})
    for (const char* ending : {".tar.gz", ".tar.zst", ".tar.xz", ".tar.bz2", ".tar", ".zip"})
      if (const auto path = root / (std::string(base) + ending); is_present(path)) return path;
  return std::nullopt;
}

std::optional<std::filesystem::path> find_file(const std::filesystem::path& root, const std::string& relative) {
  if (const auto path = root / relative; is_present(path)) return path;
  if (relative.ends_with(".gz"))
    if (const auto plain = root / relative.substr(0, relative.size() - 3); is_present(plain)) return plain;
  return std::nullopt;
}

std::filesystem::path resolve_dataset_file(DatasetKind kind, const std::string& name_or_path,
                                           const std::filesystem::path& root) {
  if (const DatasetRow* row = lookup(name_or_path)) {
    if (row->kind != kind)
      throw Error(fmt::format("data set `{}` is {}, not {} ({})", name_or_path, describe(row->kind), describe(kind),
                              join(dataset_names(kind))));
    if (const auto path = find_file(root, row->files[0].path)) return *path;
    fail_missing(*row, root, {row->files[0].path});
  }
  if (!name_or_path.empty()) {
    if (is_present(name_or_path)) return name_or_path;
    if (const auto path = root / name_or_path; is_present(path)) return path;
  }
  throw Error(fmt::format("`{}` is neither {} ({}) nor a file, here or in {}{}", name_or_path, describe(kind),
                          join(dataset_names(kind)), root.string(), did_you_mean(name_or_path, dataset_names(kind))));
}

std::string dataset_setting(Settings& settings, const std::string& key, const std::string& fallback, DatasetKind kind,
                            const std::filesystem::path& root) {
  std::string name = settings.text_or(key, fallback);
  if (lookup(name)) return name;
  std::string path = settings.file_path(key);
  if (is_present(path)) return path;
  const std::filesystem::path below = root / name;
  if (name.front() != '/' && name.front() != '~' && is_present(below)) {
    settings.text(key);  // it stays as it is: the root may be another one elsewhere
    return below.string();
  }
  std::string advice = did_you_mean(name, dataset_names(kind));
  if (advice.empty() && is_present(name)) advice = "; a path in a scenario counts from the scenario's folder";
  const std::string places = below == path ? path : fmt::format("{} and {}", path, below.string());
  settings.fail(key, fmt::format("is neither {} ({}) nor a file: looked for {}{}", describe(kind),
                                 join(dataset_names(kind)), places, advice));
}

void fail_missing(const DatasetRow& row, const std::filesystem::path& root,
                  const std::vector<std::string>& looked_for) {
  throw Error(fmt::format("data set `{0}` is not in {1}: looked for {2}; `tardigrad data get {0}` fetches it, and "
                          "TARDIGRAD_DATA names another folder",
                          row.name, root.string(), join(looked_for)),
              {Remedy::name_data_root});
}

}  // namespace tardigrad::data
