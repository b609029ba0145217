#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "wire/otlp/decode.h"
#include "wire/otlp/encode.h"
#include "wire/otlp/json_encode.h"
#include "wire/otlp/otlp_test_util.h"

namespace ronda::wire::otlp {
namespace {

using ::testing::HasSubstr;
using namespace std::string_literals;

// Writes protobuf by hand, so that nothing of what is tested makes its own input.
std::string Sized(int field, const std::string& body) {
  std::string out(1, static_cast<char>(field << 3 | 2));
  std::size_t size = body.size();
  for (; size >= 0x80; size >>= 7) out += static_cast<char>(size | 0x80);
  out += static_cast<char>(size);
  return out + body;
}
std::string Varint(int field, int value) {
  return {static_cast<char>(field << 3), static_cast<char>(value)};
}
std::string Fixed64(int field, char low) {
  return std::string(1, static_cast<char>(field << 3 | 1)) + low + std::string(7, '\0');
}
std::string Text(const std::string& key, const std::string& value) {
  return Sized(1, key) + Sized(2, Sized(1, value));
}

const std::string kTrace = "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"s;
const std::string kSpan = "\x11\x12\x13\x14\x15\x16\x17\x18"s;
const std::string kParent = "\x21\x22\x23\x24\x25\x26\x27\x28"s;
const std::string kIds = Sized(1, kTrace) + Sized(2, kSpan);

// A request of one scope with these spans.
std::string Request(const std::string& spans) {
  return Sized(1, Sized(1, Sized(1, Text("service.name", "shop"))) +
                      Sized(2, Sized(1, Sized(1, "scope")) + spans));
}

class DecoderTest : public ::testing::Test {
 protected:
  base::Status Decode(const std::string& request, const Limits& limits = {}) {
    request_ = request;
    decoder_ = Decoder(limits);
    return decoder_.DecodeTraces(request_, batch_);
  }
  const DecodeReport& report() const { return decoder_.report(); }

