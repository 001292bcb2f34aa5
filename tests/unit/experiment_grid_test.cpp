// SPDX-License-Identifier: Apache-2.0
// The grid of a comparison.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/toml_file.hpp"
#include "experiment/grid.hpp"
#include "support/error_of.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad {
namespace {

using test::error_of;
using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

Grid grid_of(const std::string& toml) {
  Settings compare(parse_toml(toml, "f.toml"), "compare", "f.toml");
  return read_grid(compare);
}

TEST(Grid, ListsAreAxes) {
  const Grid grid = grid_of(
      "seeds = [3, 5]\n[[methods]]\nname = \"clipped-asgd\"\nstep_size = [0.1, 0.2]\nclip_radius = [1, inf]\n"
      "[[methods]]\nname = \"minibatch-sgd\"\nstep_size = 1.0\n");
  EXPECT_THAT(grid.seeds, ElementsAre(3u, 5u));
  std::vector<std::string> ids;
  for (const GridPoint& point : grid.points) ids.push_back(run_id(point, 3));
  EXPECT_THAT(
      ids,
      ElementsAre("clipped-asgd,clip_radius=1,step_size=0.1,seed=3", "clipped-asgd,clip_radius=1,step_size=0.2,seed=3",
                  "clipped-asgd,clip_radius=inf,step_size=0.1,seed=3",
                  "clipped-asgd,clip_radius=inf,step_size=0.2,seed=3", "minibatch-sgd,step_size=1,seed=3"));
}

TEST(Grid, EveryMistakeHasItsLine) {
  const auto complaint = [](const char* toml) { return error_of([&] { grid_of(toml); }); };
  EXPECT_THAT(complaint("[[methods]]\nname = \"x\"\n"), HasSubstr("compare.seeds: is missing"));
  EXPECT_THAT(complaint("seeds = [1, 1]\n"), HasSubstr("holds a seed twice"));
  EXPECT_THAT(complaint("seeds = [1.5]\n"), HasSubstr("must be whole numbers"));
  EXPECT_THAT(complaint("seeds = [1]\n"), HasSubstr("must hold at least one [[compare.methods]] table"));
  EXPECT_THAT(complaint("seeds = [1]\n[[methods]]\nname = \"x\"\nstep_size = []\n"),
              HasSubstr("step_size is an empty list"));
  EXPECT_THAT(complaint("seeds = [1]\n[[methods]]\nname = \"x\"\nstep_size = [[1]]\n"),
              HasSubstr("is a grid axis: its values must be numbers, texts, true or false, and not [1]"));
  EXPECT_THAT(
      complaint("seeds = [1]\n[[methods]]\nname = \"x\"\nstep_size = 1\n[[methods]]\nname = \"x\"\nstep_size = [1]\n"),
      HasSubstr("stands in the grid twice"));
  EXPECT_THAT(complaint("seeds = [1]\n[[methods]]\nname = \"x\"\nlabel = 3\n"), HasSubstr("label must be a text"));
}

TEST(Grid, WordsStandBesideNumbers) {
  const Grid grid = grid_of(
      "seeds = 1\n[[methods]]\nname = \"clipped-asgd\"\nclip_radius = [1.0, \"auto\", inf]\nstop = [true, false]\n");
  std::vector<std::string> ids;
  for (const GridPoint& point : grid.points) ids.push_back(run_id(point, 3));
  EXPECT_THAT(
      ids,
      ElementsAre("clipped-asgd,clip_radius=1,stop=true,seed=3", "clipped-asgd,clip_radius=1,stop=false,seed=3",
                  "clipped-asgd,clip_radius=auto,stop=true,seed=3", "clipped-asgd,clip_radius=auto,stop=false,seed=3",
                  "clipped-asgd,clip_radius=inf,stop=true,seed=3", "clipped-asgd,clip_radius=inf,stop=false,seed=3"));
  EXPECT_EQ(grid.points[2].setting[0].second, report::Value("auto"));
  EXPECT_EQ(to_toml(grid.points[2].method.at("clip_radius")), "\"auto\"");
}

// What two entries of one method differ in is named, in sub-tables too.
TEST(Grid, AllThatIsGivenIsASetting) {
  const Grid grid = grid_of(
      "seeds = 1\n[[methods]]\nname = \"m\"\nclipping = { kind = \"block\", radii = [1, 2] }\ndispatch = \"uniform\"\n"
      "[[methods]]\nname = \"m\"\nclipping = { kind = \"coordinate\", radii = [1, 2] }\ndispatch = \"uniform\"\n");
  ASSERT_EQ(grid.points.size(), 2u);
  EXPECT_EQ(run_id(grid.points[0], 1), "m,clipping.kind=block,clipping.radii=[1, 2],dispatch=uniform,seed=1");
  EXPECT_EQ(run_id(grid.points[1], 1), "m,clipping.kind=coordinate,clipping.radii=[1, 2],dispatch=uniform,seed=1");
}

TEST(Grid, NamesOfRunsFitIntoAFileName) {
  const std::string word(300, 'x');
  const Grid grid = grid_of("seeds = 1\n[[methods]]\nname = \"m\"\na = [\"" + word + "y\", \"" + word + "z\"]\n");
  const std::string one = run_id(grid.points[0], 1), other = run_id(grid.points[1], 1);
  EXPECT_LT(one.size(), 200u);
  EXPECT_THAT(one, AllOf(StartsWith("m,a=xxx"), EndsWith(",seed=1")));
  EXPECT_NE(one, other);
}

TEST(Grid, SeedsOfTheSearchAreOthers) {
  const std::string method = "[[methods]]\nname = \"m\"\n";
  EXPECT_THAT(grid_of("seeds = [1, 2]\n" + method).search_seeds, IsEmpty());
  EXPECT_THAT(grid_of("seeds = [1, 2]\nsearch_seeds = [4, 5]\n" + method).search_seeds, ElementsAre(4u, 5u));
  const auto complaint = [&](const char* seeds) {
    return error_of([&] { grid_of("seeds = [1, 2]\n" + (seeds + method)); });
  };
  EXPECT_THAT(complaint("search_seeds = [3, 2]\n"),
              HasSubstr("compare.search_seeds = [3, 2]: 2 is in `seeds` too: what is chosen on a seed must not be "
                        "reported on it"));
  EXPECT_THAT(complaint("search_seeds = [3, 3]\n"), HasSubstr("holds a seed twice"));
  EXPECT_THAT(complaint("search_seeds = []\n"), HasSubstr("must not be empty"));
  EXPECT_THAT(complaint("search_seeds = \"a\"\n"), HasSubstr("or a list of such"));
}

TEST(Grid, RunsAreRankedByTheirFirstHitOrTheLastingOne) {
  const std::string method = "[[methods]]\nname = \"m\"\n";
  EXPECT_EQ(grid_of("seeds = 1\n" + method).rank, report::Goal::Rank::first);
  EXPECT_EQ(grid_of("seeds = 1\nrank_by = \"lasting\"\n" + method).rank, report::Goal::Rank::lasting);
  EXPECT_THAT(error_of([&] { grid_of("seeds = 1\nrank_by = \"last\"\n" + method); }),
              HasSubstr("must be one of first, lasting; did you mean `lasting`?"));
}

TEST(Grid, LabelsTellVariantsApart) {
  const Grid grid = grid_of(
      "seeds = [1]\n[[methods]]\nname = \"m\"\nlabel = \"m stop\"\nstop = true\n[[methods]]\nname = \"m\"\nstop = "
      "false\n");
  EXPECT_EQ(grid.points[0].method_label, "m stop");
  EXPECT_EQ(grid.points[0].method.count("label"), 0u);
  EXPECT_EQ(grid.points[1].method_label, "m");
  EXPECT_THAT(
      error_of([] { grid_of("seeds = 1\n[[methods]]\nname = \"m\"\n[[methods]]\nname = \"k\"\nlabel = \"m\"\n"); }),
      HasSubstr("the label \"m\" stands for \"m\" and for \"k\": give each its own"));
}

TEST(Grid, WorldsReplaceKeysAndMethodsChooseThem) {
  const Grid grid = grid_of(
      "seeds = [1]\n[[worlds]]\nlabel = \"iid\"\n[[worlds]]\nlabel = \"skew\"\nproblem.partition = { alpha = 0.5 }\n"
      "[[methods]]\nname = \"m\"\nstep_size = 1\nworlds = [\"iid\"]\n"
      "[[methods]]\nname = \"m\"\nstep_size = 1\nworlds = [\"skew\"]\n");
  ASSERT_EQ(grid.worlds.size(), 2u);
  EXPECT_EQ(grid.worlds[1].label, "skew");
  EXPECT_THAT(grid.points[0].worlds, ElementsAre("iid"));
  EXPECT_EQ(grid.points[0].method.count("worlds"), 0u);
  // A key that the world gives takes the place of the scenario's whole; the others stay.
  const SettingValue::Table root =
      parse_toml("problem = { name = \"cnn\", partition = { kind = \"shared\" } }", "file.toml");
  EXPECT_EQ(to_toml_document(with_changes(root, grid.worlds[1].changes)),
            to_toml_document(parse_toml("problem = { name = \"cnn\", partition = { alpha = 0.5 } }", "file.toml")));
}

TEST(Grid, EveryMistakeAboutWorldsHasItsLine) {
  const auto complaint = [](const std::string& worlds) {
    return error_of([&] { grid_of("seeds = [1]\n[[worlds]]\nlabel = \"iid\"\n" + worlds); });
  };
  EXPECT_THAT(complaint("[[worlds]]\nlabel = \"iid\"\n"), HasSubstr("worlds[1].label = \"iid\": stands twice"));
  EXPECT_THAT(complaint("[[worlds]]\nlabel = \"a/b\"\n"), HasSubstr("names a folder"));
  EXPECT_THAT(complaint("[[worlds]]\n"), HasSubstr("worlds[1].label: is missing"));
  EXPECT_THAT(complaint("problem = 3\n"), HasSubstr("must be a table"));
  const std::string method = "[[methods]]\nname = \"m\"\n";
  EXPECT_THAT(complaint(method + "worlds = [\"idd\"]\n"),
              HasSubstr("compare.methods[0].worlds holds \"idd\": must be one of iid"));
  EXPECT_THAT(complaint(method + "worlds = \"iid\"\n"), HasSubstr("worlds must be a list of labels"));
  EXPECT_THAT(complaint(method + method + "worlds = [\"iid\"]\n"), HasSubstr("stands in the grid twice"));
}

}  // namespace
}  // namespace tardigrad
