#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/core/histogram.h"
#include "wire/otlp/model.h"

namespace ronda::trace::ingest {

// What tail sampling keeps of a service's traces. A trace is kept when any of its spans says so by the
// policy of that span's service, or else if it is one of every `one_in` of the service that asks for
// most of them.
struct SamplingPolicy {
  bool errors = true;  // a span whose status is an error
  // A server's, consumer's or root span that took longer than this quantile of its operation; 1: none.
  double slow = 0.99;
  std::vector<std::string> marked = {};  // an attribute of span or resource: "key" or "key=value"
  std::uint64_t rare = 10;  // an operation of which at most so many spans came; 0: none
  std::uint64_t one_in = 1;  // 1: all; 0: nothing of the rest
};

struct SamplingRules {
  bool on = false;  // off: everything is kept
  std::uint64_t after_ns =
      600'000'000'000;  // received this long ago, a segment's traces are judged
  std::uint64_t remember_ns =
      3'600'000'000'000;  // spans that come this much later get that verdict
  SamplingPolicy rest = {};  // of services that have none of their own
  std::map<std::string, SamplingPolicy, std::less<>> services = {};

  [[nodiscard]] const SamplingPolicy& Of(std::string_view service) const;
};

// How long the spans of each operation took, and how many came, of the hour that goes on and of the one
// before it. Owned by one thread.
class OperationStatistics {
 public:
  // More operations are not known: they are neither slow nor rare.
  static constexpr std::size_t kMost = 10'000;
  // Fewer spans than this say nothing about which one is slow.
  static constexpr std::uint64_t kEnough = 100;

  // `hour` is any number that grows from hour to hour; a smaller one counts as the present hour.
  void Add(std::uint64_t hour, std::string_view service, const wire::otlp::Span& span);
  [[nodiscard]] bool IsSlow(std::string_view service, const wire::otlp::Span& span,
                            double quantile) const;
  // False for one that is not known.
  [[nodiscard]] bool IsRare(std::string_view service, std::string_view operation,
                            std::uint64_t most) const;

 private:
  struct Operation {
    base::Histogram durations{base::Histogram::Layout{.precision_bits = 5}};
    std::uint64_t spans = 0;
  };
  using Operations = std::map<std::pair<std::string, std::string>, Operation, std::less<>>;
  [[nodiscard]] const Operation* Find(const Operations& in, std::string_view service,
                                      std::string_view operation) const;

  std::uint64_t hour_ = 0;
  Operations now_, before_;
};

// Whether a trace is kept, from what is known of its spans. A value: add the spans, then ask.
class Verdict {
 public:
  void Add(const SamplingRules& rules, const OperationStatistics& statistics,
           const wire::otlp::SpanBatch& batch, const wire::otlp::Span& span);
  // `hash` is of the trace id, the same everywhere.
  [[nodiscard]] bool Keeps(std::uint64_t hash) const;

 private:
  bool keep_ = false;
  std::uint64_t one_in_ = 0;
};

}  // namespace ronda::trace::ingest
