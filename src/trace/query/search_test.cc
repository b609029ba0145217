#include "trace/query/search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <re2/re2.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/core/random.h"
#include "disk/simulated_file_system.h"
#include "trace/query/trace_test_util.h"
#include "trace/query/trace_view.h"
#include "trace/segment/store.h"
#include "wire/otlp/decode.h"
#include "wire/otlp/encode.h"
#include "wire/otlp/otlp_test_util.h"

namespace ronda::trace::query {
namespace {

using otlp::BatchMaker;
using otlp::SpanBatch;
using otlp::Value;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::uint64_t kMs = TraceBuilder::kMs;
constexpr std::uint64_t kEpoch = TraceBuilder::kEpochNs;

Condition Where(Field field, Compare compare, Literal literal, std::string key = "") {
  Test test{.field = field,
            .key = std::move(key),
            .compare = compare,
            .literal = literal,
            .pattern = nullptr};
  if (compare == Compare::kMatches) {
    test.pattern = std::make_shared<const RE2>(std::get<std::string>(literal));
  }
  return Is(test);
}

// A store on a simulated disk, and searches in it.
class Rig {
 public:
  explicit Rig(std::uint32_t merged_rows = 100'000, std::uint32_t block_rows = 2'000) {
    auto opened =
        segment::Store::Open(files, {.block_rows = block_rows, .merged_rows = merged_rows},
                             [](const auto& record, SpanBatch& batch) {
                               return otlp::Decoder({}).DecodeTraces(record.body, batch);
                             });
    CHECK(opened.ok());
    store = *std::move(opened);
  }
  void Append(const SpanBatch& batch) {
    std::string body;
    EncodeTraces(batch, body);
    CHECK(store->Append({.received_ns = 1, .body = body}, batch).ok());
  }
  SearchResult Find(const SearchRequest& request) {
    segment::StoreSource source(*store);
    base::FakeClock clock;
    auto result = Search(source, clock, request);
    EXPECT_TRUE(result.ok()) << result.status().ToString();
    return result.ok() ? *std::move(result) : SearchResult();
  }
  std::vector<std::uint64_t> Ids(const Condition& where) {
    std::vector<std::uint64_t> ids;
    for (const TraceSummary& trace : Find({.where = where}).traces) ids.push_back(trace.trace.low);
    return ids;
  }

