#include "engine/report/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stats/recorder.h"

namespace ronda::engine::report {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr const char* kHostile = "<script>alert('x')</script>\x01";

// A run of one step with ten good requests and one bad one whose names want to break out.
class ReportTest : public testing::Test {
 protected:
  ReportTest() {
    shape_.scenarios = {{"buy", "constant-vus"}};
    shape_.steps = {{kHostile, 0, "http.request", stats::StepKind::kExchange}};
    shape_.checks = {{kHostile, 0}};
    aggregator_ = std::make_unique<stats::Aggregator>(shape_, stats::Aggregator::Options{.start_ns = kSecond});
    stats::Recorder& recorder = aggregator_->AddRecorder();
    for (int i = 0; i < 11; ++i) {
      stats::Exchange e;
      e.start_ns = kSecond + 100;
      e.end_ns = e.start_ns + 2'000'000;
      e.status = 200;
      e.outcome = i == 0 ? stats::Outcome::kFailed : stats::Outcome::kOk;
      recorder.RecordExchange(e);
      recorder.RecordCheck(0, i == 0 ? stats::CheckResult::kFailed : stats::CheckResult::kPassed);
      recorder.RecordIteration(0, 0, e.start_ns, e.end_ns, i == 0 ? stats::IterationOutcome::kFailed : stats::IterationOutcome::kOk);
    }
    recorder.RecordFailure({.step = 0, .kind = stats::FailureKind::kCheck, .code = 0, .message = kHostile},
                           [](stats::Example& example) { example.response_body = kHostile; });
    recorder.Rotate(2 * kSecond, stats::Recorder::Flush::kFinal);
    aggregator_->Collect(2 * kSecond);
    aggregator_->Finish(2 * kSecond);
    input_.name = kHostile;
    input_.kind = "Scenario";
    input_.end = "done";
    input_.verdict = "1 of 1 thresholds failed";
    input_.duration_ns = kSecond;
    input_.thresholds = {{.text = "drill.errors < 1%", .verdict = stats::ThresholdResult::Verdict::kFailed, .actual = {{"drill.errors", "9.09%"}}, .reason = ""}};
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

TEST(FiguresTest, DurationsAreReadable) {
  EXPECT_EQ(FormatNs(38'000), "38µs");
  EXPECT_EQ(FormatNs(312'400'000), "312ms");
  EXPECT_EQ(FormatRatio(1, 0), "0%");
}

}  // namespace
}  // namespace ronda::engine::report
