#include "engine/program/feed_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace ronda::engine {
namespace {

using ::testing::HasSubstr;
using Kind = FeedTable::Taken::Kind;

model::Feed Feed(const std::string& file) {
  model::Feed feed;
  feed.file = file;
  feed.format = file.ends_with(".csv")    ? model::Feed::Format::kCsv
                : file.ends_with(".json") ? model::Feed::Format::kJson
                                          : model::Feed::Format::kNdjson;
  return feed;
}

base::Result<std::unique_ptr<FeedTable>> Parse(const model::Feed& feed, std::string_view text,
                                               Share process = {}) {
  return FeedTable::Parse("buyer", feed, text, feed.file, process);
}

// What is wrong with a text; empty when nothing is.
std::string Wrong(const std::string& file, std::string_view text) {
  const auto table = Parse(Feed(file), text);
  return table.ok() ? std::string() : table.status().message();
}

std::string Text(const FeedTable& table, std::uint32_t row, std::string_view column) {
  std::string text;
  model::AppendJson(table.At(row, *table.Column(column)), text);
  return text;
}

TEST(FeedTable, ReadsCsvAsRfc4180Says) {
  const auto table = Parse(
      Feed("b.csv"),
      "\xef\xbb\xbfuser,pass\r\nanna,secret\r\n\"b,ob\",\"say \"\"hi\"\"\n there\"\r\n\r\nzoe,\n");
  ASSERT_TRUE(table.ok()) << table.status().message();
  EXPECT_EQ((*table)->columns(), (std::vector<std::string>{"user", "pass"}));
  ASSERT_EQ((*table)->rows(), 3u);
  EXPECT_EQ(Text(**table, 0, "user"), "\"anna\"");
  EXPECT_EQ(Text(**table, 1, "user"), "\"b,ob\"");
  EXPECT_EQ(Text(**table, 1, "pass"), R"("say \"hi\"\n there")");
  EXPECT_EQ(Text(**table, 2, "pass"), "\"\"");
  EXPECT_FALSE((*table)->Column("nobody"));
}

TEST(FeedTable, ReadsCsvWithOtherDelimitersAndWithoutAHeader) {
  model::Feed feed = Feed("b.csv");
  feed.delimiter = '\t';
  feed.columns = {"user", "n"};
  const auto table = Parse(feed, "anna\t1\nbob\t2");
  ASSERT_TRUE(table.ok());
  EXPECT_EQ((*table)->rows(), 2u);
  EXPECT_EQ(Text(**table, 1, "n"), "\"2\"") << "CSV has texts only";
}

TEST(FeedTable, ABadRowIsToldWithItsFileAndLine) {
  EXPECT_THAT(Wrong("b.csv", "user,pass\nanna,x\n\"two\nlines\",y\nbob\n"),
              HasSubstr("b.csv:5: 1 fields where the header has 2"));
  EXPECT_THAT(Wrong("b.csv", "user,pass\nanna,\"x\n"),
              HasSubstr("b.csv:2: a quoted field is never closed"));
  EXPECT_THAT(Wrong("b.csv", "user,pass\nanna,\"x\"y\n"),
              HasSubstr("b.csv:2: text behind a quoted field"));
  EXPECT_THAT(Wrong("b.csv", "user,user\na,b\n"),
              HasSubstr("b.csv:1: two columns are called \"user\""));
  EXPECT_THAT(Wrong("b.csv", "user,\na,b\n"),
              HasSubstr("b.csv:1: column 2 of the header has no name"));
  EXPECT_THAT(Wrong("b.csv", "user,pass\n"), HasSubstr("has no rows"));
  EXPECT_THAT(Wrong("b.csv", ""), HasSubstr("b.csv:1"));
  EXPECT_THAT(Wrong("b.json", "[\n {\"a\": 1},\n {\"a\": 2,\n  \"s\": \"x,]\\\"\"}]"),
              HasSubstr("b.json:3: feed buyer: this row has \"s\""));
  EXPECT_THAT(Wrong("b.json", "[{\"a\": 1},"), HasSubstr("b.json"));
  EXPECT_THAT(Wrong("b.ndjson", "{\"a\": 1}\n\n{\"a\": 2}\n{\"a\": }\n"),
              HasSubstr("b.ndjson:4: feed buyer: this is no JSON"));
  EXPECT_THAT(Wrong("b.ndjson", "{\"a\": 1}\n{\"b\": 2}\n"),
              HasSubstr("b.ndjson:2: feed buyer: this row has \"b\""));
  EXPECT_THAT(Wrong("b.ndjson", "{\"a\": 1}\n{\"a\": \n"), HasSubstr("b.ndjson:2"));
}

TEST(FeedTable, AFileThatIsNotThereIsToldWithItsPath) {
  const auto table = FeedTable::Load("buyer", Feed("nowhere.csv"), "/tmp/no-such-folder", {});
  ASSERT_FALSE(table.ok());
  EXPECT_THAT(table.status().message(), HasSubstr("/tmp/no-such-folder/nowhere.csv"));
}

TEST(FeedTable, ReadsJsonRowsWithTypedValuesAndNullForWhatIsMissing) {
  const auto table =
      Parse(Feed("b.json"), R"([{"a": 1, "b": [1, {"c": null}], "d": 1.5}, {"a": "x"}])");
  ASSERT_TRUE(table.ok()) << table.status().message();
  EXPECT_EQ(Text(**table, 0, "b"), R"([1,{"c":null}])");
  EXPECT_EQ(Text(**table, 0, "d"), "1.5");
  EXPECT_EQ(Text(**table, 1, "a"), "\"x\"");
  EXPECT_EQ(Text(**table, 1, "b"), "null");
  const auto single = Parse(Feed("b.json"), R"(["x", "y"])");
  ASSERT_TRUE(single.ok());
  EXPECT_EQ(Text(**single, 1, "value"), "\"y\"");
  const auto lines = Parse(Feed("b.ndjson"), "{\"a\": 1}\n{\"a\": 2}\n");
  ASSERT_TRUE(lines.ok());
  EXPECT_EQ((*lines)->rows(), 2u);
}

std::vector<int> TakeAll(FeedTable& table, int times) {
  base::Random random(1);
  std::vector<int> rows;
  for (int i = 0; i < times; ++i) {
    const auto taken = table.Take(random);
    rows.push_back(taken.kind == Kind::kRow   ? static_cast<int>(taken.row)
                   : taken.kind == Kind::kEnd ? -1
                                              : -2);
  }
  return rows;
}

TEST(FeedTable, SequentialGoesRoundOrEnds) {
  model::Feed feed = Feed("b.csv");
  EXPECT_EQ(TakeAll(**Parse(feed, "a\n1\n2\n3\n"), 5), (std::vector<int>{0, 1, 2, 0, 1}));
  feed.on_end = model::Feed::OnEnd::kStop;
  EXPECT_EQ(TakeAll(**Parse(feed, "a\n1\n2\n"), 4), (std::vector<int>{0, 1, -1, -1}));
}

TEST(FeedTable, RandomTakesEveryRowAboutEquallyOften) {
  model::Feed feed = Feed("b.csv");
  feed.pick = model::Feed::Pick::kRandom;
  std::vector<int> counts(4);
  for (const int row : TakeAll(**Parse(feed, "a\n1\n2\n3\n4\n"), 4000))
    ++counts[static_cast<std::size_t>(row)];
  for (const int count : counts) EXPECT_NEAR(count, 1000, 150);
}

TEST(FeedTable, UniqueGivesNoRowToTwoUsersAtOnce) {
  model::Feed feed = Feed("b.csv");
  feed.pick = model::Feed::Pick::kUnique;
  const auto table = *Parse(feed, "a\n1\n2\n");
  EXPECT_EQ(TakeAll(*table, 3), (std::vector<int>{0, 1, -2})) << "both are held";
  table->Return(1);
  EXPECT_EQ(TakeAll(*table, 2), (std::vector<int>{1, -2}));
  feed.on_end = model::Feed::OnEnd::kStop;
  const auto once = *Parse(feed, "a\n1\n2\n");
  EXPECT_EQ(TakeAll(*once, 2), (std::vector<int>{0, 1}));
  once->Return(0);
  EXPECT_EQ(TakeAll(*once, 1), (std::vector<int>{-1})) << "each is used once and no more";
}

TEST(FeedTable, UniqueHoldsAcrossThreads) {
  model::Feed feed = Feed("b.csv");
  feed.pick = model::Feed::Pick::kUnique;
  std::string text = "a\n";
  for (int i = 0; i < 5; ++i) text += std::to_string(i) + "\n";
  auto loaded = Parse(feed, text);
  FeedTable& table = **loaded;
  std::vector<std::atomic<int>> held(5);
  std::atomic<bool> twice = false;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      base::Random random(static_cast<std::uint64_t>(t) + 1);
      for (int i = 0; i < 20'000; ++i) {
        const auto taken = table.Take(random);
        if (taken.kind != Kind::kRow) continue;
        if (held[taken.row].fetch_add(1) != 0) twice = true;
        held[taken.row].fetch_sub(1);
        table.Return(taken.row);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(twice);
}

TEST(FeedTable, AColumnThatIsCalledLikeASecretIsOne) {
  model::Feed feed = Feed("b.csv");
  feed.secret = {"address"};
  const auto table = *Parse(feed, "user,address,Password,api_key,passenger\n1,2,3,4,5\n");
  for (const char* column : {"address", "Password", "api_key"})
    EXPECT_TRUE(table->IsSecret(column)) << column;
  for (const char* column : {"user", "passenger"}) EXPECT_FALSE(table->IsSecret(column)) << column;
}

TEST(FeedTable, ShardsTakeEveryRowExactlyOnce) {
  model::Feed feed = Feed("b.csv");
  feed.shard = true;
  std::multiset<std::string> seen;
  for (std::uint32_t process = 0; process < 3; ++process) {
    const auto table = *Parse(feed, "a\n1\n2\n3\n4\n5\n6\n7\n", {process, 3});
    for (std::uint32_t row = 0; row < table->rows(); ++row) seen.insert(Text(*table, row, "a"));
  }
  EXPECT_EQ(seen.size(), 7u);
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 7u);
  const auto few = Parse(feed, "a\n1\n", {1, 2});
  ASSERT_FALSE(few.ok());
  EXPECT_THAT(few.status().message(), HasSubstr("too few for 2 processes"));
}

}  // namespace
}  // namespace ronda::engine
