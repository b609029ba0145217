#include "trace/query/entry_link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "disk/simulated_file_system.h"
#include "trace/query/trace_test_util.h"
#include "trace/segment/store.h"

namespace ronda::trace::query {
namespace {

using otlp::kKindClient;
using otlp::kKindServer;
using ::testing::HasSubstr;

constexpr std::uint64_t kMs = TraceBuilder::kMs;

const LinkNode* NodeOf(const EntryLink& link, std::string_view name) {
  for (const LinkNode& node : link.nodes) {
    if (node.name == name) return &node;
  }
  return nullptr;
}

// Four requests: all query; three of them call the stock, one twice; the stock fails once.
TEST(EntryLinkTest, TheUnionOfRequestsHasEveryBranchWithItsShare) {
  LinkBuilder builder("shop", "POST /orders");
  for (std::uint64_t i = 1; i <= 4; ++i) {
    TraceBuilder t;
    t.Service("gate").Trace(i).Span(1, 0, 0, 200, kKindClient).Name("POST");
    t.Service("shop").Span(2, 1, 10, 190, kKindServer).Name("POST /orders");
    t.Span(3, 2, 20, 20 + 10 * i, kKindClient).Name("SELECT items");
    if (i > 1) {
      t.Span(4, 2, 100, 140, kKindClient).Name("POST");
      t.Service("stock").Span(5, 4, 110, 130, kKindServer).Name("POST /reserve");
      if (i == 2) t.Error();
    }
    if (i == 4) {
      t.Service("shop").Span(6, 2, 150, 180, kKindClient).Name("POST");
      t.Service("stock").Span(7, 6, 155, 175, kKindServer).Name("POST /reserve");
    }
    builder.Add(t.batch);
  }
  const EntryLink link = builder.Finish();
  EXPECT_EQ(link.requests, 4u);
  EXPECT_EQ(link.traces, 4u);
  ASSERT_EQ(link.nodes.size(), 3u);  // whoever called the entry is not part of it
  EXPECT_EQ(link.nodes[0].name, "POST /orders");
  EXPECT_EQ(link.nodes[0].requests, 4u);
  EXPECT_EQ(link.nodes[0].durations.MaxNs(), 180 * kMs);
  EXPECT_EQ(link.nodes[1].name, "SELECT items");  // in more requests: first
  EXPECT_EQ(link.nodes[1].durations.MaxNs(), 40 * kMs);
  const LinkNode& stock = link.nodes[2];
  EXPECT_EQ(stock.service, "stock");
  EXPECT_EQ(stock.name, "POST /reserve");
  EXPECT_EQ(stock.parent, 0u);
  EXPECT_EQ(stock.depth, 1u);
  EXPECT_EQ(stock.requests, 3u);
  EXPECT_EQ(stock.calls, 4u);
  EXPECT_EQ(stock.errors, 1u);
  EXPECT_EQ(stock.durations.MaxNs(), 40 * kMs);  // the caller's: the network is in it
  EXPECT_EQ(stock.self_ns, 80 * kMs);
}

TEST(EntryLinkTest, ACallerAsEntryHasItsCalleeBelow) {
  TraceBuilder t;
  t.Service("gate").Span(1, 0, 0, 200, kKindClient).Name("call");
  t.Service("shop").Span(2, 1, 10, 190, kKindServer).Name("answer").Span(3, 2, 20, 30).Name("work");
  LinkBuilder builder("gate", "call");
  builder.Add(t.batch);
  const EntryLink link = builder.Finish();
  ASSERT_EQ(link.nodes.size(), 3u);
  EXPECT_EQ(link.nodes[0].name, "call");
  EXPECT_EQ(link.nodes[1].name, "answer");
  EXPECT_EQ(link.nodes[2].name, "work");
}

TEST(EntryLinkTest, AnEntryThatCallsItselfIsOneRequest) {
  TraceBuilder t;
  t.Service("shop").Span(1, 0, 0, 100, kKindServer).Name("walk");
  t.Span(2, 1, 10, 90).Name("walk").Span(3, 2, 20, 80).Name("walk");
  t.Span(4, 0, 200, 210, kKindServer).Name("walk");
  LinkBuilder builder("shop", "walk");
  builder.Add(t.batch);
  const EntryLink link = builder.Finish();
  EXPECT_EQ(link.requests, 2u);
  EXPECT_EQ(link.traces, 1u);
  ASSERT_EQ(link.nodes.size(), 3u);
  EXPECT_EQ(link.nodes[2].depth, 2u);
  EXPECT_EQ(link.nodes[2].parent, 1u);
}

TEST(EntryLinkTest, BranchesWithoutEndAreJoined) {
  LinkBuilder builder("shop", "op1");
  TraceBuilder t;
  t.Service("shop").Span(1, 0, 0, 1000, kKindServer);
  for (std::uint64_t i = 2; i < 2 + 3 * kMostBranches; ++i) t.Span(i, 1, i, i + 1);
  builder.Add(t.batch);
  const EntryLink link = builder.Finish();
  EXPECT_EQ(link.nodes.size(), kMostBranches + 2);
  EXPECT_EQ(link.joined, 2 * kMostBranches);
  ASSERT_NE(NodeOf(link, "(other)"), nullptr);
  EXPECT_EQ(NodeOf(link, "(other)")->calls, 2 * kMostBranches);
  EXPECT_EQ(NodeOf(link, "(other)")->requests, 1u);
}

// The sum over the nodes is what the traces have, wherever a random tree branches.
TEST(EntryLinkTest, EveryCallBelowTheEntryIsCountedOnce) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    LinkBuilder builder("shop", "root");
    std::uint64_t spans = 0, state = seed;
    const auto below = [&](std::uint64_t n) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      return (state >> 33) % n;
    };
    for (std::uint64_t trace = 1; trace <= 5; ++trace) {
      TraceBuilder t;
      t.Service("shop").Trace(trace).Span(1, 0, 0, 1000).Name("root");
      const std::uint64_t count = 1 + below(40);
      for (std::uint64_t i = 2; i <= count; ++i) {
        t.Span(i, 1 + below(i - 1), i, i + 5).Name("n" + std::to_string(below(6)));
      }
      spans += count;
      builder.Add(t.batch);
    }
    const EntryLink link = builder.Finish();
    std::uint64_t calls = 0;
    for (std::uint32_t i = 0; i < link.nodes.size(); ++i) {
      const LinkNode& node = link.nodes[i];
      calls += node.calls;
      EXPECT_EQ(node.durations.count(), node.calls);
      EXPECT_LE(node.requests, std::min(node.calls, link.requests));
      if (i > 0) {
        ASSERT_LT(node.parent, i);
        EXPECT_EQ(node.depth, link.nodes[node.parent].depth + 1);
        EXPECT_LE(node.requests, link.nodes[node.parent].requests);
      }
    }
    EXPECT_EQ(calls, spans) << seed;
  }
}