  disk::SimulatedFileSystem files;
  std::unique_ptr<segment::Store> store;
};

TEST(SearchTest, ASummaryTellsRootTimesErrorsAndServices) {
  TraceBuilder t;
  t.Service("stock").Span(3, 2, 20, 90).Error();
  t.Service("shop").Trace(1).Span(1, 0, 10, 60).Name("GET /cart").Span(2, 1, 15, 20);
  t.Trace(2).Span(9, 8, 5, 6).Name("orphan");
  t.batch.spans.push_back(t.batch.spans[0]);  // sent twice
  Rig rig;
  rig.Append(t.batch);
  for (const bool sealed : {false, true}) {
    if (sealed) {
      ASSERT_TRUE(rig.store->Seal().ok());
    }
    const SearchResult result = rig.Find({.where = All({})});
    ASSERT_THAT(result.traces, SizeIs(2));
    const TraceSummary& first = result.traces[0];
    EXPECT_EQ(first.trace.low, 1u);
    EXPECT_EQ(first.root_service, "shop");
    EXPECT_EQ(first.root_name, "GET /cart");
    EXPECT_TRUE(first.has_root);
    EXPECT_EQ(first.start_ns, kEpoch + 10 * kMs);
    EXPECT_EQ(first.duration_ns, 80 * kMs);
    EXPECT_EQ(first.spans, 3u);
    EXPECT_EQ(first.errors, 1u);
    EXPECT_THAT(first.services,
                ElementsAre(ServiceShare{"shop", 2, 0}, ServiceShare{"stock", 1, 1}));
    EXPECT_FALSE(result.traces[1].has_root);
    EXPECT_EQ(result.traces[1].root_name, "orphan");
    EXPECT_FALSE(result.next);
  }
}

TEST(SearchTest, AllTestsHaveToHoldForOneSpan) {
  TraceBuilder t;
  t.Service("shop").Trace(1).Span(1, 0, 0, 50).With("http.status", Value::Int(500));
  t.Span(2, 1, 0, 10).With("cart.size", Value::Int(3));
  t.Trace(2).Span(1, 0, 0, 5).With("http.status", Value::Int(500)).With("cart.size", Value::Int(3));
  Rig rig;
  rig.Append(t.batch);
  const Condition status =
      Where(Field::kAttribute, Compare::kGreaterOrEqual, std::int64_t{500}, "http.status");
  const Condition size = Where(Field::kAttribute, Compare::kExists, {}, "cart.size");
  EXPECT_THAT(rig.Ids(All({status, size})), ElementsAre(2));
  EXPECT_THAT(rig.Ids(Any({status, size})), ElementsAre(2, 1));
  EXPECT_THAT(rig.Ids(All({Not(status), size})), ElementsAre(1));
  EXPECT_THAT(rig.Ids(All({Where(Field::kService, Compare::kEqual, "shop"),
                           Where(Field::kDuration, Compare::kGreater, std::int64_t{40'000'000})})),
              ElementsAre(1));
}

TEST(SearchTest, ValuesCompareByTypeAndNumbersExactly) {
  TraceBuilder t;
  t.Service("shop");
  const std::int64_t big = (std::int64_t{1} << 53) + 1;
  t.Trace(1).Span(1, 0, 0, 1).With("k", Value::String("500"));
  t.Trace(2).Span(1, 0, 0, 1).With("k", Value::Int(500));
  t.Trace(3).Span(1, 0, 0, 1).With("k", Value::Double(500.0));
  t.Trace(4).Span(1, 0, 0, 1).With("k", Value::Bool(true));
  t.Trace(5).Span(1, 0, 0, 1).With("k", Value::Int(big));
  t.Trace(6).Span(1, 0, 0, 1).With("k", Value::Double(std::nan("")));
  t.Trace(7).Span(1, 0, 0, 1).With("k", Value::Bytes("500"));
  t.Trace(8).Span(1, 0, 0, 1).With("k", Value());
  Rig rig;
  rig.Append(t.batch);
  for (const bool sealed : {false, true}) {
    if (sealed) {
      ASSERT_TRUE(rig.store->Seal().ok());
    }
    const auto ids = [&](Compare compare, const Literal& literal) {
      return rig.Ids(Where(Field::kSpanAttribute, compare, literal, "k"));
    };
    EXPECT_THAT(ids(Compare::kEqual, "500"), ElementsAre(1));
    EXPECT_THAT(ids(Compare::kEqual, std::int64_t{500}), ElementsAre(3, 2));
    EXPECT_THAT(ids(Compare::kEqual, 500.0), ElementsAre(3, 2));
    EXPECT_THAT(ids(Compare::kEqual, true), ElementsAre(4));
    EXPECT_THAT(ids(Compare::kEqual, static_cast<double>(big - 1)), IsEmpty());
    EXPECT_THAT(ids(Compare::kGreater, std::int64_t{500}), ElementsAre(5));
    EXPECT_THAT(ids(Compare::kLess, 500.5), ElementsAre(3, 2));
    EXPECT_THAT(ids(Compare::kMatches, "^5.0$"), ElementsAre(1));
    EXPECT_THAT(ids(Compare::kExists, {}), ElementsAre(8, 7, 6, 5, 4, 3, 2, 1));
  }
}

TEST(SearchTest, ADamagedSegmentIsANoticeAndTheRestIsFound) {
  Rig rig;
  for (std::uint64_t i = 1; i <= 3; ++i) {
    TraceBuilder t;
    t.Service("shop").Trace(i).Span(1, 0, i, i + 1);
    rig.Append(t.batch);
    ASSERT_TRUE(rig.store->Seal().ok());
  }
  std::string* bytes = rig.files.Bytes(segment::SegmentName(2));
  std::fill(bytes->begin() + 8, bytes->begin() + 60, 'x');
  const SearchResult result = rig.Find({.where = Where(Field::kName, Compare::kEqual, "op1")});
  EXPECT_THAT(result.traces, SizeIs(2));
  ASSERT_THAT(result.notices, SizeIs(1));
  EXPECT_THAT(result.notices[0], HasSubstr("damaged"));
}

TEST(SearchTest, CursorsAreGivenBackAndOthersRefused) {
  const Cursor cursor{.start_ns = 0, .trace = {.high = 5, .low = 6}};
  EXPECT_EQ(ParseCursor(ToText(cursor)), cursor);
  EXPECT_FALSE(ParseCursor("zz"));
  EXPECT_FALSE(ParseCursor(std::string(48, 'g')));
}

TEST(SearchTest, ADeadlineEndsTheSearch) {
  Rig rig;
  TraceBuilder t;
  t.Service("shop").Span(1, 0, 0, 1);
  rig.Append(t.batch);
  segment::StoreSource source(*rig.store);
  base::FakeClock clock;
  clock.Advance(1000);
  const auto result = Search(source, clock, {.where = All({}), .deadline_ns = 1});
  EXPECT_EQ(result.status().code(), base::Code::kDeadlineExceeded);
}

// ---- against a model: every span kept in a list, every question answered by walking it.

struct Model {
  static bool Holds(const Condition& c, const SpanBatch& b, const otlp::Span& span) {
    switch (c.kind) {
      case Condition::Kind::kAll:
        return std::ranges::all_of(c.parts, [&](const Condition& p) { return Holds(p, b, span); });
      case Condition::Kind::kAny:
        return std::ranges::any_of(c.parts, [&](const Condition& p) { return Holds(p, b, span); });
      case Condition::Kind::kNot: return !Holds(c.parts[0], b, span);
      case Condition::Kind::kTest: break;
    }
    const otlp::Resource& resource = b.resources[b.scopes[span.scope].resource];
    const auto among = [&](otlp::Range range) {
      return std::ranges::any_of(b.At(range), [&](const otlp::Attribute& a) {
        return a.key() == c.test.key && MatchesValue(c.test, a.value());
      });
    };
    switch (c.test.field) {
      case Field::kService: return MatchesText(c.test, ServiceOf(b, resource));
      case Field::kName: return MatchesText(c.test, span.name);
      case Field::kKind: return MatchesInt(c.test, span.kind);
      case Field::kStatus: return MatchesInt(c.test, span.status);
      case Field::kStatusMessage: return MatchesText(c.test, span.status_message);
      case Field::kDuration:
        return MatchesInt(c.test, std::max<std::int64_t>(
                                      0, static_cast<std::int64_t>(span.end_ns - span.start_ns)));
      case Field::kSpanAttribute: return among(span.attributes);
      case Field::kResourceAttribute: return among(resource.attributes);
      case Field::kAttribute: return among(span.attributes) || among(resource.attributes);
    }
    return false;
  }

