#include "series/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/core/random.h"
#include "disk/simulated_file_system.h"

namespace ronda::series {
namespace {

using disk::SimulatedFileSystem;
using ::testing::HasSubstr;

constexpr std::uint64_t kDay = 86'400;
constexpr std::uint64_t kBegin = 20'000 * kDay;

std::string KeyOf(std::uint64_t service) {
  std::string key;
  const std::string name = "s" + std::to_string(service);
  const Label labels[] = {{"service", name}};
  PutKey(service % 2 == 0 ? Kind::kCount : Kind::kHistogram, "spans", labels, key);
  return key;
}

// What contribution `number` measures at `now_s`: the same whenever it is asked.
void Measure(std::uint64_t number, std::uint64_t now_s, OpenPoints& open) {
  base::Random random(number);
  for (int i = 0; i < 20; ++i) {
    const std::uint64_t time_s = now_s - now_s % 10 - 10 * random.Below(30);
    open.Add(open.SeriesOf(KeyOf(random.Below(6))), time_s, 1 + random.Below(1'000'000));
  }
}

// Everything by series, whenever it was.
std::map<std::string, Sum> Total(const Source::Files& files) {
  std::map<std::string, Sum> total;
  for (const auto& file : files) {
    FileCursor cursor(*file);
    std::vector<Point> points;
    for (std::size_t i = 0; i < file->series(); ++i) {
      EXPECT_TRUE(cursor.Read(i, points).ok());
      const std::string key(file->KeyAt(i));
      for (const Point& point : points) {
        EXPECT_TRUE(total[key].Add(static_cast<Kind>(key[0]), point.value).ok());
      }
    }
  }
  return total;
}

std::map<std::string, Sum> Total(const OpenPoints& open) {
  std::map<std::string, Sum> total;
  for (const OpenPoints::Row& row : open.rows()) {
    const std::string key(open.KeyAt(row.series));
    total[key].AddOne(static_cast<Kind>(key[0]), row.value);
  }
  return total;
}

void ExpectSame(const std::map<std::string, Sum>& a, const std::map<std::string, Sum>& b,
                std::uint64_t step) {
  ASSERT_EQ(a.size(), b.size()) << step;
  for (const auto& [key, sum] : a) {
    ASSERT_TRUE(b.contains(key)) << step;
    EXPECT_EQ(sum.count(), b.at(key).count()) << step;
    EXPECT_EQ(sum.histogram(), b.at(key).histogram()) << step;
  }
}

base::Status Upkeep(disk::FileSystem& files, Store& store, std::uint64_t now_s) {
  while (const auto plan = store.PlanUpkeep(now_s)) {
    ASSIGN_OR_RETURN(const UpkeepOutcome outcome, RunUpkeep(files, *plan));
    RETURN_IF_ERROR(store.FinishUpkeep(*plan, outcome));
  }
  return store.Drop(now_s);
}

constexpr std::uint64_t kContributions = 12;
constexpr std::uint64_t kApart = 7200;  // seconds between two of them
std::uint64_t TimeOf(std::uint64_t number) { return kBegin + number * kApart; }

// Adds the contributions that the store does not have, as their owner does that has a log of them.
base::Status AddRest(disk::FileSystem& files, Store& store) {
  OpenPoints open;
  for (std::uint64_t number = store.through() + 1; number <= kContributions; ++number) {
    Measure(number, TimeOf(number), open);
    if (number % 2 == 1 && number < kContributions) continue;  // two at a time
    RETURN_IF_ERROR(store.Add(open, number));
    open.Clear();
    RETURN_IF_ERROR(Upkeep(files, store, TimeOf(number)));
  }
  return base::Ok();
}

TEST(SeriesStoreTest, KilledAtEveryStepEachContributionIsCountedOnce) {
  OpenPoints all;
  std::vector<std::map<std::string, Sum>> wanted{{}};  // after so many contributions
  for (std::uint64_t number = 1; number <= kContributions; ++number) {
    Measure(number, TimeOf(number), all);
    wanted.push_back(Total(all));
  }
  std::uint64_t steps = 0;
  {
    SimulatedFileSystem files;
    auto store = Store::Open(files);
    ASSERT_TRUE(store.ok());
    ASSERT_TRUE(AddRest(files, **store).ok());
    ExpectSame(Total((*store)->files()), wanted.back(), 0);
    EXPECT_TRUE(std::ranges::any_of((*store)->manifest().files,
                                    [](const auto& entry) { return entry.step_s == 60; }));
    steps = files.steps();
  }
  ASSERT_GT(steps, 60u);
  for (std::uint64_t step = 0; step < steps; ++step) {
    SimulatedFileSystem files(step);
    files.DieAt(step);
    if (auto store = Store::Open(files); store.ok()) (void)AddRest(files, **store);
    files.Reboot();
    auto store = Store::Open(files);
    ASSERT_TRUE(store.ok()) << step;
    ExpectSame(Total((*store)->files()), wanted[(*store)->through()], step);
    ASSERT_TRUE(AddRest(files, **store).ok()) << step;
    ExpectSame(Total((*store)->files()), wanted.back(), step);
    EXPECT_TRUE((*store)->notices().empty());
  }
}

TEST(SeriesStoreTest, AFullDiskLosesNothing) {
  OpenPoints all;
  for (std::uint64_t number = 1; number <= kContributions; ++number) {
    Measure(number, TimeOf(number), all);
  }
  for (std::uint64_t from = 3; from < 60; ++from) {
    SimulatedFileSystem files(from);
    auto store = Store::Open(files);
    ASSERT_TRUE(store.ok());
    files.FailSteps(from, from + 7);
    for (int tries = 0; tries < 20 && !AddRest(files, **store).ok(); ++tries) {
    }
    ASSERT_EQ((*store)->through(), kContributions);
    ExpectSame(Total((*store)->files()), Total(all), from);
    store = Store::Open(files);
    ASSERT_TRUE(store.ok());
    ExpectSame(Total((*store)->files()), Total(all), from);
  }
}

TEST(SeriesStoreTest, OldPointsBecomeCoarserAndTheOldestGo) {
  SimulatedFileSystem files;
  auto store = Store::Open(files);
  ASSERT_TRUE(store.ok());
  ASSERT_TRUE(AddRest(files, **store).ok());
  const auto total = Total((*store)->files());
  const std::uint64_t end = TimeOf(kContributions);
  const auto steps = [&] {
    std::vector<std::uint64_t> found;
    for (const auto& file : (*store)->files()) found.push_back(file->info().step_s);
    return found;
  };
  EXPECT_THAT(steps(), ::testing::Contains(10u));
  ASSERT_TRUE(Upkeep(files, **store, end + 6 * 3600 + 20).ok());
  EXPECT_THAT(steps(), ::testing::Each(60u));
  ExpectSame(Total((*store)->files()), total, 1);
  ASSERT_TRUE(Upkeep(files, **store, end + 7 * kDay + 120).ok());
  EXPECT_THAT(steps(), ::testing::ElementsAre(3600u));
  ExpectSame(Total((*store)->files()), total, 2);
  ASSERT_TRUE(Upkeep(files, **store, end + 399 * kDay).ok());
  ExpectSame(Total((*store)->files()), total, 3);
  ASSERT_TRUE(Upkeep(files, **store, end + 401 * kDay).ok());
  EXPECT_TRUE((*store)->files().empty());
  const auto names = files.List();
  EXPECT_THAT(*names, ::testing::ElementsAre(std::string(kManifestName)));
}

TEST(SeriesStoreTest, ABackupHasWhatWasThereAndNoMore) {
  SimulatedFileSystem files, copy;
  auto store = Store::Open(files);
  ASSERT_TRUE(store.ok());
  ASSERT_TRUE(AddRest(files, **store).ok());
  const auto total = Total((*store)->files());
  ASSERT_TRUE((*store)->BackUp(copy).ok());
  OpenPoints later;
  Measure(99, TimeOf(99), later);
  ASSERT_TRUE((*store)->Add(later, kContributions + 1).ok());
  auto restored = Store::Open(copy);
  ASSERT_TRUE(restored.ok());
  EXPECT_EQ((*restored)->through(), kContributions);
  ExpectSame(Total((*restored)->files()), total, 0);
}

TEST(SeriesStoreTest, ADamagedFileIsSetAsideAndTheRestStays) {
  SimulatedFileSystem files;
  {
    auto store = Store::Open(files);
    ASSERT_TRUE(store.ok());
    OpenPoints open;
    for (std::uint64_t number = 1; number <= 3; ++number) {
      open.Clear();
      Measure(number, TimeOf(number), open);
      ASSERT_TRUE((*store)->Add(open, number).ok());
    }
  }
  files.Bytes(FileName(2))->back() = 'x';
  auto store = Store::Open(files);
  ASSERT_TRUE(store.ok());
  EXPECT_EQ((*store)->files().size(), 2u);
  EXPECT_GT((*store)->manifest().lost_points, 0u);
  EXPECT_THAT((*store)->notices().at(0), HasSubstr("kept as damaged-series-000000000002"));
}

TEST(SeriesStoreTest, ADamagedListIsMadeAgainAndNothingCountsTwice) {
  SimulatedFileSystem files;
  auto store = Store::Open(files);
  ASSERT_TRUE(store.ok());
  ASSERT_TRUE(AddRest(files, **store).ok());
  const auto total = Total((*store)->files());
  // A join whose sources could not be removed.
  const auto plan = (*store)->PlanUpkeep(TimeOf(kContributions) + 10 * kDay);
  ASSERT_TRUE(plan.has_value());
  ASSERT_TRUE(RunUpkeep(files, *plan).ok());
  files.Bytes(std::string(kManifestName))->at(9) ^= 1;
  store = Store::Open(files);
  ASSERT_TRUE(store.ok());
  EXPECT_EQ((*store)->through(), kContributions);
  EXPECT_EQ((*store)->notices().size(), 1u);
  ExpectSame(Total((*store)->files()), total, 0);
}

// A counter's states in several files, joined and made coarser: it has grown by the same.
TEST(SeriesStoreTest, MetricsKeepTheirMeaningThroughFilesAndUpkeep) {
  SimulatedFileSystem files;
  auto store = Store::Open(files);
  ASSERT_TRUE(store.ok());
  std::string counter, gauge, value;
  PutKey(Kind::kCounter, "requests", {}, counter);
  PutKey(Kind::kGauge, "queue", {}, gauge);
  const std::uint64_t begin = 1'000'000;
  OpenPoints open;
  for (std::uint64_t i = 0; i < 50; ++i) {
    const std::uint64_t time_s = begin + 7 * i, time_ns = time_s * 1'000'000'000;
    value.clear();
    Counted<Amount>::Of(1, time_ns, {.whole = static_cast<std::int64_t>(100 * i)}).Encode(value);
    open.AddValue(open.SeriesOf(counter), time_s - time_s % 10, value);
    value.clear();
    Gauge::Of(time_ns, static_cast<double>(i)).Encode(value);
    open.AddValue(open.SeriesOf(gauge), time_s - time_s % 10, value);
    if (i % 8 != 7) continue;  // in the middle of a step, too
    ASSERT_TRUE((*store)->Add(open, i + 1).ok());
    open.Clear();
  }
  ASSERT_TRUE((*store)->Add(open, 50).ok());
  for (const std::uint64_t now : {begin + 1000, begin + 7 * kDay, begin + 300 * kDay}) {
    ASSERT_TRUE(Upkeep(files, **store, now).ok());
    Sum counted, gauged;
    for (const auto& file : (*store)->files()) {
      FileCursor cursor(*file);
      std::vector<Point> points;
      for (std::size_t i = 0; i < file->series(); ++i) {
        ASSERT_TRUE(cursor.Read(i, points).ok());
        const bool is_counter = file->KeyAt(i) == counter;
        for (const Point& point : points) {
          ASSERT_TRUE((is_counter ? counted : gauged)
                          .Add(is_counter ? Kind::kCounter : Kind::kGauge, point.value)
                          .ok());
        }
      }
    }
    EXPECT_EQ(counted.metric()->counter().growth.whole, 4900);
    EXPECT_EQ(counted.metric()->counter().samples, 50u);
    EXPECT_EQ(gauged.metric()->gauge().last, 49);
    EXPECT_EQ(gauged.metric()->gauge().least, 0);
    EXPECT_EQ(gauged.metric()->gauge().sum, 49 * 25);
  }
  EXPECT_EQ((*store)->files().size(), 1u);
}

}  // namespace
}  // namespace ronda::series
