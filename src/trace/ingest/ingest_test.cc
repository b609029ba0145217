#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "trace/ingest/digests.h"
#include "trace/ingest/json.h"
#include "trace/ingest/ledger.h"
#include "trace/ingest/mask.h"
#include "trace/ingest/places.h"
#include "wire/otlp/decode.h"
#include "wire/otlp/json_encode.h"
#include "wire/otlp/otlp_test_util.h"

namespace ronda::trace::ingest {
namespace {

namespace otlp = wire::otlp;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class JsonTest : public ::testing::Test {
 protected:
  base::Status Read(std::string_view json) {
    RETURN_IF_ERROR(reader_.ReadTraces(json, request_));
    return decoder_.DecodeTraces(request_, batch_);
  }
  // A request of one span with these members.
  static std::string OfSpan(std::string_view members) {
    return R"({"resourceSpans":[{"scopeSpans":[{"spans":[{)" + std::string(members) + "}]}]}]}";
  }
  static constexpr std::string_view kIds =
      R"("traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"eee19b7ec3c1b174")";

  JsonReader reader_;
  otlp::Decoder decoder_{otlp::Limits()};
  std::string request_;
  otlp::SpanBatch batch_;
};

TEST_F(JsonTest, WhateverIsWrittenIsRead) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    otlp::BatchMaker maker(seed);
    otlp::SpanBatch made;
    maker.Make(50, made);
    std::string json;
    EncodeTracesJson(made, json);
    ASSERT_TRUE(Read(json).ok());
    EXPECT_EQ(otlp::CanonicalSpans(batch_), otlp::CanonicalSpans(made));
  }
}

TEST_F(JsonTest, IdsAreHexInAnyCaseAndNumbersMayBeTexts) {
  ASSERT_TRUE(Read(OfSpan(std::string(kIds) +
                          R"(,"name":"GET /","kind":"SPAN_KIND_SERVER",
      "startTimeUnixNano":"1544712660000000000","endTimeUnixNano":1544712661000000000,
      "status":{"code":2,"message":"no"},"parentSpanId":null,"unknown":{"deep":[1,{}]},
      "attributes":[{"key":"i","value":{"intValue":"-9223372036854775808"}},
        {"key":"j","value":{"intValue":7}},{"key":"d","value":{"doubleValue":"NaN"}},
        {"key":"b","value":{"bytesValue":"aGk="}},{"key":"e","value":{}}])"))
                  .ok());
  ASSERT_THAT(batch_.spans, SizeIs(1));
  const otlp::Span& span = batch_.spans[0];
  EXPECT_EQ(base::ToHex(span.trace), "5b8efff798038103d269b633813fc60c");
  EXPECT_EQ(span.span, 0xeee19b7ec3c1b174u);
  EXPECT_EQ(span.parent, 0u);
  EXPECT_EQ(span.kind, otlp::kKindServer);
  EXPECT_EQ(span.end_ns - span.start_ns, 1'000'000'000u);
  EXPECT_EQ(span.status, otlp::kStatusError);
  const auto attributes = batch_.At(span.attributes);
  ASSERT_THAT(attributes, SizeIs(5));
  EXPECT_EQ(attributes[0].value().integer(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(attributes[1].value().integer(), 7);
  EXPECT_NE(attributes[2].value().number(), attributes[2].value().number());
  EXPECT_EQ(attributes[3].value(), otlp::Value::Bytes("hi"));
  EXPECT_EQ(attributes[4].value().type(), otlp::ValueType::kEmpty);
}

TEST_F(JsonTest, ABadIdCostsItsSpanOnly) {
  ASSERT_TRUE(Read(R"({"resourceSpans":[{"scopeSpans":[{"spans":[{)" + std::string(kIds) +
                   R"(},{"traceId":"not hex at all","spanId":"eee19b7ec3c1b174"},
                       {"traceId":"5b8efff798038103d269b633813fc60c","spanId":"ee"},{}]}]}]})")
                  .ok());
  EXPECT_THAT(batch_.spans, SizeIs(1));
  EXPECT_EQ(decoder_.report().Describe(), "3 of 4 refused: bad trace id 2, bad span id 1");
}