TEST(EntryLinkTest, AStoreIsAskedForTheNewestTracesOfTheEntry) {
  disk::SimulatedFileSystem files;
  auto store = segment::Store::Open(files, {}, [](const auto&, auto&) { return base::Ok(); });
  ASSERT_TRUE(store.ok());
  for (std::uint64_t i = 1; i <= 5; ++i) {
    TraceBuilder t;
    t.Service("shop").Trace(i).Span(1, 0, i * 10, i * 10 + i, kKindServer).Name("GET /");
    ASSERT_TRUE((*store)->Append({.received_ns = 1, .body = "x"}, t.batch).ok());
    if (i == 3) {
      ASSERT_TRUE((*store)->Seal().ok());
    }
  }
  segment::StoreSource source(**store);
  base::FakeClock clock;
  const auto link = LinkOf(source, clock, {.service = "shop", .operation = "GET /", .traces = 3});
  ASSERT_TRUE(link.ok()) << link.status().ToString();
  EXPECT_EQ(link->requests, 3u);
  EXPECT_EQ(link->nodes[0].durations.MinNs(), 3 * kMs);
  EXPECT_EQ(link->first_ns, TraceBuilder::kEpochNs + 30 * kMs);
  EXPECT_EQ(link->last_ns, TraceBuilder::kEpochNs + 50 * kMs);
  const auto none = LinkOf(source, clock, {.service = "shop", .operation = "GET /x"});
  EXPECT_EQ(none.status().code(), base::Code::kNotFound);
  EXPECT_THAT(none.status().message(), HasSubstr("\"GET /x\""));
  EXPECT_EQ(
      LinkOf(source, clock, {.service = "shop", .operation = "GET /", .traces = 0}).status().code(),
      base::Code::kInvalidArgument);
}

}  // namespace
}  // namespace ronda::trace::query
