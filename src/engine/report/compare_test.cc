#include "engine/report/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/report/report_test_util.h"

namespace ronda::engine::report {
namespace {

using testing::HasSubstr;
using testing::Not;

ReportData DataOf(const TestRun::Like& like) {
  const TestRun run(like);
  auto data = ReadReport(ReportJson(run.input));
  EXPECT_TRUE(data.ok()) << data.status().ToString();
  return *std::move(data);
}

Change VerdictOf(const Comparison& comparison, const std::string& step, const std::string& figure) {
  for (const ComparedFigure& f : comparison.figures) {
    if (f.step == step && f.name == figure) return f.verdict;
  }
  ADD_FAILURE() << "no figure " << step << " " << figure;
  return Change::kUnknown;
}

TEST(ReadReportTest, WhatIsReadBackIsWhatWasMeasuredBucketForBucket) {
  const TestRun run({.errors = 0.1});
  const auto data = ReadReport(ReportJson(run.input));
  ASSERT_TRUE(data.ok()) << data.status().ToString();
  EXPECT_EQ(data->all.latency, run.load->totals().all.Latency());
  EXPECT_EQ(data->all.requests, 3000u);
  EXPECT_EQ(data->all.failed, run.load->totals().all.failed);
  ASSERT_EQ(data->steps.size(), 2u);
  EXPECT_EQ(data->steps[1].id, "order");
  EXPECT_EQ(data->steps[1].service, run.load->totals().steps[1]->service);
  EXPECT_EQ(data->all.row_requests.size(), run.load->rows().size());
}

TEST(ReadReportTest, WhatIsNoReportIsRefusedWithTheReason) {
  EXPECT_THAT(ReadReport("{").status().message(), HasSubstr("no JSON"));
  EXPECT_THAT(ReadReport("[1]").status().message(), HasSubstr("no JSON object"));
  EXPECT_THAT(ReadReport("{\"format\":\"x\"}").status().message(), HasSubstr("no report of ronda"));
  EXPECT_THAT(ReadReport("{\"format\":\"ronda-report\",\"format_version\":2}").status().message(),
              HasSubstr("format_version"));
  const TestRun run({.seconds = 2});
  std::string json = ReportJson(run.input);
  const std::size_t at = json.find("\"requests\":200");
  ASSERT_NE(at, std::string::npos);
  json.replace(at, 14, "\"requests\":201");
  EXPECT_THAT(ReadReport(json).status().message(), HasSubstr("histograms"));
}

TEST(CompareTest, TwoRunsOfTheSameAreTheSame) {
  const Comparison comparison = Compare(DataOf({.seed = 1}), DataOf({.seed = 2}));
  EXPECT_FALSE(comparison.worse());
  for (const ComparedFigure& f : comparison.figures)
    EXPECT_EQ(f.verdict, Change::kSame)
        << f.step << " " << f.name << " " << f.change << " " << f.noise;
}

TEST(CompareTest, ASlowerRunIsWorseAndTheOtherWayRoundBetter) {
  const Comparison worse = Compare(DataOf({.seed = 1}), DataOf({.slower = 1.3, .seed = 2}));
  for (const char* figure : {"p50", "p95", "p99"}) {
    EXPECT_EQ(VerdictOf(worse, "", figure), Change::kWorse) << figure;
    EXPECT_EQ(VerdictOf(worse, "order", figure), Change::kWorse) << figure;
  }
  EXPECT_EQ(VerdictOf(worse, "", "rate"), Change::kSame);
  EXPECT_TRUE(worse.worse());
  const Comparison better = Compare(DataOf({.slower = 1.3, .seed = 2}), DataOf({.seed = 1}));
  EXPECT_EQ(VerdictOf(better, "", "p95"), Change::kBetter);
  EXPECT_FALSE(better.worse());
}

TEST(CompareTest, NewErrorsAreWorse) {
  const Comparison comparison = Compare(DataOf({.seed = 1}), DataOf({.errors = 0.02, .seed = 2}));
  EXPECT_EQ(VerdictOf(comparison, "", "errors"), Change::kWorse);
  EXPECT_EQ(
      VerdictOf(Compare(DataOf({.errors = 0.02, .seed = 2}), DataOf({.seed = 1})), "", "errors"),
      Change::kBetter);
}

TEST(CompareTest, AFewSecondsSayNothing) {
  const Comparison comparison =
      Compare(DataOf({.seconds = 5}), DataOf({.seconds = 5, .slower = 2}));
  for (const ComparedFigure& f : comparison.figures) EXPECT_EQ(f.verdict, Change::kUnknown);
  EXPECT_THAT(ComparisonText(comparison, Paint::kPlain), HasSubstr("cannot be judged"));
}

TEST(CompareTest, ComparingTwiceGivesTheSame) {
  const ReportData a = DataOf({.seed = 1}), b = DataOf({.slower = 1.05, .seed = 2});
  EXPECT_EQ(ComparisonJson(Compare(a, b)), ComparisonJson(Compare(a, b)));
}

TEST(CompareTest, StepsOfOneRunOnlyAreTold) {
  const Comparison comparison =
      Compare(DataOf({.steps = {"login", "<b>old"}}), DataOf({.steps = {"login", "new"}}));
  EXPECT_EQ(comparison.only_in_a, std::vector<std::string>{"<b>old"});
  EXPECT_EQ(comparison.only_in_b, std::vector<std::string>{"new"});
  EXPECT_THAT(ComparisonText(comparison, Paint::kPlain),
              HasSubstr("only the second run has the step new"));
  EXPECT_THAT(ComparisonHtml(comparison), Not(HasSubstr("<b>old")));
  EXPECT_THAT(ComparisonJson(comparison), HasSubstr("\"only_in_b\":[\"new\"]"));
}

}  // namespace
}  // namespace ronda::engine::report
