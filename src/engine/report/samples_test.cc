#include "engine/report/samples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <vector>

#include "engine/report/report_test_util.h"

namespace ronda::engine::report {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class SampleWriterTest : public testing::Test {
 protected:
  SampleWriterTest() : run_({.seconds = 1, .steps = {"log\"in", "order, all"}}) {}
  ~SampleWriterTest() override { std::remove(path_.c_str()); }

  std::unique_ptr<SampleWriter> Open(SampleFormat format) {
    auto writer = SampleWriter::Open(run_.shape, {.path = path_,
                                                  .format = format,
                                                  .start_ns = kSecond,
                                                  .start_wall_ns = 1'700'000'000 * kSecond});
    EXPECT_TRUE(writer.ok()) << writer.status().ToString();
    return *std::move(writer);
  }
  static stats::Sample SampleOf(stats::StepId step) {
    stats::Sample s;
    s.start_ns = kSecond + 1'500'000;
    s.latency_ns = 2'000'000;
    s.service_ns = 1'000'000;
    s.step = step;
    s.status = 200;
    s.user = 7;
    return s;
  }
  [[nodiscard]] std::vector<std::string> Lines() const {
    std::ifstream file(path_);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }

  TestRun run_;
  const std::string path_ = testing::TempDir() + "samples_test_" + std::to_string(getpid());
};

TEST_F(SampleWriterTest, EverySampleIsALineOfJson) {
  auto writer = Open(SampleFormat::kNdjson);
  stats::SampleChannel& channel = writer->AddChannel();
  writer->Start();
  for (int i = 0; i < 1000; ++i) channel.Push(SampleOf(0));
  channel.Flush();
  const SampleOutcome outcome = writer->Finish();
  EXPECT_EQ(outcome.written, 1000u);
  EXPECT_EQ(outcome.lost, 0u);
  EXPECT_EQ(outcome.Warning(), "");
  const auto lines = Lines();
  ASSERT_EQ(lines.size(), 1001u);
  EXPECT_EQ(lines[0],
            "{\"time_ms\":1700000000001.500,\"scenario\":\"buy\",\"step\":\"log\\\"in\",\"user\":7,"
            "\"iteration\":0,\"status\":200,\"error\":null,"
            "\"ok\":true,\"latency_ms\":2.000000,\"service_ms\":1.000000,\"bytes_in\":0,\"bytes_"
            "out\":0}");
  EXPECT_EQ(lines.back(), "{\"end\":true,\"written\":1000,\"lost\":0}");
}

TEST_F(SampleWriterTest, CsvQuotesWhatNeedsIt) {
  auto writer = Open(SampleFormat::kCsv);
  stats::SampleChannel& channel = writer->AddChannel();
  channel.Push(SampleOf(1));
  channel.Flush();
  EXPECT_EQ(writer->Finish().written, 1u);
  const auto lines = Lines();
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_THAT(lines[0], StartsWith("time_ms,scenario,step,"));
  EXPECT_THAT(lines[1], HasSubstr(",buy,\"order, all\",7,"));
}

// A file size limit is a disk that is full.
TEST_F(SampleWriterTest, OnAFullDiskTheFileStaysSoundAndSaysWhatIsMissing) {
  auto writer = Open(SampleFormat::kNdjson);
  stats::SampleChannel& channel = writer->AddChannel();
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 300'000;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  for (int i = 0; i < 10'000; ++i) channel.Push(SampleOf(0));
  channel.Flush();
  const SampleOutcome outcome = writer->Finish();
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_EQ(outcome.written + outcome.lost, 10'000u);
  EXPECT_GT(outcome.written, 0u);
  EXPECT_THAT(outcome.Warning(), HasSubstr("samples are missing"));
  EXPECT_THAT(outcome.error, HasSubstr(path_));
  const auto lines = Lines();
  EXPECT_EQ(lines.size(), outcome.written + 1);
  std::ostringstream end;
  end << "{\"end\":true,\"written\":" << outcome.written << ",\"lost\":" << outcome.lost << "}";
  EXPECT_EQ(lines.back(), end.str());
}

TEST_F(SampleWriterTest, AFileThatCannotBeMadeIsAnError) {
  const auto writer = SampleWriter::Open(run_.shape, {.path = "/nonexistent/samples"});
  EXPECT_FALSE(writer.ok());
  EXPECT_THAT(writer.status().message(), HasSubstr("/nonexistent/samples"));
}

}  // namespace
}  // namespace ronda::engine::report
