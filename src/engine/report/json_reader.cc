#include <simdjson.h>

#include <algorithm>
#include <utility>

#include "engine/report/report_data.h"
#include "engine/report/text.h"

namespace ronda::engine::report {
namespace {

using simdjson::dom::element;

constexpr std::uint64_t kMostCount = std::uint64_t{1} << 62;

// Reads members of foreign JSON; remembers the first that is missing or of another kind.
class Reader {
 public:
  [[nodiscard]] bool good() const { return wrong_.empty(); }
  [[nodiscard]] const std::string& wrong() const { return wrong_; }
  void Refuse(std::string_view what) {
    if (wrong_.empty()) wrong_ = what;
  }

  element Member(const element& from, std::string_view key) {
    element value;
    if (from[key].get(value) != simdjson::SUCCESS) Refuse(key);
    return value;
  }
  std::string Text(const element& from, std::string_view key) {
    std::string_view text;
    if (from[key].get(text) != simdjson::SUCCESS) Refuse(key);
    return std::string(text);
  }
  bool Bool(const element& from, std::string_view key) {
    bool value = false;
    if (from[key].get(value) != simdjson::SUCCESS) Refuse(key);
    return value;
  }
  std::uint64_t Count(const element& from, std::string_view key) {
    std::uint64_t value = 0;
    if (from[key].get(value) != simdjson::SUCCESS || value > kMostCount) Refuse(key);
    return value;
  }
  double Number(const element& from, std::string_view key) {
    double value = 0;
    if (from[key].get(value) != simdjson::SUCCESS || !(value >= 0 && value < 1e15)) Refuse(key);
    return value;
  }
  std::vector<double> Numbers(const element& from, std::string_view key) {
    std::vector<double> out;
    simdjson::dom::array list;
    if (from[key].get(list) != simdjson::SUCCESS) {
      Refuse(key);
      return out;
    }
    for (const element item : list) {
      double value = 0;
      if (item.get(value) != simdjson::SUCCESS || !(value >= 0 && value < 1e15)) Refuse(key);
      out.push_back(value);
    }
    return out;
  }
  base::Histogram Histogram(const element& from, std::string_view key) {
    std::string_view text;
    std::string bytes;
    if (from[key].get(text) != simdjson::SUCCESS || !FromBase64(text, bytes)) {
      Refuse(key);
      return {};
    }
    auto decoded = base::Histogram::Decode(bytes);
    if (!decoded.ok() || decoded->layout() != base::Histogram::Layout{}) {
      Refuse(key);
      return {};
    }
    return *std::move(decoded);
  }

 private:
  std::string wrong_;
};

ReportData::Measured ReadMeasured(Reader& reader, const element& counters, const element& series,
                                  std::uint32_t warm_up_seconds) {
  ReportData::Measured m;
  m.warm_up_seconds = warm_up_seconds;
  m.requests = reader.Count(counters, "requests");
  m.failed = reader.Count(counters, "failed");
  const element histograms = reader.Member(counters, "histograms");
  if (!reader.good()) return m;
  m.latency = reader.Histogram(histograms, "latency");
  m.service = reader.Histogram(histograms, "service");
  const std::uint64_t width = reader.Count(series, "width");
  if (width == 0 || width > 1'000'000) reader.Refuse("width");
  m.width = static_cast<std::uint32_t>(width);
  m.row_requests = reader.Numbers(series, "requests");
  m.row_failed = reader.Numbers(series, "failed");
  m.row_p50_ms = reader.Numbers(series, "p50_ms");
  m.row_p95_ms = reader.Numbers(series, "p95_ms");
  m.row_p99_ms = reader.Numbers(series, "p99_ms");
  for (const auto* column : {&m.row_failed, &m.row_p50_ms, &m.row_p95_ms, &m.row_p99_ms}) {
    if (column->size() != m.row_requests.size()) reader.Refuse("series");
  }
  if (m.failed > m.requests) reader.Refuse("failed");
  if (m.service.count() != m.requests || m.latency.count() != m.requests)
    reader.Refuse("histograms");
  return m;
}

void ReadBody(Reader& reader, const element& root, ReportData& data) {
  const element run = reader.Member(root, "run");
  const element totals = reader.Member(root, "totals");
  const element series = reader.Member(root, "series");
  if (!reader.good()) return;
  data.passed = reader.Bool(root, "passed");
  data.verdict = reader.Text(root, "verdict");
  data.name = reader.Text(run, "name");
  data.kind = reader.Text(run, "kind");
  data.environment = reader.Text(run, "environment");
  data.run_id = reader.Text(run, "id");
  data.start = reader.Text(run, "start");
  data.digest = reader.Text(run, "digest");
  data.version = reader.Text(run, "ronda");
  data.seconds = reader.Number(run, "seconds");
  const auto warm_up =
      static_cast<std::uint32_t>(std::min(reader.Count(run, "warm_up_s"), std::uint64_t{1} << 30));
  data.dropped = reader.Count(totals, "dropped");
  data.all = ReadMeasured(reader, totals, series, warm_up);
  simdjson::dom::array steps;
  if (root["steps"].get(steps) != simdjson::SUCCESS) reader.Refuse("steps");
  if (!reader.good()) return;
  for (const element step : steps) {
    const element step_series = reader.Member(step, "series");
    std::string id = reader.Text(step, "id");
    if (!reader.good()) return;
    data.steps.push_back(ReadMeasured(reader, step, step_series, warm_up));
    data.steps.back().id = std::move(id);
  }
}

}  // namespace

base::Result<ReportData> ReadReport(std::string_view text) {
  simdjson::dom::parser parser;
  element root;
  if (parser.parse(text.data(), text.size()).get(root) != simdjson::SUCCESS || !root.is_object()) {
    return base::InvalidArgument("it is no JSON object");
  }
  std::string_view format;
  std::uint64_t version = 0;
  if (root["format"].get(format) != simdjson::SUCCESS || format != "ronda-report") {
    return base::InvalidArgument(
        "it is no report of ronda: write one by `ronda run FILE --out json=REPORT`");
  }
  if (root["format_version"].get(version) != simdjson::SUCCESS || version != 1) {
    return base::InvalidArgument(
        "its format_version is not 1: compare it with the ronda that wrote it");
  }
  Reader reader;
  ReportData data;
  ReadBody(reader, root, data);
  if (!reader.good())
    return base::InvalidArgument("its \"" + reader.wrong() + "\" is missing or wrong");
  return data;
}

}  // namespace ronda::engine::report
