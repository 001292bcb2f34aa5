// SPDX-License-Identifier: Apache-2.0
#include "problems/catalogue.hpp"

#include <algorithm>
#include <cstdlib>

#include "core/plugins.hpp"
#include "data/bytes.hpp"
#include "problems/guarded.hpp"
#include "problems/logistic.hpp"
#include "problems/quadratic.hpp"
#include "problems/settings.hpp"
#include "problems/softmax.hpp"
#include "problems/tridiagonal.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::problems {
namespace {

// Named here so that the core can say what is missing, and open the plugin only when it is wanted: LibTorch alone takes
// a third of a second to load.
struct TorchRow {
  const char* name;
  const char* summary;
  std::span<const SettingRow> settings;
};
constexpr TorchRow kTorchRows[] = {
    {"cnn", "two-layer convolutional network on images (878,538 parameters on CIFAR-10)", kCnn},
    {"resnet18", "ResNet-18 for small images, batch norm (11,173,962 parameters on CIFAR-10)", kResnet18},
    {"char-lstm", "two-layer character LSTM with dropout, on any text", kCharLstm},
};
constexpr const char* kTorchLibrary = "libtardigrad_torch.so";

const TorchRow* find_torch(const std::string& name) {
  const auto found = std::ranges::find_if(kTorchRows, [&](const TorchRow& row) { return row.name == name; });
  return found == std::end(kTorchRows) ? nullptr : found;
}

// The LibTorch plugin's file, or an empty path where it is not installed.
std::filesystem::path torch_plugin() {
  for (const std::filesystem::path& folder : plugin_folders())
    if (std::filesystem::exists(folder / kTorchLibrary)) return folder / kTorchLibrary;
  return {};
}

}  // namespace

ProblemCatalogue::ProblemCatalogue() : Catalogue("problem") {
  add({.name = "quadratic",
       .summary = "diagonal quadratic of given conditioning, noise and heterogeneity; optimum known",
       .make = make_quadratic,
       .settings = kQuadratic},
      {});
  add({.name = "quadratic-tridiagonal",
       .summary = "the worst-case quadratic of first-order methods, d = 1729 in the papers; optimum known",
       .make = make_tridiagonal,
       .settings = kTridiagonal},
      {});
  add({.name = "logistic",
       .summary = "l2-regularised logistic regression on sparse data in LIBSVM format",
       .make = make_logistic,
       .settings = kLogistic,
       .own_data = true},
      {});
  add({.name = "softmax",
       .summary = "l2-regularised logistic regression of several classes on images (7,850 parameters on Fashion-MNIST)",
       .make = make_softmax,
       .settings = kSoftmax,
       .own_data = true},
      {});
}

bool ProblemCatalogue::add_torch_plugin() {
  if (find(kTorchRows[0].name)) return true;
  const std::filesystem::path path = torch_plugin();
  if (path.empty()) return false;
  // Jobs run side by side, each on one thread; threads inside a job would fight (measured: a factor of 37). OpenMP
  // and OpenBLAS read this once, when they are loaded. What the user has set stays.
  setenv("OMP_NUM_THREADS", "1", 0);
  setenv("OPENBLAS_NUM_THREADS", "1", 0);
  const Plugin& plugin = load_plugin(path);
  const RowOrigin ours{.plugin = data::source_of(path, data::read_file(path)), .library = plugin.library};
  for (const ProblemRow& row : plugin.problems) add(row, ours);
  return true;
}

std::unique_ptr<Problem> ProblemCatalogue::make(const ProblemRow& row, Settings& settings,
                                                const ProblemContext& context) const {
  constexpr SettingRow kName[] = {Setting<Text>{.key = "name"}};  // read by who looked for the row
  const auto listed = settings_of(row.name);
  const std::string& whose = origin(row.name).whose;
  if (whose.empty()) {
    std::unique_ptr<Problem> problem = row.make(settings, context);
    check_listed(settings.resolved(), {listed.value(), kName}, row.name);
    return problem;
  }
  const std::string called = whose + ": problem `" + row.name + "`";
  std::unique_ptr<Problem> problem = make_guarded(row, called, settings, context);
  if (!listed) return problem;
  if (const std::string key = find_unlisted(settings.resolved(), {*listed, kName}); !key.empty())
    throw Error(called + ": reads the setting `" + one_line(key, 100) + "`, and its row does not list it");
  return problem;
}

std::optional<std::span<const SettingRow>> ProblemCatalogue::settings_of(const std::string& name) const {
  if (const TorchRow* torch = find_torch(name)) return torch->settings;
  const ProblemRow* row = find(name);
  return row ? row->settings : std::nullopt;
}

std::string ProblemCatalogue::summary(const std::string& name) const {
  if (const ProblemRow* row = find(name)) return row->summary;
  const TorchRow* torch = find_torch(name);
  if (!torch) return "";
  return std::string(torch->summary) + (torch_plugin().empty() ? "; NOT INSTALLED: needs LibTorch" : "");
}

const ProblemRow& ProblemCatalogue::row(const std::string& name) {
  if (!find(name) && find_torch(name) && !add_torch_plugin())
    throw Error(
        "problem `" + name + "` needs LibTorch, which this installation lacks: no " + kTorchLibrary +
        " beside the program, in TARDIGRAD_PLUGIN_PATH or beside libtardigrad_core.so; install libtorch-dev and build "
        "with -DTARDIGRAD_TORCH=ON");
  if (const ProblemRow* found = find(name)) return *found;
  throw Error("problem `" + name + "` is unknown" + did_you_mean(name, names()) + " (known: " + join(names()) + ")",
              {Remedy::name_plugin});
}

std::vector<std::string> ProblemCatalogue::names() const {
  std::vector<std::string> names = Catalogue::names();
  for (const TorchRow& torch : kTorchRows)
    if (!find(torch.name)) names.emplace_back(torch.name);
  return names;
}

}  // namespace tardigrad::problems