TEST_F(JsonTest, EmptyEventsAndListsAreThere) {
  ASSERT_TRUE(Read(OfSpan(std::string(kIds) +
                          R"(,"events":[{},{"name":"e"}],"attributes":[
        {"key":"a","value":{"arrayValue":{}}},
        {"key":"l","value":{"arrayValue":{"values":[{},{"stringValue":""}]}}}])"))
                  .ok());
  ASSERT_THAT(batch_.spans, SizeIs(1));
  EXPECT_THAT(batch_.events, SizeIs(2));
  const auto attributes = batch_.At(batch_.spans[0].attributes);
  EXPECT_EQ(attributes[0].value().type(), otlp::ValueType::kArray);
  std::vector<otlp::Attribute> elements;
  ASSERT_TRUE(ReadElements(otlp::ValueType::kArray, attributes[1].value().bytes(), elements));
  ASSERT_THAT(elements, SizeIs(2));
  EXPECT_EQ(elements[0].value().type(), otlp::ValueType::kEmpty);
  EXPECT_EQ(elements[1].value(), otlp::Value::String(""));
}

TEST_F(JsonTest, WhatIsNoRequestSaysWhy) {
  for (const auto& [json, why] :
       {std::pair<std::string, std::string>{"", "no OTLP/JSON"},
        {"[]", "\"the request\" is no object"},
        {R"({"resourceSpans":{}})", "\"resourceSpans\" is no array"},
        {R"({"resourceSpans":[{"scopeSpans":[)", "no OTLP/JSON"},
        {OfSpan(R"("startTimeUnixNano":"soon")"), "\"startTimeUnixNano\" is no unsigned integer"},
        {OfSpan(R"("startTimeUnixNano":-1)"), "\"startTimeUnixNano\" is no unsigned integer"},
        {OfSpan(R"("kind":"SPAN_KIND_OTHER")"), "\"kind\" is no value of its enum"},
        {OfSpan(R"("attributes":[{"key":"k","value":{"bytesValue":"?"}}])"), "is no base64"},
        {OfSpan(R"("name":7)"), "\"name\" is no string"}}) {
    const base::Status status = Read(json);
    EXPECT_EQ(status.code(), base::Code::kInvalidArgument) << json;
    EXPECT_THAT(status.message(), HasSubstr(why)) << json;
  }
}

TEST_F(JsonTest, NestedBeyondTheLimitCostsTheAttributeOnly) {
  std::string value = R"({"stringValue":"x"})";
  for (int i = 0; i < 200; ++i) value = R"({"arrayValue":{"values":[)" + value + "]}}";
  ASSERT_TRUE(
      Read(OfSpan(std::string(kIds) + R"(,"attributes":[{"key":"k","value":)" + value + "}]"))
          .ok());
  EXPECT_EQ(decoder_.report().attributes_cut, 1u);
  EXPECT_THAT(batch_.spans, SizeIs(1));
}

