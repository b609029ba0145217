#include "engine/report/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/report/report_test_util.h"
#include "engine/report/text.h"
#include "stats/recorder.h"

namespace ronda::engine::report {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kHostile = "<script>alert('x')</script>\x01";

// A run of one step with ten good requests and one bad one whose names want to break out.
class ReportTest : public testing::Test {
 protected:
  ReportTest() {
    shape_.scenarios = {{"buy", "constant-vus"}};
    shape_.steps = {{kHostile, 0, "http.request", stats::StepKind::kExchange}};
    shape_.checks = {{kHostile, 0}};
    aggregator_ = std::make_unique<stats::Aggregator>(
        shape_, stats::Aggregator::Options{.start_ns = kSecond});
    stats::Recorder& recorder = aggregator_->AddRecorder();
    for (int i = 0; i < 11; ++i) {
      stats::Exchange e;
      e.start_ns = kSecond + 100;
      e.end_ns = e.start_ns + 2'000'000;
      e.status = 200;
      e.outcome = i == 0 ? stats::Outcome::kFailed : stats::Outcome::kOk;
      recorder.RecordExchange(e);
      recorder.RecordCheck(0, i == 0 ? stats::CheckResult::kFailed : stats::CheckResult::kPassed);
      recorder.RecordIteration(
          0, 0, e.start_ns, e.end_ns,
          i == 0 ? stats::IterationOutcome::kFailed : stats::IterationOutcome::kOk);
    }
    recorder.RecordFailure(
        {.step = 0, .kind = stats::FailureKind::kCheck, .code = 0, .message = kHostile},
        [](stats::Example& example) { example.response_body = kHostile; });
    recorder.Rotate(2 * kSecond, stats::Recorder::Flush::kFinal);
    aggregator_->Collect(2 * kSecond);
    aggregator_->Finish(2 * kSecond);
    input_.name = kHostile;
    input_.kind = "Scenario";
    input_.end = "done";
    input_.verdict = "1 of 1 thresholds failed";
    input_.duration_ns = kSecond;
    input_.thresholds = {{.text = "drill.errors < 1%",
                          .verdict = stats::ThresholdResult::Verdict::kFailed,
                          .actual = {{"drill.errors", "9.09%"}},
                          .reason = ""}};
    input_.load = aggregator_.get();
  }

