#include "engine/report/prometheus.h"

#include <fmt/format.h>
#include <snappy.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <protozero/pbf_writer.hpp>
#include <utility>
#include <vector>

#include "engine/report/text.h"

namespace ronda::engine::report {
namespace {

// Seconds; Prometheus' own defaults, further down and up.
constexpr double kBounds[] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                              0.25,   0.5,   1,      2.5,   5,    10,    30};

struct Label {
  std::string name, value;
};
struct Series {
  std::string name;             // with _bucket, _sum, _count of a histogram
  std::vector<Label> labels;
  double value = 0;
};
struct Family {
  std::string name;
  std::string_view type, help;
  std::vector<Series> series;
};

class Collector {
 public:
  explicit Collector(const RunLabels& run) : common_{{"run", run.run_id}, {"run_name", run.name}} {}

  std::vector<Family> families;

  void Begin(std::string name, std::string_view type, std::string_view help) {
    families.push_back({std::move(name), type, help, {}});
  }
  void Add(std::vector<Label> labels, double value) {
    AddNamed(families.back().name, std::move(labels), value);
  }
  void AddHistogram(const std::vector<Label>& labels, const base::Histogram& h) {
    const std::string name = families.back().name;
    for (const double bound : kBounds) {
      auto with_bound = labels;
      with_bound.push_back({"le", fmt::format("{}", bound)});
      AddNamed(
          name + "_bucket", std::move(with_bound),
          static_cast<double>(h.CountUpTo(static_cast<std::uint64_t>(std::llround(bound * 1e9)))));
    }
    auto infinite = labels;
    infinite.push_back({"le", "+Inf"});
    AddNamed(name + "_bucket", std::move(infinite), static_cast<double>(h.count()));
    AddNamed(name + "_sum", labels, static_cast<double>(h.SumNs()) / 1e9);
    AddNamed(name + "_count", labels, static_cast<double>(h.count()));
  }

 private:
  void AddNamed(std::string name, std::vector<Label> labels, double value) {
    labels.insert(labels.end(), common_.begin(), common_.end());
    families.back().series.push_back({std::move(name), std::move(labels), value});
  }