TEST(MaskSqlTest, LiteralsGoAndEverythingElseStays) {
  for (const auto& [sql, masked] :
       {std::pair<std::string, std::string>{
            "SELECT a1, \"b 2\" FROM t3 WHERE x = 'it''s' AND y=-4.5e+3",
            "SELECT a1, \"b 2\" FROM t3 WHERE x = ? AND y=-?"},
        {"INSERT INTO t VALUES (1,'a',NULL,0xff,.5)", "INSERT INTO t VALUES (?,?,NULL,?,?)"},
        {"select $1, :name, ?, @p1 -- 'kept' 5\n limit 10",
         "select $1, :name, ?, @p1 -- 'kept' 5\n limit ?"},
        {"select $tag$ it's $tag$, $$x$$, E'a\\'b' /* 1 */ , X'1f'", "select ?, ?, ? /* 1 */ , ?"},
        {"where a = 'never ends", "where a = ?"},
        {"t.1c", "t.?"},
        {"", ""}}) {
    EXPECT_EQ(MaskSql(sql, DoubleQuotes::kIdentifier), masked);
    EXPECT_EQ(MaskSql(masked, DoubleQuotes::kIdentifier), masked);
  }
  EXPECT_EQ(MaskSql(R"(x = "secret" and `y` = "a\"b")", DoubleQuotes::kText), "x = ? and `y` = ?");
}

class MaskTest : public ::testing::Test {
 protected:
  // Masks a span with these attributes; returns the values.
  std::vector<std::string> Values(const MaskRules& rules,
                                  const std::vector<std::pair<std::string, std::string>>& given) {
    otlp::SpanBatch batch;
    batch.resources.emplace_back();
    batch.scopes.emplace_back();
    otlp::Span span;
    span.trace = {.high = 1, .low = 1};
    span.span = 1;
    for (const auto& [key, value] : given) {
      batch.attributes.emplace_back(batch.arena.Copy(key),
                                    otlp::Value::String(batch.arena.Copy(value)));
      ++span.attributes.count;
    }
    batch.spans.push_back(span);
    const Masker masker(rules);
    masked_ = masker.Apply(batch);
    std::vector<std::string> values;
    for (const otlp::Attribute& a : batch.attributes) values.emplace_back(a.value().bytes());
    EXPECT_EQ(masker.Apply(batch), 0u);  // masking twice is masking once
    return values;
  }
  std::uint64_t masked_ = 0;
};

TEST_F(MaskTest, StatementsHeadersAndNamedAttributesAreMasked) {
  EXPECT_THAT(Values({.keys = {"card.number", "secret.*"}},
                     {{"db.statement", "select 1"},
                      {"db.query.text", "select 'a'"},
                      {"db.query.parameter.0", "a"},
                      {"http.request.header.authorization", "Bearer x"},
                      {"http.response.header.Set-Cookie", "id=1"},
                      {"http.request.header.accept", "text/html"},
                      {"card.number", "4111"},
                      {"card.numbers", "2"},
                      {"secret.name", "x"},
                      {"db.system", "postgresql"}}),
              ::testing::ElementsAre("select ?", "select ?", "***", "***", "***", "text/html",
                                     "***", "2", "***", "postgresql"));
  EXPECT_EQ(masked_, 7u);
}

TEST_F(MaskTest, WhatIsSwitchedOffStays) {
  const MaskRules none{.sql = MaskRules::Apply::kNo, .headers = MaskRules::Apply::kNo};
  EXPECT_THAT(Values(none, {{"db.statement", "select 1"}, {"http.request.header.cookie", "a"}}),
              ::testing::ElementsAre("select 1", "a"));
}

TEST_F(MaskTest, DoubleQuotedIsATextInMySql) {
  EXPECT_THAT(Values({}, {{"db.system", "mysql"}, {"db.statement", "select \"x\""}}),
              ::testing::ElementsAre("mysql", "select ?"));
  EXPECT_THAT(Values({}, {{"db.system", "postgresql"}, {"db.statement", "select \"x\""}}),
              ::testing::ElementsAre("postgresql", "select \"x\""));
}

TEST(LedgerTest, ComesBackFromItsBytesAndAddsUp) {
  Ledger ledger;
  Tally& tally = ledger.At("otlp-http", "shop");
  tally.received = 10;
  tally.accepted = 7;
  tally.rejected[static_cast<std::size_t>(Rejection::kTraceId)] = 3;
  ledger.At("otlp-grpc", "").refused_requests = 1'000'000;
  std::string bytes;
  EncodeLedger(ledger, bytes);
  Ledger again;
  ASSERT_TRUE(DecodeLedger(bytes, again));
  EXPECT_EQ(again, ledger);
  EXPECT_TRUE(again.Total().balanced());
  ASSERT_TRUE(DecodeLedger(bytes, again));
  EXPECT_EQ(again.Total().received, 20u);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    Ledger cut;
    EXPECT_FALSE(DecodeLedger(std::string_view(bytes).substr(0, size), cut));
  }
}

