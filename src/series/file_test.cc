#include "series/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/core/random.h"
#include "base/core/varint.h"
#include "disk/simulated_file_system.h"
#include "series/open_points.h"

namespace ronda::series {
namespace {

using Points = std::map<std::uint64_t, std::string>;  // time → value
using Series = std::map<std::string, Points>;

std::string KeyOf(const std::string& service, Kind kind = Kind::kCount) {
  std::string key;
  const Label labels[] = {{"empty", ""}, {"kind", "server"}, {"service", service}};
  PutKey(kind, "spans", labels, key);
  return key;
}

std::string BytesOf(const Series& all, std::uint64_t step_s = 10) {
  FileWriter writer(step_s);
  for (const auto& [key, values] : all) {
    std::vector<Point> points;
    for (const auto& [time_s, value] : values) points.push_back({time_s, value});
    writer.Add(key, points);
  }
  return writer.Finish(7, {3, 5});
}

base::Result<std::unique_ptr<File>> OpenBytes(const std::string& bytes) {
  disk::SimulatedFileSystem files;
  EXPECT_TRUE(WriteWhole(files, "x", bytes).ok());
  return File::Open(*files.Open("x"));
}

// DataLoss when a part of it is damaged.
base::Result<Series> ReadAll(const File& file) {
  Series all;
  FileCursor cursor(file);
  std::vector<Point> points;
  for (std::size_t i = 0; i < file.series(); ++i) {
    RETURN_IF_ERROR(cursor.Read(i, points));
    for (const Point& point : points) {
      all[std::string(file.KeyAt(i))][point.time_s] = point.value;
    }
  }
  return all;
}

Series SomeSeries(std::uint64_t seed, std::size_t series) {
  base::Random random(seed);
  Series all;
  for (std::size_t i = 0; i < series; ++i) {
    Points& points = all[KeyOf("s" + std::to_string(random.Below(1'000'000)))];
    const std::uint64_t count = 1 + random.Below(200);
    for (std::uint64_t p = 0; p < count; ++p) {
      std::string value(random.Below(40), '\0');
      for (char& c : value) c = static_cast<char>(random());
      points[10 * random.Below(1'000'000)] = value;
    }
  }
  return all;
}

TEST(SeriesFileTest, PointsComeBackAsTheyWereInAnyOrderOfReading) {
  const Series all = SomeSeries(1, 300);
  const auto file = OpenBytes(BytesOf(all));
  ASSERT_TRUE(file.ok()) << file.status().ToString();
  EXPECT_EQ(*ReadAll(**file), all);
  EXPECT_EQ((*file)->info().through, 7u);
  EXPECT_THAT((*file)->info().replaces, ::testing::ElementsAre(3u, 5u));
  FileCursor cursor(**file);
  std::vector<Point> points;
  base::Random random(2);
  for (int i = 0; i < 200; ++i) {
    const std::size_t at = random.Below((*file)->series());
    ASSERT_TRUE(cursor.Read(at, points).ok());
    EXPECT_EQ(points.size(), all.at(std::string((*file)->KeyAt(at))).size());
  }
}

TEST(SeriesFileTest, AnEmptyFileIsOne) {
  const auto file = OpenBytes(BytesOf({}));
  ASSERT_TRUE(file.ok());
  EXPECT_EQ((*file)->series(), 0u);
}

TEST(SeriesFileTest, ADamagedByteIsNoticedAndNothingElseIsRead) {
  const Series all = SomeSeries(3, 20);
  const std::string good = BytesOf(all);
  for (std::size_t at = kFileMagic.size(); at < good.size(); at += 1 + at % 13) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x20);
    const auto file = OpenBytes(bad);
    if (!file.ok()) {
      EXPECT_EQ(file.status().code(), base::Code::kDataLoss) << at;
      continue;
    }
    EXPECT_EQ(ReadAll(**file).status().code(), base::Code::kDataLoss) << at;
  }
  for (const std::size_t size : {std::size_t{0}, std::size_t{20}, good.size() - 1}) {
    EXPECT_EQ(OpenBytes(good.substr(0, size)).status().code(), base::Code::kDataLoss);
  }
}

TEST(SeriesKeyTest, ComesBackWithoutItsEmptyLabels) {
  const std::string bytes = KeyOf("shop", Kind::kHistogram);
  Key key;
  ASSERT_TRUE(ReadKey(bytes, key));
  EXPECT_EQ(key.kind, Kind::kHistogram);
  EXPECT_EQ(key.metric, "spans");
  EXPECT_THAT(key.labels,
              ::testing::ElementsAre(Label{"kind", "server"}, Label{"service", "shop"}));
  EXPECT_EQ(key.At("service"), "shop");
  EXPECT_EQ(key.At("empty"), "");
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    const bool whole = ReadKey(std::string_view(bytes).substr(0, n), key);
    EXPECT_TRUE(!whole || key.labels.size() < 2) << n;
  }
}

TEST(OpenPointsTest, TheirFileHasWhatWasMeasured) {
  OpenPoints open;
  base::Random random(5);
  std::map<std::string, std::map<std::uint64_t, Sum>> wanted;
  for (int i = 0; i < 5000; ++i) {
    const Kind kind = random.Below(4) == 0 ? Kind::kCount : Kind::kHistogram;
    const std::string key = KeyOf("s" + std::to_string(random.Below(9)), kind);
    const std::uint64_t time_s = 10 * random.Below(20), value = random() >> (8 + random.Below(50));
    open.Add(open.SeriesOf(key), time_s, value);
    wanted[key][time_s].AddOne(kind, value);
  }
  FileWriter writer(10);
  open.WriteTo(writer);
  const auto file = OpenBytes(writer.Finish(1));
  ASSERT_TRUE(file.ok());
  const auto all = ReadAll(**file);
  ASSERT_TRUE(all.ok());
  ASSERT_EQ(all->size(), wanted.size());
  for (const auto& [key, points] : wanted) {
    ASSERT_EQ(all->at(key).size(), points.size());
    for (const auto& [time_s, sum] : points) {
      std::string value;
      sum.Encode(static_cast<Kind>(key[0]), value);
      EXPECT_EQ(all->at(key).at(time_s), value);
    }
  }
}

}  // namespace
}  // namespace ronda::series