  // Traces with their first match, newest first.
  static std::vector<Cursor> Find(const std::vector<SpanBatch>& batches,
                                  const SearchRequest& request) {
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> first;
    for (const SpanBatch& b : batches) {
      for (const otlp::Span& span : b.spans) {
        if (span.start_ns < request.from_ns || span.start_ns >= request.to_ns) continue;
        if (!Holds(request.where, b, span)) continue;
        const auto [at, made] = first.try_emplace({span.trace.high, span.trace.low}, span.start_ns);
        at->second = std::min(at->second, span.start_ns);
      }
    }
    std::vector<Cursor> found;
    for (const auto& [trace, start] : first) found.push_back({start, {trace.first, trace.second}});
    std::ranges::sort(found, std::ranges::greater(), [](const Cursor& c) {
      return std::tuple(c.start_ns, c.trace.high, c.trace.low);
    });
    return found;
  }
};

class ConditionMaker {
 public:
  explicit ConditionMaker(base::Random& random) : random_(random) {}
  Condition Make(int depth) {
    if (depth > 0 && random_.Below(2) == 0) {
      std::vector<Condition> parts;
      for (std::uint64_t i = random_.Below(4); i > 0; --i) parts.push_back(Make(depth - 1));
      switch (random_.Below(3)) {
        case 0: return All(std::move(parts));
        case 1: return Any(std::move(parts));
        default: return Not(Make(depth - 1));
      }
    }
    static constexpr std::string_view kKeys[] = {"http.route", "thread.id",   "db.query.text", "x",
                                                 "enduser.id", "retry.count", "service.name"};
    const auto compare = static_cast<Compare>(random_.Below(9));
    const bool text_only = compare >= Compare::kContains;
    Literal literal = std::string(Text());
    if (!text_only) {
      switch (random_.Below(4)) {
        case 0: literal = static_cast<std::int64_t>(random_.Below(5)); break;
        case 1: literal = random_.Normal(); break;
        case 2: literal = random_.Below(2) == 0; break;
        default: break;
      }
    }
    const auto field = static_cast<Field>(random_.Below(9));
    if (field == Field::kDuration) literal = static_cast<std::int64_t>(random_.Below(10'000'000));
    if (text_only && !std::holds_alternative<std::string>(literal)) literal = std::string("1");
    if (compare == Compare::kMatches) literal = std::string("[1-5]+|GET");
    return Where(field, compare, literal, std::string(kKeys[random_.Below(std::size(kKeys))]));
  }