TEST(LedgerTest, WhatIsNotTakenAfterAllIsRejectedWhole) {
  Ledger ledger;
  Tally& tally = ledger.At("otlp-http", "shop");
  tally.received = 10;
  tally.accepted = 7;
  tally.rejected[0] = 3;
  const Tally rejected = AsRejected(ledger, Rejection::kStorage).Total();
  EXPECT_TRUE(rejected.balanced());
  EXPECT_EQ(rejected.accepted, 0u);
  EXPECT_EQ(rejected.received, 10u);
  EXPECT_EQ(AsDuplicate(ledger).Total().deduplicated, 7u);
}

TEST(LedgerTest, ServicesBeyondTheMostShareOneName) {
  Ledger ledger;
  for (std::size_t i = 0; i < Ledger::kMostServices + 10; ++i) {
    ledger.At("r", std::to_string(i)).received = 1;
  }
  EXPECT_LE(ledger.tallies().size(), Ledger::kMostServices + 1);
}

TEST(PlacesTest, EveryNameHasAsManySpansAsTheLedgerSays) {
  Ledger ledger;
  ledger.At("grpc", "shop") = {.received = 10, .accepted = 10, .deduplicated = 3};
  ledger.At("http", "shop") = {.received = 6, .accepted = 6};
  ledger.At("http", "mall") = {.received = 4, .accepted = 4};
  segment::StoreCensus census;
  census.stored.Add({"grpc", "shop"}, 2);
  census.stored.Add({"", "shop"}, 8);  // who took them in is not known
  census.gone[static_cast<std::size_t>(segment::Gone::kExpired)].Add({}, 5);  // nor whose they were
  census.gone[static_cast<std::size_t>(segment::Gone::kLost)].Add({"http", "mall"}, 2);
  const Places places = PlacesOf(census, ledger);
  EXPECT_EQ(places.at({"grpc", "shop"}), (Place{.stored = 7}));
  EXPECT_EQ(places.at({"http", "shop"}), (Place{.stored = 3, .expired = 3}));
  EXPECT_EQ(places.at({"http", "mall"}), (Place{.expired = 2, .lost = 2}));
  EXPECT_TRUE(Unaccounted(places, ledger).empty());

  census.stored.Add({"http", "new"}, 3);
  census.stored.Add({}, 1);
  const Ledger more = Unaccounted(PlacesOf(census, ledger), ledger);
  EXPECT_EQ(more.tallies().size(), 2u);
  EXPECT_EQ(more.tallies().at({"http", "new"}).accepted, 3u);
  EXPECT_EQ(more.tallies().at({"(unknown)", ""}).received, 1u);
}

TEST(DigestsTest, ABodyIsKnownForTenMinutes) {
  constexpr std::uint64_t kStart = 1'700'000'000'000'000'000;
  RecentDigests digests;
  const Digest one = DigestOf("one"), two = DigestOf("two");
  EXPECT_FALSE(digests.Contains(one, kStart));
  digests.Add(one, kStart);
  EXPECT_TRUE(digests.Contains(one, kStart + RecentDigests::kWindowNs));
  EXPECT_FALSE(digests.Contains(two, kStart));
  digests.Add(two, kStart - 5);  // a clock that went back
  EXPECT_TRUE(digests.Contains(two, kStart - 5));
  EXPECT_FALSE(digests.Contains(one, kStart + RecentDigests::kWindowNs + 1));
  EXPECT_EQ(digests.size(), 0u);
  digests.Add(one, kStart);
  digests.Remove(one);
  EXPECT_FALSE(digests.Contains(one, kStart));
}

}  // namespace
}  // namespace ronda::trace::ingest
