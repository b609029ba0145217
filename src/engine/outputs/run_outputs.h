#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/status.h"
#include "engine/report/otlp.h"
#include "engine/report/prometheus.h"
#include "engine/report/samples.h"
#include "engine/run/tap.h"
#include "stats/shape.h"

namespace ronda::engine {

// What leaves a run while it goes on, and where it goes: samples into a file, metrics to a Prometheus
// and on a page, spans to an OTLP collector. Nothing here ever makes the load wait: files and network
// have threads of their own, queues are bounded, and what is lost is counted and told.
//
// Made before the run and closed after it, by the thread that executes it; lives as long as both.
class RunOutputs : public RunTap {
 public:
  struct Options {
    std::string samples_path;  // empty: no samples
    report::SampleFormat samples_format = report::SampleFormat::kNdjson;
    std::string remote_write_url;  // empty: none
    std::string otlp_url;  // empty: no spans
    std::string metrics_address;  // empty: no page
    std::uint64_t remote_write_every_ns = 5'000'000'000;
    // How long Close waits for what is still on its way.
    std::uint64_t flush_limit_ns = 5'000'000'000;
    report::RunLabels labels;
    std::string version;
    // A line for people while the run goes on. Any thread; may be empty.
    std::function<void(std::string_view level, std::string_view text)> say;

    [[nodiscard]] bool any() const {
      return !samples_path.empty() || !remote_write_url.empty() || !otlp_url.empty() ||
             !metrics_address.empty();
    }
  };
  // Opens files and sockets, reads addresses, starts the threads. `shape` is borrowed.
  [[nodiscard]] static base::Result<std::unique_ptr<RunOutputs>> Open(const stats::Shape& shape,
                                                                      Options options);
  ~RunOutputs() override;

  // Where the page is, "127.0.0.1:9464"; empty without one.
  [[nodiscard]] const std::string& metrics_address() const;

  // --- RunTap ---
  [[nodiscard]] SpanSink* Spans(std::uint32_t thread) override;
  [[nodiscard]] stats::SampleChannel* Samples(std::uint32_t thread) override;
  void OnStart() override;
  void OnTick(const stats::Aggregator* load) override;
  void OnEnd(const stats::Aggregator& load) override;

  struct Outcome {
    std::vector<std::string> warnings;  // what was lost, and why
    bool file_failed = false;  // the samples could not be written
  };
  // Sends what is still waiting, within flush_limit_ns, and ends the threads. Once, after the run.
  [[nodiscard]] Outcome Close();

 private:
  struct Impl;
  explicit RunOutputs(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ronda::engine