  std::string request_;
  Decoder decoder_{Limits()};
  SpanBatch batch_;
};

TEST_F(DecoderTest, EveryFieldOfASpanIsRead) {
  const std::string event =
      Fixed64(1, 5) + Sized(2, "exception") + Sized(3, Text("exception.type", "E")) + Varint(4, 2);
  const std::string link = Sized(1, kTrace) + Sized(2, kParent) + Sized(3, "l=1") +
                           Sized(4, Text("k", "v")) + Varint(5, 3) + "\x35\x01\x01\0\0"s;
  ASSERT_TRUE(
      Decode(Request(Sized(2, kIds + Sized(3, "s=1") + Sized(4, kParent) + Sized(5, "GET /") +
                                  Varint(6, 3) + Fixed64(7, 10) + Fixed64(8, 20) +
                                  Sized(9, Text("http.route", "/")) + Varint(10, 4) +
                                  Sized(11, event) + Varint(12, 5) + Sized(13, link) +
                                  Varint(14, 6) + Sized(15, Sized(2, "late") + Varint(3, 2)) +
                                  "\x85\x01\x01\x01\0\0"s)))
          .ok());
  ASSERT_EQ(batch_.spans.size(), 1u);
  const Span& span = batch_.spans[0];
  EXPECT_EQ(base::ToHex(span.trace), "0102030405060708090a0b0c0d0e0f10");
  EXPECT_EQ(span.span, 0x1112131415161718u);
  EXPECT_EQ(span.parent, 0x2122232425262728u);
  EXPECT_EQ(span.trace_state, "s=1");
  EXPECT_EQ(span.name, "GET /");
  EXPECT_EQ(span.kind, kKindClient);
  EXPECT_EQ(span.start_ns, 10u);
  EXPECT_EQ(span.end_ns, 20u);
  EXPECT_EQ(span.status, kStatusError);
  EXPECT_EQ(span.status_message, "late");
  EXPECT_EQ(span.flags, 0x101u);
  EXPECT_EQ(span.dropped_attributes, 4u);
  EXPECT_EQ(span.dropped_events, 5u);
  EXPECT_EQ(span.dropped_links, 6u);
  ASSERT_EQ(span.attributes.count, 1u);
  EXPECT_EQ(batch_.At(span.attributes)[0], Attribute("http.route", Value::String("/")));
  ASSERT_EQ(span.events.count, 1u);
  const Event& e = batch_.EventsOf(span)[0];
  EXPECT_EQ(e.time_ns, 5u);
  EXPECT_EQ(e.name, "exception");
  EXPECT_EQ(batch_.At(e.attributes)[0], Attribute("exception.type", Value::String("E")));
  EXPECT_EQ(e.dropped_attributes, 2u);
  ASSERT_EQ(span.links.count, 1u);
  const Link& l = batch_.LinksOf(span)[0];
  EXPECT_EQ(l.trace, span.trace);
  EXPECT_EQ(l.span, span.parent);
  EXPECT_EQ(l.trace_state, "l=1");
  EXPECT_EQ(batch_.At(l.attributes)[0], Attribute("k", Value::String("v")));
  EXPECT_EQ(l.dropped_attributes, 3u);
  EXPECT_EQ(l.flags, 0x101u);
  EXPECT_EQ(batch_.scopes[span.scope].name, "scope");
  EXPECT_EQ(batch_.At(batch_.resources[0].attributes)[0],
            Attribute("service.name", Value::String("shop")));
  EXPECT_TRUE(report().clean());
  EXPECT_EQ(report().accepted, 1u);
}

TEST_F(DecoderTest, FieldsInAnyOrderAndSplitMessagesAreOneMessage) {
  // The scope's spans before its name, the resource after them and in two parts, events between the
  // span's attributes.
  const std::string span = Sized(9, Text("a", "1")) + Sized(11, Sized(3, Text("e", "1"))) +
                           Sized(9, Text("b", "2")) + kIds;
  ASSERT_TRUE(
      Decode(Sized(1, Sized(2, Sized(2, span) + Sized(1, Sized(1, "late scope"))) +
                          Sized(1, Sized(1, Text("r", "1"))) + Sized(1, Sized(1, Text("r", "2")))))
          .ok());
  ASSERT_EQ(batch_.spans.size(), 1u);
  EXPECT_EQ(batch_.scopes[0].name, "late scope");
  EXPECT_EQ(batch_.resources[0].attributes.count, 2u);
  const auto attributes = batch_.At(batch_.spans[0].attributes);
  ASSERT_EQ(attributes.size(), 2u);
  EXPECT_EQ(attributes[1], Attribute("b", Value::String("2")));
}

TEST_F(DecoderTest, AnAttributeIsTheSameHoweverItIsWritten) {
  const std::string minus_one = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
  std::vector<std::pair<std::string, Value>> values = {
      {"\x18\x01"s, Value::Int(1)},
      {"\x18\x00"s, Value::Int(0)},
      {"\x18\x81\x00"s, Value::Int(1)},  // longer than need be
      {"\x18" + minus_one, Value::Int(-1)},
      {"\x10\x01"s, Value::Bool(true)},
      {"", Value()},
      {Sized(1, "early") + "\x18\x07", Value::Int(7)},  // the last one counts
      {"\x18\x07" + Sized(1, "late"), Value::String("late")}};
  std::vector<std::string> texts;
  for (const std::size_t size : {0, 1, 123, 124, 127, 128, 16379, 16383, 16384, 20000})
    texts.emplace_back(size, 't');
  for (const std::string& text : texts) values.emplace_back(Sized(1, text), Value::String(text));
  for (const std::size_t key_size : {0, 1, 127, 128, 1000}) {
    const std::string key(key_size, 'k');
    for (const auto& [any, value] : values) {
      const std::string forms[] = {Sized(1, key) + Sized(2, any), Sized(2, any) + Sized(1, key),
                                   Sized(1, key) + Sized(2, any) + Varint(9, 1),
                                   Sized(1, "other") + Sized(1, key) + Sized(2, any)};
      for (const std::string& form : forms) {
        ASSERT_TRUE(Decode(Request(Sized(2, kIds + Sized(9, form)))).ok());
        const auto attributes = batch_.At(batch_.spans.at(0).attributes);
        ASSERT_EQ(attributes.size(), 1u);
        EXPECT_TRUE(attributes[0] == Attribute(key, value)) << key_size << " " << any.substr(0, 20);
      }
    }
  }
  for (const std::string& bad :
       {"\x18"s, "\x18" + minus_one.substr(0, 9) + "\xff\x01", "\x0a\x05"s}) {
    EXPECT_FALSE(Decode(Request(Sized(2, kIds + Sized(9, Sized(1, "k") + Sized(2, bad))))).ok());
  }
}

TEST_F(DecoderTest, UnknownFieldsAndFieldsOfAnotherTypeAreSkipped) {
  ASSERT_TRUE(Decode(Request(Sized(2, kIds + Sized(6, "kind as a text") + Varint(5, 1) +
                                          "\xa2\x06\x03"s + "new")))
                  .ok());
  ASSERT_EQ(batch_.spans.size(), 1u);
  EXPECT_EQ(batch_.spans[0].kind, kKindUnspecified);
  EXPECT_EQ(batch_.spans[0].name, "");
}

TEST_F(DecoderTest, MalformedBytesRefuseTheWholeRequest) {
  const std::string good = Request(Sized(2, kIds + Sized(5, "name")));
  ASSERT_TRUE(Decode(good).ok());
  ASSERT_EQ(batch_.spans.size(), 1u);
  for (std::size_t size = 1; size < good.size(); ++size) {
    EXPECT_EQ(Decode(good.substr(0, size)).code(), base::Code::kInvalidArgument) << size;
    EXPECT_TRUE(batch_.spans.empty());
    EXPECT_EQ(report(), DecodeReport());
  }
  EXPECT_TRUE(Decode("").ok());
}

TEST_F(DecoderTest, BadIdsRefuseTheSpanAndSayWhich) {
  const std::string bad = Sized(2, Sized(9, Text("a", "1")) + Sized(1, "short") + Sized(2, kSpan)) +
                          Sized(2, Sized(1, std::string(16, '\0')) + Sized(2, kSpan)) +
                          Sized(2, Sized(1, kTrace)) +
                          Sized(2, Sized(1, kTrace) + Sized(2, std::string(8, '\0'))) +
                          Sized(2, kIds + Sized(4, "odd"));
  ASSERT_TRUE(Decode(Request(bad + Sized(2, kIds + Sized(4, std::string(8, '\0'))))).ok());
  ASSERT_EQ(batch_.spans.size(), 1u);
  EXPECT_EQ(batch_.spans[0].parent, 0u);
  EXPECT_EQ(batch_.spans[0].attributes.count, 0u);
  EXPECT_EQ(batch_.attributes.size(), 1u);  // the resource's: a refused span leaves nothing
  EXPECT_EQ(report().accepted, 1u);
  EXPECT_EQ(report().Describe(), "5 of 6 refused: bad trace id 2, bad span id 2, bad parent id 1");
}

TEST_F(DecoderTest, PastALimitThingsAreCutAndCountedTwice) {
  Limits limits;
  limits.attributes = 2;
  limits.events = 1;
  limits.links = 1;
  limits.key_bytes = 4;
  limits.value_bytes = 5;
  const std::string link = Sized(13, Sized(1, kTrace) + Sized(2, kSpan));
  ASSERT_TRUE(
      Decode(Request(Sized(2, kIds + Sized(9, Text("tolong", "1")) +
                                  Sized(9, Text("cut", "1234\xc3\xb6")) + Sized(9, Text("k", "v")) +
                                  Sized(9, Text("m", "v")) + Varint(10, 3) + Sized(11, "") +
                                  Sized(11, "") + link + Sized(13, Sized(1, kTrace)) + link)),
             limits)
          .ok());
  const Span& span = batch_.spans.at(0);
  ASSERT_EQ(span.attributes.count, 2u);
  EXPECT_EQ(batch_.At(span.attributes)[0], Attribute("cut", Value::String("1234")));
  EXPECT_EQ(span.dropped_attributes, 5u);
  EXPECT_EQ(span.events.count, 1u);
  EXPECT_EQ(span.dropped_events, 1u);
  EXPECT_EQ(span.links.count, 1u);
  EXPECT_EQ(span.dropped_links, 2u);
  // service.name of the resource is too long a key as well.
  EXPECT_EQ(report().Describe(), "cut: attributes 3, values 1, events 1, links 2");
}

TEST_F(DecoderTest, TooLargeASpanIsRefusedAndTheOthersStay) {
  Limits limits;
  limits.item_bytes = 100;
  ASSERT_TRUE(
      Decode(Request(Sized(2, kIds + Sized(5, std::string(100, 'x'))) + Sized(2, kIds)), limits)
          .ok());
  EXPECT_EQ(batch_.spans.size(), 1u);
  EXPECT_EQ(report().Describe(), "1 of 2 refused: too large 1");
}

TEST_F(DecoderTest, TooLargeARequestIsRefusedWithWhatToDo) {
  Limits limits;
  limits.request_bytes = 10;
  const base::Status status = Decode(Request(Sized(2, kIds)), limits);
  EXPECT_EQ(status.code(), base::Code::kResourceExhausted);
  EXPECT_THAT(status.message(), HasSubstr("send smaller batches"));
}

TEST_F(DecoderTest, ADeeplyNestedValueIsLeftOut) {
  std::string value;  // a hundred thousand arrays inside each other
  for (int i = 0; i < 100'000 && value.size() < 1'000'000; ++i) {
    value = Sized(5, Sized(1, value));
    if (i == 15) {
      ASSERT_TRUE(Decode(Request(Sized(2, kIds + Sized(9, Sized(1, "k") + Sized(2, value))))).ok());
      EXPECT_EQ(batch_.spans.at(0).attributes.count, 1u);
    }
    if (i > 2000) break;
  }
  ASSERT_TRUE(Decode(Request(Sized(2, kIds + Sized(9, Sized(1, "k") + Sized(2, value))))).ok());
  EXPECT_EQ(batch_.spans.at(0).attributes.count, 0u);
  EXPECT_EQ(batch_.spans.at(0).dropped_attributes, 1u);
  EXPECT_EQ(report().attributes_cut, 1u);
}

TEST_F(DecoderTest, AMalformedNestedValueRefusesTheRequest) {
  const std::string broken = Sized(5, "\x0a\x7f");
  EXPECT_FALSE(Decode(Request(Sized(2, kIds + Sized(9, Sized(1, "k") + Sized(2, broken))))).ok());
  EXPECT_FALSE(IsWellFormed(ValueType::kArray, "\x0a\x7f", 16));
}

TEST(OtlpTest, EncodingAndDecodingGivesTheSameSpans) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    SpanBatch batch, again;
    BatchMaker(seed).Make(seed * 3, batch);
    std::string bytes;
    EncodeTraces(batch, bytes);
    Decoder decoder{Limits()};
    ASSERT_TRUE(decoder.DecodeTraces(bytes, again).ok());
    EXPECT_TRUE(decoder.report().clean()) << decoder.report().Describe();
    EXPECT_EQ(decoder.report().accepted, batch.spans.size());
    EXPECT_EQ(CanonicalSpans(again), CanonicalSpans(batch));
    std::string same;
    EncodeTraces(again, same);
    EXPECT_EQ(same, bytes);
  }
}