  stats::Shape shape_;
  std::unique_ptr<stats::Aggregator> aggregator_;
  ReportInput input_;
};

TEST_F(ReportTest, TheSummaryTellsTheVerdictFirstAndCountsExactly) {
  const std::string text = SummaryText(input_, Paint::kPlain);
  EXPECT_EQ(text.find("FAIL"), 0u);
  EXPECT_THAT(text, HasSubstr("drill.errors = 9.09%"));
  EXPECT_THAT(text, HasSubstr("1 of 11 failed"));
  EXPECT_THAT(text, HasSubstr("11 requests"));
}

TEST_F(ReportTest, NoTextBreaksOutOfHtml) {
  const std::string html = ReportHtml(input_);
  EXPECT_THAT(html, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;alert"));
  EXPECT_THAT(html, Not(HasSubstr("http://")));
  EXPECT_THAT(html, Not(HasSubstr("https://")));
  EXPECT_LT(html.size(), 1'000'000u);
}

TEST_F(ReportTest, JUnitHasEveryThresholdAndCheck) {
  const std::string xml = ReportJUnit(input_);
  EXPECT_THAT(xml, HasSubstr("tests=\"3\" failures=\"3\""));
  EXPECT_THAT(xml, Not(HasSubstr("<script")));
  EXPECT_THAT(xml, Not(HasSubstr("\x01")));
}

TEST_F(ReportTest, JsonCarriesTheFigures) {
  const std::string json = ReportJson(input_);
  EXPECT_THAT(json, HasSubstr("\"totals\":{\"requests\":11,"));
  EXPECT_THAT(json, HasSubstr("\"iterations\":11,\"iterations_failed\":1"));
  EXPECT_THAT(json, HasSubstr("\\u0001"));
}

TEST_F(ReportTest, ARunWithoutAnythingHasAReport) {
  stats::Aggregator empty(shape_, stats::Aggregator::Options{.start_ns = kSecond});
  empty.Finish(kSecond);
  input_.load = &empty;
  EXPECT_THAT(SummaryText(input_, Paint::kPlain), HasSubstr("0 requests"));
  EXPECT_THAT(ReportHtml(input_), HasSubstr("No step came to its end"));
  EXPECT_THAT(ReportJson(input_), Not(HasSubstr("nan")));
}

// Everything there can be too much of, with texts that grow when they are escaped.
TEST(ReportSizeTest, TheHtmlFileStaysBelowOneMegabyteWhateverTheRunWas) {
  TestRun::Like like{.seconds = 15, .errors = 0.5, .steps = {}};
  const std::string hostile = "\"<\x01";
  const auto endless = [&](std::size_t size) {
    std::string text;
    while (text.size() < size) text += hostile;
    return text;
  };
  for (int i = 0; i < 600; ++i)
    like.steps.push_back(std::string(300, hostile[static_cast<std::size_t>(i) % 3]) +
                         std::to_string(i));
  like.body = endless(stats::Example::kBodyLimit);
  TestRun run(like);
  for (int i = 0; i < 500; ++i) {
    const std::string text = endless(2000);
    run.input.warnings.push_back(text);
    run.input.thresholds.push_back({.text = text, .actual = {{text, "1"}}, .reason = ""});
    run.input.guard_events.push_back({.text = text, .reason = text});
  }
  run.input.name = run.input.reason = run.input.environment = run.input.verdict = endless(100'000);
  run.input.end = "aborted";
  const std::string html = ReportHtml(run.input);
  EXPECT_LT(html.size(), 1'000'000u);
  EXPECT_GT(html.size(), 300'000u);
  EXPECT_THAT(html, testing::ContainsRegex("[0-9]+ of 600, the others are in the JSON report"));
  EXPECT_THAT(html, HasSubstr("more thresholds are in the JSON report"));
  EXPECT_THAT(html, HasSubstr("more kinds of errors are in the JSON report"));
  EXPECT_THAT(html, HasSubstr("more checks are in the JSON report"));
}

TEST(ReportSizeTest, WhatFailedIsNotThePartThatIsLeftOut) {
  TestRun::Like like{.seconds = 1, .steps = {}};
  for (int i = 0; i < 600; ++i) like.steps.push_back("step-" + std::to_string(i));
  like.failing_step = 599;
  TestRun run(like);
  for (int i = 0; i < 5000; ++i)
    run.input.thresholds.push_back({.text = "drill.p95 < 1s and drill.p99 < 2s",
                                    .verdict = stats::ThresholdResult::Verdict::kPassed,
                                    .actual = {},
                                    .reason = ""});
  run.input.thresholds.push_back({.text = "drill.errors < 0.01%",
                                  .verdict = stats::ThresholdResult::Verdict::kFailed,
                                  .actual = {},
                                  .reason = ""});
  const std::string html = ReportHtml(run.input);
  EXPECT_THAT(html, HasSubstr("drill.errors &lt; 0.01%"));
  EXPECT_THAT(html,
              testing::ContainsRegex("data-step=\"[0-9]+\"><td class=\"wrap\"><bdi>step-599"));
}

TEST(ReportSizeTest, AnOrdinaryHtmlFileIsSmall) {
  EXPECT_LT(ReportHtml(TestRun({.seconds = 300}).input).size(), 200'000u);
}

TEST(ReportTextTest, NoTextOfOthersReachesTheTerminalAsACommand) {
  TestRun run(
      {.seconds = 1, .errors = 1, .steps = {"\x1b]0;title\x07\x1b[2J", "\xe2\x80\xaetxt.exe"}});
  run.input.name = "\x1b[31m";
  run.input.warnings = {"\x9b\x31m\xc2\x9bx"};
  const std::string text = SummaryText(run.input, Paint::kPlain);
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr("\xc2\x9b")));
  EXPECT_THAT(text, Not(HasSubstr("\xe2\x80\xae")));
  EXPECT_THAT(text, HasSubstr("\\u001b"));
}

TEST(ReportTextTest, NoLineOfTheLiveBlockIsWiderThanTheTerminal) {
  TestRun run({.seconds = 90,
               .errors = 0.1,
               .steps = {"a-step-with-a-very-long-name-that-has-to-be-cut", "שלום"}});
  for (const std::size_t width : {40, 61, 80, 200}) {
    for (const std::string& line :
         LiveBlock(run.load->Look(91 * kSecond), run.shape, Paint::kPlain, width)) {
      EXPECT_LE(Columns(line), width) << line;
    }
  }
}

TEST(ReportTextTest, CsvHasARowForEverySecondOfAllStepsAndOfEach) {
  const TestRun run({.seconds = 5});
  const std::string csv = ReportCsv(run.input);
  EXPECT_THAT(csv, HasSubstr("\r\n0,1,,100,0,"));
  EXPECT_THAT(csv, HasSubstr("\r\n4,1,order,50,0,"));
  const auto columns = [](std::string_view line) {
    return std::count(line.begin(), line.end(), ',');
  };
  const auto head = columns(csv.substr(0, csv.find('\r')));
  for (std::size_t at = 0; at < csv.size();) {
    const std::size_t end = csv.find("\r\n", at);
    EXPECT_EQ(columns(csv.substr(at, end - at)), head);
    at = end + 2;
  }
}

TEST(TextTest, Base64IsReadBackAndNothingElseIs) {
  for (const std::string bytes : {"", "a", "ab", "abc", "\xff\x00\x80\x7f", "any carnal pleas"}) {
    std::string back;
    ASSERT_TRUE(FromBase64(Base64(bytes), back));
    EXPECT_EQ(back, bytes);
  }
  EXPECT_EQ(Base64("Man"), "TWFu");
  EXPECT_EQ(Base64("Ma"), "TWE=");
  std::string out;
  for (const char* bad : {"TWE", "TW=E", "T===", "TW E", "=AAA"})
    EXPECT_FALSE(FromBase64(bad, out)) << bad;
}

TEST(TextTest, WhatIsNoUtf8BecomesTheReplacementCharacter) {
  for (const char* bad : {"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"}) {
    EXPECT_THAT(JsonText(bad), HasSubstr("\xef\xbf\xbd")) << bad;
    EXPECT_THAT(XmlText(bad), HasSubstr("\xef\xbf\xbd")) << bad;
  }
  EXPECT_EQ(JsonText("é€😀"), "\"é€😀\"");
}

TEST(FiguresTest, DurationsAreReadable) {
  EXPECT_EQ(FormatNs(38'000), "38µs");
  EXPECT_EQ(FormatNs(312'400'000), "312ms");
  EXPECT_EQ(FormatRatio(1, 0), "0%");
}

}  // namespace
}  // namespace ronda::engine::report