  std::vector<Label> common_;
};

void CollectSteps(Collector& c, const stats::Aggregator& load) {
  const stats::Shape& shape = load.shape();
  // One family at a time, each with all steps, as the format wants it.
  const auto each = [&](bool network_only, auto&& f) {
    for (std::size_t i = 0; i < shape.steps.size(); ++i) {
      const stats::StepCounters* step = load.totals().steps[i].get();
      if (step == nullptr || (network_only && shape.steps[i].kind != stats::StepKind::kExchange))
        continue;
      const std::string scenario =
          shape.scenarios.empty() ? "" : shape.scenarios[shape.steps[i].scenario].name;
      f(std::vector<Label>{{"scenario", scenario}, {"step", shape.steps[i].id}}, *step);
    }
  };
  const auto number = [](std::uint64_t n) { return static_cast<double>(n); };
  c.Begin("ronda_steps_total", "counter", "Steps that ended.");
  each(false,
       [&](auto labels, const auto& s) { c.Add(std::move(labels), number(s.service.count())); });
  c.Begin("ronda_steps_failed_total", "counter", "Steps that failed.");
  each(false, [&](auto labels, const auto& s) { c.Add(std::move(labels), number(s.failed)); });
  c.Begin("ronda_responses_total", "counter", "Responses by HTTP status.");
  each(true, [&](auto labels, const auto& s) {
    for (const auto& [status, count] : s.statuses) {
      auto with_status = labels;
      with_status.push_back({"status", std::to_string(status)});
      c.Add(std::move(with_status), number(count));
    }
  });
  c.Begin("ronda_errors_total", "counter", "Exchanges without a response, by the kind of error.");
  each(true, [&](auto labels, const auto& s) {
    for (const auto& [error, count] : s.errors) {
      auto with_error = labels;
      with_error.push_back(
          {"error", error < shape.errors.size() ? shape.errors[error] : std::to_string(error)});
      c.Add(std::move(with_error), number(count));
    }
  });
  c.Begin("ronda_received_bytes_total", "counter", "Bytes received.");
  each(true, [&](auto labels, const auto& s) { c.Add(std::move(labels), number(s.bytes_in)); });
  c.Begin("ronda_sent_bytes_total", "counter", "Bytes sent.");
  each(true, [&](auto labels, const auto& s) { c.Add(std::move(labels), number(s.bytes_out)); });
  c.Begin("ronda_latency_seconds", "histogram",
          "From the intended start of an exchange to its end.");
  each(true, [&](auto labels, const auto& s) { c.AddHistogram(labels, s.Latency()); });
  c.Begin("ronda_service_seconds", "histogram", "From the real start of an exchange to its end.");
  each(true, [&](auto labels, const auto& s) { c.AddHistogram(labels, s.service); });
}

void CollectScenarios(Collector& c, const stats::Aggregator& load) {
  const stats::Shape& shape = load.shape();
  const auto each = [&](auto&& f) {
    for (std::size_t i = 0; i < shape.scenarios.size(); ++i) {
      f(std::vector<Label>{{"scenario", shape.scenarios[i].name}}, load.totals().scenarios[i]);
    }
  };
  c.Begin("ronda_iterations_total", "counter", "Iterations by outcome.");
  each([&](const auto& labels, const auto& s) {
    for (const auto& [outcome, count] : {std::pair{"ok", s.ok}, std::pair{"failed", s.failed},
                                         std::pair{"interrupted", s.interrupted}}) {
      auto with_outcome = labels;
      with_outcome.push_back({"outcome", outcome});
      c.Add(std::move(with_outcome), static_cast<double>(count));
    }
  });
  c.Begin("ronda_dropped_arrivals_total", "counter", "Arrivals given up because no user was free.");
  each([&](const auto& labels, const auto& s) { c.Add(labels, static_cast<double>(s.dropped)); });
  c.Begin("ronda_iteration_seconds", "histogram",
          "From the intended start of an iteration to its end.");
  each([&](const auto& labels, const auto& s) { c.AddHistogram(labels, s.duration); });
  c.Begin("ronda_arrival_lateness_seconds", "histogram",
          "How long after their time arrivals began.");
  each([&](const auto& labels, const auto& s) { c.AddHistogram(labels, s.lateness); });
}

std::vector<Family> Collect(const stats::Aggregator& load, const RunLabels& run) {
  Collector c(run);
  CollectSteps(c, load);
  CollectScenarios(c, load);
  const stats::Shape& shape = load.shape();
  c.Begin("ronda_checks_total", "counter", "Checks by result.");
  for (std::size_t i = 0; i < shape.checks.size(); ++i) {
    const stats::CheckCounters& check = load.totals().checks[i];
    for (const auto& [result, count] :
         {std::pair{"passed", check.passed}, std::pair{"failed", check.failed}}) {
      c.Add({{"check", shape.checks[i].name},
             {"result", result},
             {"step", shape.steps[shape.checks[i].step].id}},
            static_cast<double>(count));
    }
  }
  const stats::Gauges gauges = load.CurrentGauges();
  const auto gauge = [&](const char* name, std::string_view type, std::string_view help,
                         double value) {
    c.Begin(name, type, help);
    c.Add({}, value);
  };
  gauge("ronda_users", "gauge", "Virtual users that are in an iteration.", gauges.users);
  gauge("ronda_connections", "gauge", "Open connections.", gauges.connections);
  gauge("ronda_connections_opened_total", "counter", "Connections opened.",
        static_cast<double>(gauges.connections_opened));
  gauge("ronda_tls_handshakes_total", "counter", "TLS handshakes.",
        static_cast<double>(gauges.tls_handshakes));
  gauge("ronda_measured_seconds", "gauge", "How long the load has been measured.",
        load.MeasuredSeconds());
  std::erase_if(c.families, [](const Family& family) { return family.series.empty(); });
  return std::move(c.families);
}

void AppendLabelValue(std::string_view value, std::string& out) {
  for (const char ch : PlainText(value)) {
    if (ch == '\\' || ch == '"') out += '\\';
    out += ch;
  }
}

std::string NumberText(double v) {
  return v == std::floor(v) && std::abs(v) < 1e15 ? fmt::format("{:.0f}", v) : fmt::format("{}", v);
}

}  // namespace

std::string PrometheusText(const stats::Aggregator& load, const RunLabels& labels) {
  std::string out;
  for (const Family& family : Collect(load, labels)) {
    fmt::format_to(std::back_inserter(out), "# HELP {} {}\n# TYPE {} {}\n", family.name,
                   family.help, family.name, family.type);
    for (const Series& series : family.series) {
      out += series.name;
      char separator = '{';
      for (const Label& label : series.labels) {
        out += separator;
        out.append(label.name).append("=\"");
        AppendLabelValue(label.value, out);
        out += '"';
        separator = ',';
      }
      fmt::format_to(std::back_inserter(out), "}} {}\n", NumberText(series.value));
    }
  }
  return out;
}

PostRequest PrometheusRemoteWrite(const stats::Aggregator& load, const RunLabels& labels,
                                  std::uint64_t wall_ns, std::uint64_t* count) {
  *count = 0;
  std::string message;
  protozero::pbf_writer request(message);
  for (Family& family : Collect(load, labels)) {
    for (Series& series : family.series) {
      ++*count;
      series.labels.push_back({"__name__", series.name});
      std::ranges::sort(series.labels, {}, &Label::name);  // receivers want them in order
      protozero::pbf_writer time_series(request, 1);
      for (const Label& label : series.labels) {
        protozero::pbf_writer pair(time_series, 1);
        pair.add_string(1, label.name);
        pair.add_string(2, PlainText(label.value));
      }
      protozero::pbf_writer sample(time_series, 2);
      sample.add_double(1, series.value);
      sample.add_int64(2, static_cast<std::int64_t>(wall_ns / 1'000'000));
    }
  }
  PostRequest post;
  post.headers = {{"Content-Type", "application/x-protobuf"},
                  {"Content-Encoding", "snappy"},
                  {"X-Prometheus-Remote-Write-Version", "0.1.0"}};
  snappy::Compress(message.data(), message.size(), &post.body);
  return post;
}

}  // namespace ronda::engine::report