TEST(OtlpTest, EmptyElementsAndEventsAreNotLost) {
  const Attribute nothing("", Value());
  std::string array;
  EncodeElements(ValueType::kArray, std::vector{nothing, Attribute("", Value::Int(0)), nothing},
                 array);
  SpanBatch batch, again;
  batch.resources.emplace_back();
  batch.scopes.emplace_back();
  batch.attributes = {Attribute("list", Value::Array(array)), nothing};
  batch.events.resize(2);
  Span& span = batch.spans.emplace_back();
  span.trace = {.high = 0, .low = 1};
  span.span = 1;
  span.attributes = {0, 2};
  span.events = {0, 2};
  std::string bytes;
  EncodeTraces(batch, bytes);
  Decoder decoder{Limits()};
  ASSERT_TRUE(decoder.DecodeTraces(bytes, again).ok());
  EXPECT_EQ(again.spans.at(0).attributes.count, 2u);
  EXPECT_EQ(again.spans.at(0).events.count, 2u);
  std::vector<Attribute> elements;
  ASSERT_TRUE(ReadElements(ValueType::kArray, again.attributes[0].value().bytes(), elements));
  ASSERT_EQ(elements.size(), 3u);
  EXPECT_EQ(elements[1].value(), Value::Int(0));
}

TEST(OtlpTest, LogRecordsRoundTripWithAndWithoutATrace) {
  const std::string record = Fixed64(1, 1) + Varint(2, 9) + Sized(3, "INFO") +
                             Sized(5, Sized(1, "paid")) + Sized(6, Text("order", "7")) +
                             Varint(7, 2) + "\x45\x01\0\0\0"s + Sized(9, kTrace) +
                             Sized(10, kSpan) + Fixed64(11, 3) + Sized(12, "order.paid");
  const std::string request = Request(Sized(2, record) + Sized(2, "") + Sized(2, Sized(9, "odd")));
  Decoder decoder{Limits()};
  LogBatch batch;
  ASSERT_TRUE(decoder.DecodeLogs(request, batch).ok());
  EXPECT_EQ(decoder.report().Describe(), "1 of 3 refused: bad trace id 1");
  ASSERT_EQ(batch.records.size(), 2u);
  const LogRecord& r = batch.records[0];
  EXPECT_EQ(r.time_ns, 1u);
  EXPECT_EQ(r.observed_ns, 3u);
  EXPECT_EQ(r.severity, 9);
  EXPECT_EQ(r.severity_text, "INFO");
  EXPECT_EQ(r.body, Value::String("paid"));
  EXPECT_EQ(r.event_name, "order.paid");
  EXPECT_EQ(r.flags, 1u);
  EXPECT_EQ(r.dropped_attributes, 2u);
  EXPECT_EQ(r.span, 0x1112131415161718u);
  EXPECT_EQ(batch.At(r.attributes)[0], Attribute("order", Value::String("7")));
  EXPECT_FALSE(batch.records[1].trace.valid());

  std::string bytes, json;
  EncodeLogs(batch, bytes);
  LogBatch again;
  ASSERT_TRUE(decoder.DecodeLogs(bytes, again).ok());
  ASSERT_EQ(again.records.size(), 2u);
  std::string same;
  EncodeLogs(again, same);
  EXPECT_EQ(same, bytes);
  EncodeLogsJson(batch, json);
  EXPECT_THAT(
      json, HasSubstr(R"("severityNumber":9,"severityText":"INFO","body":{"stringValue":"paid"})"));
}

