#include "series/select.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/core/random.h"
#include "disk/simulated_file_system.h"
#include "series/store.h"

namespace ronda::series {
namespace {

// Files and what is in none yet.
class TestSource : public Source {
 public:
  TestSource() : store(*Store::Open(files)) {}
  Files Snapshot(const ReadOpen& read) override {
    read(open);
    return store->files();
  }
  disk::SimulatedFileSystem files;
  std::unique_ptr<Store> store;
  OpenPoints open;
};

struct Measured {
  std::map<std::string, std::string> labels;  // "" where it has none
  std::uint64_t time_s = 0;
};

std::vector<Measured> MeasureSome(base::Random& random, TestSource& source) {
  std::vector<Measured> all;
  for (int i = 0; i < 2000; ++i) {
    Measured one{.labels = {{"a", ""}, {"b", ""}, {"c", ""}}, .time_s = 10 * random.Below(100)};
    std::vector<Label> labels;
    for (auto& [name, value] : one.labels) {
      if (random.Below(3) > 0) value = "v" + std::to_string(random.Below(4));
      labels.push_back({name, value});
    }
    std::string key;
    PutKey(Kind::kCount, random.Below(5) == 0 ? "other" : "wanted", labels, key);
    source.open.Add(source.open.SeriesOf(key), one.time_s, 1);
    if (key.find("wanted") != std::string::npos) all.push_back(one);
    if (i % 600 == 599) {
      EXPECT_TRUE(source.store->Add(source.open, source.store->through() + 1).ok());
      source.open.Clear();
    }
  }
  return all;
}

Selection SomeSelection(base::Random& random) {
  Selection selection{.metric = "wanted", .from_s = 200, .to_s = 900};
  for (const std::string label : {"a", "b", "c", "none"}) {
    if (random.Below(2) == 0) selection.by.push_back(label);
    if (random.Below(2) == 0) continue;
    Filter& filter = selection.where.emplace_back();
    filter.label = label;
    if (random.Below(2) == 0) filter.values.emplace_back();
    for (std::uint64_t n = random.Below(4); n > 0; --n) {
      filter.values.push_back("v" + std::to_string(random.Below(5)));
    }
  }
  return selection;
}

TEST(SelectTest, GroupsHaveWhatAnswersEveryFilterAndNothingElse) {
  base::Random random(7);
  TestSource source;
  const std::vector<Measured> all = MeasureSome(random, source);
  std::size_t groups_seen = 0;
  for (int round = 0; round < 200; ++round) {
    SCOPED_TRACE(round);
    const Selection selection = SomeSelection(random);
    const auto value_of = [](const Measured& one, const std::string& label) {
      const auto at = one.labels.find(label);
      return at == one.labels.end() ? std::string() : at->second;
    };
    std::map<std::vector<std::string>, std::uint64_t> wanted;
    for (const Measured& one : all) {
      const bool holds = std::ranges::all_of(selection.where, [&](const Filter& filter) {
        const auto& values = filter.values;
        return std::ranges::find(values, value_of(one, filter.label)) != values.end();
      });
      if (!holds || one.time_s < selection.from_s || one.time_s >= selection.to_s) continue;
      std::vector<std::string> values;
      for (const std::string& label : selection.by) values.push_back(value_of(one, label));
      ++wanted[values];
    }
    std::map<std::uint32_t, Sum> sums;
    std::vector<std::string> notices;
    const auto groups = ReadGroups(
        source, selection, [&](std::uint32_t group, std::uint64_t) -> Sum& { return sums[group]; },
        notices);
    ASSERT_TRUE(groups.ok());
    std::map<std::vector<std::string>, std::uint64_t> found;
    for (const auto& [group, sum] : sums) found[(*groups)[group]] += sum.count();
    EXPECT_EQ(found, wanted);
    EXPECT_EQ(sums.size(), wanted.size());  // a group is one group in all files
    groups_seen += wanted.size();
  }
  EXPECT_GT(groups_seen, 500u);
}

TEST(KeyIndexTest, LabelsOfASeriesAreThoseOfItsKey) {
  KeyIndex index;
  std::string first, second;
  PutKey(Kind::kCount, "m", std::vector<Label>{{"a", "1"}, {"b", "2"}}, first);
  PutKey(Kind::kHistogram, "n", std::vector<Label>{{"b", "2"}, {"c", "1"}}, second);
  ASSERT_TRUE(index.Add(first));
  EXPECT_FALSE(index.Add("no key"));
  ASSERT_TRUE(index.Add(second));
  ASSERT_EQ(index.series().size(), 2u);
  EXPECT_EQ(index.labels().size(), 3u);
  const KeyIndex::Series& series = index.series()[1];
  EXPECT_EQ(series.kind, Kind::kHistogram);
  EXPECT_EQ(index.metrics()[series.metric], "n");
  ASSERT_EQ(index.LabelsOf(series).size(), 2u);
  EXPECT_EQ(index.labels()[index.LabelsOf(series)[0]], (Label{"b", "2"}));
  EXPECT_EQ(index.labels()[index.LabelsOf(series)[1]], (Label{"c", "1"}));
}

}  // namespace
}  // namespace ronda::series
