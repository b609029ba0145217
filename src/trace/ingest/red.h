#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "series/open_points.h"
#include "trace/ingest/red_cache.h"
#include "wire/otlp/model.h"

namespace ronda::trace::ingest {

// What of a service is told apart; past the most of one kind, values are "(other)".
enum class RedValue : std::uint8_t {
  kOperation,
  kTechnology,
  kPeer,
  kEnvironment,
  kRun,
  kException,
  kFingerprint,
};
inline constexpr std::size_t kRedValues = 7;

struct RedLimits {
  std::size_t services = 10'000;
  // Of each service, in the order of RedValue.
  std::array<std::size_t, kRedValues> values = {1000, 50, 500, 20, 500, 200, 1000};
};

// Measures spans as they come: rate, errors and durations, and exceptions (docs/formats/red.md). What is
// told apart is limited for each hour of receipt. Owned by one thread at a time.
class RedMeter {
 public:
  explicit RedMeter(const RedLimits& limits = {}) : limits_(limits) {}

  // Adds a measurement for each span that `batch` has. The same batch received at the same time gives the
  // same number of measurements, whatever came before.
  void Measure(const wire::otlp::SpanBatch& batch, std::uint64_t received_ns);
  // What was measured since the beginning or the last Clear.
  [[nodiscard]] const series::OpenPoints& open() const { return open_; }
  void Clear();

 private:
  // Of a resource; borrowed.
  struct Sender {
    std::string_view service, environment, run;
    bool measures_itself = false;  // ronda.red = agent
  };
  // What a span's series is called; borrowed.
  struct Names {
    std::string_view service = {}, environment = {}, run = {}, operation = {}, kind = {},
                     technology = {}, peer = {};
    bool error = false;
  };
  using Known = std::array<std::set<std::string, std::less<>>, kRedValues>;

  [[nodiscard]] static Sender SenderOf(const wire::otlp::SpanBatch& batch,
                                       const wire::otlp::Resource& resource);
  // The series of a span of this sender, by a cache of what spans say literally.
  [[nodiscard]] std::uint32_t SeriesOf(const wire::otlp::SpanBatch& batch,
                                       const wire::otlp::Span& span, const Sender& sender);
  // The names with which it is counted, within the limits.
  [[nodiscard]] Names NamesOf(const wire::otlp::SpanBatch& batch, const wire::otlp::Span& span,
                              const Sender& sender);
  void MeasureExceptions(const wire::otlp::SpanBatch& batch, const wire::otlp::Span& span,
                         const Sender& sender, std::uint64_t time_s);
  void PutExceptions();
  [[nodiscard]] Known& KnownOf(std::string_view& service);
  // Sets limited_ when it is not the text itself.
  [[nodiscard]] std::string_view Limited(Known& known, RedValue value, std::string_view text);
  void ForgetEachHour(std::uint64_t received_s);

  RedLimits limits_;
  series::OpenPoints open_;
  RedCache cache_;
  std::uint64_t hour_ = 0;
  std::map<std::string, Known, std::less<>> known_;  // by service
  bool limited_ = false;
  std::vector<Sender> senders_;
  std::string key_, said_, peer_, technology_;
  // Of the batch: a request may have many of the same.
  std::map<std::pair<std::string, std::uint64_t>, std::uint64_t> exceptions_;
};

}  // namespace ronda::trace::ingest