 private:
  std::string_view Text() {
    static constexpr std::string_view kTexts[] = {"GET /cart", "SELECT 1", "order-api",
                                                  "",          "prod",     "1"};
    return kTexts[random_.Below(std::size(kTexts))];
  }
  base::Random& random_;
};

struct Asked {
  std::uint64_t pages = 0, hits = 0;
};

// Stores six requests of up to `spans` spans of `traces` traces, and compares what searches find with
// what the model finds.
void CompareWithModel(std::uint64_t seed, std::uint64_t spans, std::uint64_t traces, int questions,
                      Rig& rig, Asked& asked) {
  SCOPED_TRACE(seed);
  base::Random random(seed);
  BatchMaker maker(seed);
  std::vector<SpanBatch> batches(6);
  for (std::size_t i = 0; i < batches.size(); ++i) {
    maker.Make(random.Below(spans), batches[i]);
    // Many traces; each reaches into some requests, as its spans come at different times.
    for (otlp::Span& span : batches[i].spans) {
      span.trace = {.high = 7, .low = 1 + random.Below(traces)};
      if (random.Below(3) == 0) span.start_ns -= i * 50'000'000'000;
    }
    rig.Append(batches[i]);
    if (random.Below(2) == 0) {
      ASSERT_TRUE(rig.store->Seal().ok());
    }
  }
  ConditionMaker conditions(random);
  for (int question = 0; question < questions; ++question) {
    SearchRequest request{.where = conditions.Make(2),
                          .limit = 1 + static_cast<std::uint32_t>(random.Below(traces / 5))};
    if (random.Below(3) == 0)
      request.from_ns = 1'787'000'000'000'000'000 + random.Below(30'000'000'000);
    if (random.Below(3) == 0)
      request.to_ns = 1'787'000'000'000'000'000 + random.Below(60'000'000'000);
    const std::vector<Cursor> expected = Model::Find(batches, request);
    std::vector<Cursor> found;
    for (;; ++asked.pages) {
      const SearchResult result = rig.Find(request);
      EXPECT_THAT(result.notices, IsEmpty());
      EXPECT_LE(result.traces.size(), request.limit);
      for (const TraceSummary& trace : result.traces)
        found.push_back({trace.matched_ns, trace.trace});
      if (!result.next) break;
      ASSERT_EQ(result.traces.size(), request.limit);
      request.after = ParseCursor(ToText(*result.next));
      if (random.Below(4) == 0) {
        ASSERT_TRUE(rig.store->Seal().ok());
      }
      if (random.Below(4) == 0) {
        ASSERT_TRUE(rig.store->Merge().ok());
      }
    }
    asked.hits += found.size();
    ASSERT_TRUE(found == expected) << question << ": " << found.size() << " of " << expected.size();
  }
}

TEST(SearchTest, PagesEqualTheModelWhileSegmentsAreSealedAndMerged) {
  Asked asked;
  for (std::uint64_t seed = 1; seed <= 60 && !HasFailure(); ++seed) {
    Rig rig(2'000);
    CompareWithModel(seed, 400, 150, 12, rig, asked);
  }
  EXPECT_GT(asked.pages, 1000u);
  EXPECT_GT(asked.hits, 10'000u);
}

// Segments of several pages of rows: a search ends before it has read them all.
TEST(SearchTest, LargeSegmentsAnswerAsTheModelDoes) {
  Asked asked;
  for (std::uint64_t seed = 1; seed <= 2 && !HasFailure(); ++seed) {
    Rig rig(100'000, 50'000);
    CompareWithModel(seed, 9'000, 2'000, 4, rig, asked);
  }
  EXPECT_GT(asked.hits, 3'000u);
}

TEST(SearchTest, NewTracesWhileOnePagesDisturbNoPage) {
  Rig rig;
  for (std::uint64_t i = 1; i <= 10; ++i) {
    TraceBuilder t;
    t.Service("shop").Trace(i).Span(1, 0, i * 10, i * 10 + 5);
    rig.Append(t.batch);
  }
  SearchRequest request{.where = All({}), .limit = 4};
  std::vector<std::uint64_t> ids;
  for (std::uint64_t later = 100;; ++later) {
    const SearchResult result = rig.Find(request);
    for (const TraceSummary& trace : result.traces) ids.push_back(trace.trace.low);
    if (!result.next) break;
    request.after = result.next;
    TraceBuilder t;
    t.Service("shop").Trace(later).Span(1, 0, later * 10, later * 10 + 5);
    rig.Append(t.batch);
    ASSERT_TRUE(rig.store->Seal().ok());
  }
  EXPECT_THAT(ids, ElementsAre(10, 9, 8, 7, 6, 5, 4, 3, 2, 1));
}

}  // namespace
}  // namespace ronda::trace::query
