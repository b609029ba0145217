#include "trace/query/trace_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/core/random.h"
#include "trace/query/trace_test_util.h"
#include "wire/otlp/otlp_test_util.h"

namespace ronda::trace::query {
namespace {

using otlp::kKindClient;
using otlp::kKindConsumer;
using otlp::kKindProducer;
using otlp::kKindServer;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::int64_t kMs = 1'000'000;

// "1.2 op7" for each span as drawn.
std::vector<std::string> Drawn(const otlp::SpanBatch& batch, const TraceView& view) {
  std::vector<std::string> lines;
  for (const std::uint32_t i : view.order) {
    lines.push_back(PathOf(view, i) + " " + std::string(batch.spans[i].name));
  }
  return lines;
}

TEST(TraceViewTest, LevelPathsCountChildrenByStart) {
  TraceBuilder t;
  t.Service("a").Span(3, 1, 50, 60).Span(1, 0, 0, 100).Span(2, 1, 10, 40).Span(4, 2, 11, 12);
  const TraceView view = MakeView(t.batch);
  EXPECT_THAT(Drawn(t.batch, view), ElementsAre("1 op1", "1.1 op2", "1.1.1 op4", "1.2 op3"));
}

TEST(TraceViewTest, TheTwoHalvesOfACallAreOneNodeWithItsNetworkGap) {
  TraceBuilder t;
  t.Service("shop").Span(1, 0, 0, 100, kKindServer).Span(2, 1, 10, 60, kKindClient);
  t.Service("stock").Span(3, 2, 15, 52, kKindServer).Span(4, 3, 20, 30);
  const TraceView view = MakeView(t.batch);
  EXPECT_THAT(Drawn(t.batch, view), ElementsAre("1 op1", "1.1 op2", "1.1 op3", "1.1.1 op4"));
  EXPECT_EQ(view.spans[1].half, Half::kCaller);
  EXPECT_EQ(view.spans[1].other_half, 2u);
  EXPECT_EQ(view.spans[2].half, Half::kCallee);
  EXPECT_EQ(view.spans[1].request_gap_ns, 5 * kMs);
  EXPECT_EQ(view.spans[1].response_gap_ns, 8 * kMs);
  EXPECT_THAT(view.skews, IsEmpty());
}

TEST(TraceViewTest, TwoAnswersToOneCallStayApart) {
  TraceBuilder t;
  t.Service("shop").Span(1, 0, 0, 100, kKindClient);
  t.Service("stock").Span(2, 1, 10, 20, kKindServer).Span(3, 1, 30, 40, kKindServer);
  const TraceView view = MakeView(t.batch);
  EXPECT_EQ(view.spans[0].half, Half::kWhole);
  EXPECT_THAT(Drawn(t.batch, view), ElementsAre("1 op1", "1.1 op2", "1.2 op3"));
}

TEST(TraceViewTest, SidesThatShareAnIdAreCallerAndCallee) {
  TraceBuilder t;  // Zipkin's way
  t.Service("stock").Span(2, 1, 15, 52, kKindServer).Span(3, 2, 20, 30);
  t.Service("shop").Span(1, 0, 0, 100).Span(2, 1, 10, 60, kKindClient);
  const TraceView view = MakeView(t.batch);
  EXPECT_THAT(Drawn(t.batch, view), ElementsAre("1 op1", "1.1 op2", "1.1 op2", "1.1.1 op3"));
  EXPECT_EQ(view.spans[0].half, Half::kCallee);
  EXPECT_EQ(view.spans[1].parent, 0u) << "of its own process";
}

TEST(TraceViewTest, AClockThatIsOffIsMovedToTheMiddleOfWhatIsPossible) {
  TraceBuilder t;
  t.Service("shop").Span(1, 0, 0, 100, kKindClient);
  t.Service("stock").Span(2, 1, 500, 540, kKindServer).Span(3, 2, 510, 520, kKindClient);
  t.Service("db").Span(4, 3, 512, 518, kKindServer);  // agrees with stock's clock
  const TraceView view = MakeView(t.batch);
  ASSERT_THAT(view.skews, SizeIs(2));
  EXPECT_EQ(view.processes[view.skews[0].process].service, "stock");
  EXPECT_EQ(view.skews[0].shift_ns, -470 * kMs);
  EXPECT_EQ(view.skews[0].spans, 2u);
  EXPECT_EQ(view.skews[1].shift_ns, -470 * kMs) << "db moves along";
  EXPECT_EQ(view.spans[0].request_gap_ns, 30 * kMs);
  EXPECT_EQ(view.spans[0].response_gap_ns, 30 * kMs);
  EXPECT_EQ(view.spans[3].shift_ns, -470 * kMs);
  EXPECT_EQ(view.end_ns - view.start_ns, 100 * kMs);
}

TEST(TraceViewTest, AllCallsBetweenTwoProcessesNarrowTheShift) {
  TraceBuilder t;
  t.Service("shop")
      .Span(1, 0, 0, 100)
      .Span(2, 1, 0, 20, kKindClient)
      .Span(3, 1, 40, 52, kKindClient);
  // 100 ms ahead: the first call allows -100 -- -110, the second -100 -- -102.
  t.Service("stock").Span(4, 2, 100, 130 - 20, kKindServer).Span(5, 3, 140, 150, kKindServer);
  const TraceView view = MakeView(t.batch);
  ASSERT_THAT(view.skews, SizeIs(1));
  EXPECT_EQ(view.skews[0].shift_ns, -99 * kMs);
}

TEST(TraceViewTest, ACalleeThatOutlivedItsCallerIsNoSkew) {
  TraceBuilder t;
  t.Service("shop").Span(1, 0, 0, 10, kKindClient).Error();
  t.Service("stock").Span(2, 1, 1, 60, kKindServer);
  const TraceView view = MakeView(t.batch);
  EXPECT_THAT(view.skews, IsEmpty());
  EXPECT_EQ(view.spans[0].response_gap_ns, -50 * kMs);
  EXPECT_EQ(view.end_ns - view.start_ns, 60 * kMs);
  EXPECT_EQ(view.errors, 1u);
}

TEST(TraceViewTest, TheCriticalPathIsWhatTheRootWaitedFor) {
  TraceBuilder t;
  t.Service("a").Span(1, 0, 0, 100);
  t.Span(2, 1, 10, 50).Span(3, 1, 20, 90).Span(4, 3, 30, 80).Span(5, 1, 0, 15);
  const TraceView view = MakeView(t.batch);
  std::vector<std::tuple<std::uint32_t, int, int>> path;
  for (const CriticalPiece& piece : view.critical_path) {
    path.emplace_back(piece.span, (piece.from_ns - view.start_ns) / kMs,
                      (piece.to_ns - view.start_ns) / kMs);
  }
  using Piece = std::tuple<std::uint32_t, int, int>;
  EXPECT_THAT(path, ElementsAre(Piece(4, 0, 15), Piece(0, 15, 20), Piece(2, 20, 30),
                                Piece(3, 30, 80), Piece(2, 80, 90), Piece(0, 90, 100)));
  EXPECT_EQ(view.spans[1].critical_ns, 0) << "beside it";
  EXPECT_EQ(view.spans[0].self_ns, 10 * kMs);
  EXPECT_EQ(view.spans[2].self_ns, 20 * kMs);
}

TEST(TraceViewTest, NobodyWaitsForAConsumer) {
  TraceBuilder t;
  t.Service("a").Span(1, 0, 0, 10, kKindProducer);
  t.Service("b").Span(2, 1, 5, 50, kKindConsumer);
  const TraceView view = MakeView(t.batch);
  EXPECT_THAT(view.critical_path, SizeIs(1));
  EXPECT_EQ(view.spans[0].critical_ns, 10 * kMs);
  EXPECT_THAT(view.skews, IsEmpty());
}

TEST(TraceViewTest, MissingParentsAndSeveralRootsAreRootsInTheOrderOfStart) {
  TraceBuilder t;
  t.Service("a").Span(2, 77, 0, 10).Span(3, 0, 5, 10).Span(4, 0, 4, 9).Span(5, 2, 1, 2);
  const TraceView view = MakeView(t.batch);
  EXPECT_THAT(Drawn(t.batch, view), ElementsAre("1 op2", "1.1 op5", "2 op4", "3 op3"));
  EXPECT_EQ(view.missing_parents, 1u);
  EXPECT_EQ(view.spans[0].link, Link::kMissing);
  EXPECT_EQ(view.main_root, 2u) << "the first that names no parent";
}

TEST(TraceViewTest, DuplicatesAreLeftOutAndCounted) {
  TraceBuilder t;
  t.Service("a").Span(1, 0, 0, 10).Error().Span(2, 1, 1, 2).Span(1, 0, 0, 10).Error();
  const TraceView view = MakeView(t.batch);
  EXPECT_THAT(Drawn(t.batch, view), ElementsAre("1 op1", "1.1 op2"));
  EXPECT_EQ(view.duplicates, 1u);
  EXPECT_EQ(view.errors, 1u);
}

TEST(TraceViewTest, CyclesAreCutAtTheirFirstSpan) {
  TraceBuilder t;
  t.Service("a")
      .Span(1, 3, 5, 10)
      .Span(2, 1, 6, 9)
      .Span(3, 2, 4, 8)
      .Span(4, 4, 0, 1)
      .Span(5, 2, 7, 8);
  const TraceView view = MakeView(t.batch);
  EXPECT_EQ(view.cycles, 2u);
  EXPECT_THAT(Drawn(t.batch, view),
              ElementsAre("1 op4", "2 op3", "2.1 op1", "2.1.1 op2", "2.1.1.1 op5"));
}

TEST(TraceViewTest, ZeroIdsAreNobodysParentAndTimesMayBeAnything) {
  TraceBuilder t;
  t.Service("a").Span(0, 0, 0, 10).Span(0, 0, 3, 4).Span(1, 0, 7, 2).Span(2, 1, 0, 1);
  t.batch.spans[3].start_ns = ~std::uint64_t{0};
  t.batch.spans[3].end_ns = 0;
  const TraceView view = MakeView(t.batch);
  EXPECT_THAT(view.order, SizeIs(4));
  EXPECT_THAT(view.roots, SizeIs(3));
  EXPECT_EQ(view.spans[2].self_ns, 0) << "ended before it began";
}

TEST(TraceViewTest, NoSpansAreAnEmptyView) {
  const TraceView view = MakeView(otlp::SpanBatch());
  EXPECT_EQ(view.main_root, kNone);
  EXPECT_THAT(view.order, IsEmpty());
}

TEST(TraceViewTest, AHundredThousandSpansInOneChainAndUnderOneParentNeedNoRecursion) {
  constexpr std::uint64_t kMany = 100'000;
  TraceBuilder chain, fan;
  chain.Service("a");
  fan.Service("a");
  for (std::uint64_t i = 1; i <= kMany; ++i) {
    chain.Span(i, i - 1, i, 2 * kMany + 1 - i, i % 2 == 0 ? kKindServer : kKindClient);
    fan.Span(i, i == 1 ? 0 : 1, i, i == 1 ? 2 * kMany : i + 1);
  }
  const TraceView deep = MakeView(chain.batch);
  EXPECT_EQ(deep.order.size(), kMany);
  EXPECT_EQ(deep.spans[kMany - 1].depth, kMany / 2 - 1) << "two halves a level";
  const std::string path = PathOf(deep, kMany - 1);
  EXPECT_EQ(path.size(), 2 * kPathLevels + 1);
  EXPECT_TRUE(path.starts_with("~.1"));
  const TraceView wide = MakeView(fan.batch);
  EXPECT_EQ(PathOf(wide, kMany - 1), "1.99999");
  EXPECT_EQ(wide.spans[0].self_ns, static_cast<std::int64_t>(kMany) * kMs);
}

// Laws of any trace, whatever its ids and times: each span is drawn once or a duplicate, after its
// parent; the critical path is the main root's time, without gap or overlap, each piece within its
// span; self times lie within their spans.
TEST(TraceViewTest, TheLawsHoldForRandomTraces) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(seed);
    base::Random random(seed);
    TraceBuilder t;
    const std::uint64_t spans = 1 + random.Below(60);
    const std::uint64_t ids = 1 + random.Below(2 * spans);
    for (std::uint64_t i = 0; i < spans; ++i) {
      t.Service(std::string(1, static_cast<char>('a' + random.Below(4))));
      const std::uint64_t from = random.Below(100);
      t.Span(1 + random.Below(ids), random.Below(ids + 1), from, from + random.Below(50),
             static_cast<otlp::SpanKind>(random.Below(6)));
      if (random.Below(40) == 0) t.batch.spans.back().end_ns = random();
    }
    const TraceView view = MakeView(t.batch);
    std::set<std::uint32_t> seen;
    for (const std::uint32_t i : view.order) {
      EXPECT_TRUE(seen.insert(i).second);
      const SpanView& span = view.spans[i];
      EXPECT_NE(span.link, Link::kDuplicate);
      EXPECT_EQ(span.parent == kNone, span.link != Link::kChild);
      if (span.parent != kNone) {
        EXPECT_TRUE(seen.contains(span.parent));
        const std::uint32_t deeper = span.half == Half::kCallee ? 0 : 1;
        EXPECT_EQ(span.depth, view.spans[span.parent].depth + deeper);
      }
      EXPECT_GE(span.self_ns, 0);
      EXPECT_LE(span.self_ns, span.end_ns - span.start_ns);
      EXPECT_LE(span.critical_ns, span.end_ns - span.start_ns);
    }
    EXPECT_EQ(seen.size() + view.duplicates, spans);
    const SpanView& root = view.spans[view.main_root];
    std::int64_t now = root.start_ns;
    for (const CriticalPiece& piece : view.critical_path) {
      EXPECT_EQ(piece.from_ns, now);
      EXPECT_GE(piece.from_ns, view.spans[piece.span].start_ns);
      EXPECT_LE(piece.to_ns, view.spans[piece.span].end_ns);
      now = piece.to_ns;
    }
    EXPECT_EQ(now, root.end_ns);
  }
}

}  // namespace
}  // namespace ronda::trace::query