TEST(OtlpTest, ResponsesSayWhatWasRejected) {
  std::string bytes;
  EncodeResponse({}, bytes);
  EXPECT_EQ(bytes, "");
  EncodeResponse({.rejected = 3, .message = "bad"}, bytes);
  EXPECT_EQ(bytes,
            "\x0a\x07\x08\x03\x12\x03"
            "bad");
  const auto partial = DecodeResponse(bytes);
  ASSERT_TRUE(partial.ok());
  EXPECT_EQ(*partial, (PartialSuccess{.rejected = 3, .message = "bad"}));
  EXPECT_FALSE(DecodeResponse("\x0a\x07").ok());
  std::string json;
  EncodeResponseJson(*partial, "rejectedSpans", json);
  EXPECT_EQ(json, R"({"partialSuccess":{"rejectedSpans":"3","errorMessage":"bad"}})");
}

TEST(OtlpTest, JsonFollowsTheMapping) {
  SpanBatch batch;
  const Attribute inner("n", Value::Double(0.1));
  std::string list;
  EncodeElements(ValueType::kKvlist, {&inner, 1}, list);
  batch.attributes = {Attribute("i", Value::Int(-9007199254740993)),
                      Attribute("b", Value::Bytes("\xff\x01")),
                      Attribute("t", Value::Bool(true)),
                      Attribute("l", Value::Kvlist(list)),
                      Attribute("s", Value::String("\xff\"\n")),
                      Attribute("x", Value::Double(std::numeric_limits<double>::infinity()))};
  batch.resources.emplace_back();
  batch.scopes.emplace_back();
  Span& span = batch.spans.emplace_back();
  span.trace = {.high = 0x0102030405060708, .low = 0xab};
  span.span = 0xf;
  span.start_ns = 1'787'000'000'000'000'001;
  span.kind = kKindServer;
  span.attributes = {0, 6};
  std::string json;
  EncodeTracesJson(batch, json);
  EXPECT_EQ(
      json,
      R"({"resourceSpans":[{"resource":{},"scopeSpans":[{"scope":{},"spans":[{)"
      R"("traceId":"010203040506070800000000000000ab","spanId":"000000000000000f","kind":2,)"
      R"("startTimeUnixNano":"1787000000000000001","attributes":[)"
      R"({"key":"i","value":{"intValue":"-9007199254740993"}},)"
      R"({"key":"b","value":{"bytesValue":"/wE="}},)"
      R"({"key":"t","value":{"boolValue":true}},)"
      R"({"key":"l","value":{"kvlistValue":{"values":[{"key":"n","value":{"doubleValue":0.1}}]}}},)"
      "{\"key\":\"s\",\"value\":{\"stringValue\":\"\xef\xbf\xbd\\\"\\u000a\"}},"
      R"({"key":"x","value":{"doubleValue":"Infinity"}}]}]}]}]})");
}

TEST(OtlpTest, AWarmDecoderKeepsItsMemory) {
  SpanBatch batch, made;
  BatchMaker(5).Make(500, made);
  std::string bytes;
  EncodeTraces(made, bytes);
  Decoder decoder{Limits()};
  ASSERT_TRUE(decoder.DecodeTraces(bytes, batch).ok());
  const Span* spans = batch.spans.data();
  const Attribute* attributes = batch.attributes.data();
  ASSERT_TRUE(decoder.DecodeTraces(bytes, batch).ok());
  EXPECT_EQ(batch.spans.data(), spans);
  EXPECT_EQ(batch.attributes.data(), attributes);
}

}  // namespace
}  // namespace ronda::wire::otlp
