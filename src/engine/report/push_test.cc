#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <snappy.h>

#include <map>
#include <protozero/pbf_reader.hpp>
#include <string>
#include <vector>

#include "engine/report/otlp.h"
#include "engine/report/prometheus.h"
#include "engine/report/push.h"
#include "engine/report/report_test_util.h"

namespace ronda::engine::report {
namespace {

using testing::HasSubstr;

// Answers with the statuses that it was given, then with 200; or keeps the answer back.
class FakePoster : public Poster {
 public:
  void Post(PostRequest request, std::function<void(PostResult)> done) override {
    requests.push_back(std::move(request));
    if (hold) {
      held.push_back(std::move(done));
      return;
    }
    PostResult result{200, {}};
    if (!answers.empty()) {
      result = answers.front();
      answers.erase(answers.begin());
    }
    done(result);
  }
  std::vector<PostRequest> requests;
  std::vector<PostResult> answers;
  std::vector<std::function<void(PostResult)>> held;
  bool hold = false;
};

PostRequest Body(std::string text) { return {.headers = {}, .body = std::move(text)}; }

TEST(PushQueueTest, SendsOneAtATimeAndInOrder) {
  FakePoster poster;
  poster.hold = true;
  PushQueue queue(poster, {});
  queue.Offer(Body("a"), 1);
  queue.Offer(Body("b"), 2);
  queue.Tick(0);
  queue.Tick(1);
  ASSERT_EQ(poster.requests.size(), 1u);
  poster.held[0]({200, {}});
  queue.Tick(2);
  ASSERT_EQ(poster.requests.size(), 2u);
  poster.held[1]({204, {}});
  EXPECT_TRUE(queue.idle());
  EXPECT_EQ(queue.counters().sent, 3u);
  EXPECT_EQ(poster.requests[1].body, "b");
}

TEST(PushQueueTest, WhatFindsNoRoomIsDroppedAndCounted) {
  FakePoster poster;
  PushQueue queue(poster, {.most_bodies = 2});
  EXPECT_TRUE(queue.Offer(Body("a"), 10));
  EXPECT_TRUE(queue.Offer(Body("b"), 10));
  EXPECT_FALSE(queue.Offer(Body("c"), 7));
  EXPECT_EQ(queue.counters().dropped, 7u);
}

TEST(PushQueueTest, TriesAgainAfterGrowingPausesAndGivesUpInTheEnd) {
  FakePoster poster;
  poster.answers.assign(10, {503, {}});
  PushQueue queue(poster, {.most_bodies = 4, .first_pause_ns = 100});
  queue.Offer(Body("a"), 3);
  std::vector<std::uint64_t> sent_at;
  for (std::uint64_t now = 0; now < 5000; now += 10) {
    const std::size_t before = poster.requests.size();
    queue.Tick(now);
    if (poster.requests.size() > before) sent_at.push_back(now);
  }
  EXPECT_EQ(sent_at, (std::vector<std::uint64_t>{0, 100, 300, 700, 1500}));
  EXPECT_EQ(queue.counters().dropped, 3u);
  EXPECT_THAT(queue.counters().last_error, HasSubstr("503"));
  EXPECT_TRUE(queue.idle());
}

TEST(PushQueueTest, WhatIsRefusedIsNotSentAgain) {
  FakePoster poster;
  poster.answers = {{400, {}}};
  PushQueue queue(poster, {});
  queue.Offer(Body("a"), 3);
  queue.Tick(0);
  queue.Tick(1'000'000'000'000);
  EXPECT_EQ(poster.requests.size(), 1u);
  EXPECT_EQ(queue.counters().dropped, 3u);
}

TEST(PushQueueTest, AnAnswerMayComeAfterTheQueueIsGone) {
  FakePoster poster;
  poster.hold = true;
  {
    PushQueue queue(poster, {});
    queue.Offer(Body("a"), 1);
    queue.Tick(0);
  }
  poster.held[0]({0, "reset"});
}

TEST(PrometheusTest, ThePageTellsCountersAndCumulativeHistograms) {
  const TestRun run({.seconds = 10, .errors = 0.1, .steps = {"login", "or\"der\n"}});
  const std::string text = PrometheusText(*run.load, {.name = "peak", .run_id = "r1"});
  EXPECT_THAT(text, HasSubstr("# TYPE ronda_latency_seconds histogram\n"));
  EXPECT_THAT(
      text,
      HasSubstr(
          "ronda_steps_total{scenario=\"buy\",step=\"login\",run=\"r1\",run_name=\"peak\"} 500\n"));
  EXPECT_THAT(text, HasSubstr("step=\"or\\\"der \""));
  EXPECT_THAT(text, HasSubstr("ronda_latency_seconds_bucket{scenario=\"buy\",step=\"login\",le=\"+"
                              "Inf\",run=\"r1\",run_name=\"peak\"} 500\n"));
  EXPECT_THAT(
      text,
      HasSubstr("le=\"0.025\",run=\"r1\",run_name=\"peak\"} 500\n"));  // the slowest takes 10.5 ms
  EXPECT_THAT(text, HasSubstr("status=\"503\""));
}

TEST(PrometheusTest, RemoteWriteHasTheSameSeriesWithSortedLabels) {
  const TestRun run({.seconds = 10});
  std::uint64_t count = 0;
  const PostRequest post = PrometheusRemoteWrite(*run.load, {.name = "peak", .run_id = "r1"},
                                                 1'700'000'000 * kSecond, &count);
  std::string message;
  ASSERT_TRUE(snappy::Uncompress(post.body.data(), post.body.size(), &message));
  std::uint64_t series = 0;
  bool found = false;
  for (protozero::pbf_reader request(message); request.next(1); ++series) {
    std::map<std::string, std::string> labels;
    std::string last;
    protozero::pbf_reader time_series = request.get_message();
    while (time_series.next()) {
      const bool is_label = time_series.tag() == 1;  // debug builds forget the tag of what was read
      protozero::pbf_reader part = time_series.get_message();
      if (is_label) {
        std::string name, value;
        while (part.next()) {
          std::string& text = part.tag() == 1 ? name : value;
          text = part.get_string();
        }
        EXPECT_LT(last, name);
        last = name;
        labels[name] = value;
      } else if (labels["__name__"] == "ronda_steps_total" && labels["step"] == "order") {
        double value = 0;
        std::int64_t at = 0;
        while (part.next()) {
          if (part.tag() == 1) {
            value = part.get_double();
          } else {
            at = part.get_int64();
          }
        }
        EXPECT_EQ(value, 500);
        EXPECT_EQ(at, 1'700'000'000'000);
        found = true;
      }
    }
  }
  EXPECT_EQ(series, count);
  EXPECT_TRUE(found);
}

// What a test looks at of an encoded span.
struct ReadSpan {
  std::string trace, id, parent, name;
  std::map<std::string, std::string> texts;
  std::map<std::string, std::int64_t> ints;
  std::int32_t kind = 0, code = 0;
  std::uint64_t start = 0, end = 0;
};

ReadSpan SpanOf(protozero::pbf_reader reader) {
  ReadSpan span;
  while (reader.next()) {
    switch (reader.tag()) {
      case 1: span.trace = reader.get_bytes(); break;
      case 2: span.id = reader.get_bytes(); break;
      case 4: span.parent = reader.get_bytes(); break;
      case 5: span.name = reader.get_string(); break;
      case 6: span.kind = reader.get_enum(); break;
      case 7: span.start = reader.get_fixed64(); break;
      case 8: span.end = reader.get_fixed64(); break;
      case 9: {
        protozero::pbf_reader attribute = reader.get_message();
        std::string key;
        while (attribute.next()) {
          if (attribute.tag() == 1) {
            key = attribute.get_string();
            continue;
          }
          protozero::pbf_reader any = attribute.get_message();
          while (any.next()) {
            if (any.tag() == 1) {
              span.texts[key] = any.get_string();
            } else {
              span.ints[key] = any.get_int64();
            }
          }
        }
        break;
      }
      case 15: {
        protozero::pbf_reader status = reader.get_message();
        while (status.next()) {
          if (status.tag() == 3) {
            span.code = status.get_enum();
          } else {
            status.skip();
          }
        }
        break;
      }
      default: reader.skip();
    }
  }
  return span;
}

TEST(OtlpTest, ABatchHoldsTheSpansWithResourceAndScope) {
  FakePoster poster;
  PushQueue queue(poster, {});
  SpanBatcher batcher(queue,
                      {.service = "ronda", .version = "1", .run_id = "r1", .run_name = "peak"});
  batcher.Flush();
  EXPECT_TRUE(queue.idle());  // nothing is sent for nothing
  batcher.Add({.trace = {1, 2}, .span = 3, .name = "buy", .start_wall_ns = 10, .end_wall_ns = 20});
  batcher.Add({.trace = {1, 2},
               .span = 4,
               .parent = 3,
               .name = "GET login",
               .kind = SpanView::Kind::kClient,
               .start_wall_ns = 11,
               .end_wall_ns = 12,
               .result = SpanView::Result::kError,
               .error = "reset",
               .method = "GET",
               .url = "http://shop/",
               .step = "login",
               .status = 503});
  batcher.Flush();
  queue.Tick(0);
  ASSERT_EQ(poster.requests.size(), 1u);
  EXPECT_EQ(queue.counters().sent, 2u);
  protozero::pbf_reader request(poster.requests[0].body);
  ASSERT_TRUE(request.next(1));
  protozero::pbf_reader resource_spans = request.get_message();
  bool resource = false;
  std::vector<ReadSpan> spans;
  while (resource_spans.next()) {
    if (resource_spans.tag() == 1) {
      EXPECT_THAT(std::string(resource_spans.get_view()), HasSubstr("service.name"));
      resource = true;
      continue;
    }
    protozero::pbf_reader scope_spans = resource_spans.get_message();
    while (scope_spans.next()) {
      if (scope_spans.tag() == 2) {
        spans.push_back(SpanOf(scope_spans.get_message()));
      } else {
        scope_spans.skip();
      }
    }
  }
  EXPECT_TRUE(resource);
  ASSERT_EQ(spans.size(), 2u);
  EXPECT_EQ(spans[0].trace, std::string("\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2", 16));
  EXPECT_EQ(spans[0].parent, "");
  EXPECT_EQ(spans[0].kind, 1);
  EXPECT_EQ(spans[1].parent, spans[0].id);
  EXPECT_EQ(spans[1].kind, 3);
  EXPECT_EQ(spans[1].code, 2);
  EXPECT_EQ(spans[1].start, 11u);
  EXPECT_EQ(spans[1].texts["url.full"], "http://shop/");
  EXPECT_EQ(spans[1].ints["http.response.status_code"], 503);
}

TEST(OtlpTest, ManySpansAreSeveralBatches) {
  FakePoster poster;
  PushQueue queue(poster, {});
  SpanBatcher batcher(queue, {});
  for (std::uint64_t i = 1; i <= 1100; ++i) batcher.Add({.trace = {1, 2}, .span = i, .name = "x"});
  batcher.Flush();
  for (std::uint64_t now = 0; !queue.idle(); ++now) queue.Tick(now);
  EXPECT_EQ(poster.requests.size(), 3u);
  EXPECT_EQ(queue.counters().sent, 1100u);
}

}  // namespace
}  // namespace ronda::engine::report
