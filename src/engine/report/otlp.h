#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/core/ids.h"
#include "engine/report/push.h"

namespace ronda::engine::report {

// A finished span of the engine itself. Texts are borrowed for the call. Times since 1970, ns.
struct SpanView {
  base::TraceId trace;
  std::uint64_t span = 0;      // never 0
  std::uint64_t parent = 0;    // 0: a root
  std::string_view name;
  enum class Kind : std::uint8_t { kInternal = 1, kClient = 3 } kind = Kind::kInternal;
  std::uint64_t start_wall_ns = 0, end_wall_ns = 0;
  enum class Result : std::uint8_t { kUnset = 0, kError = 2 } result = Result::kUnset;
  std::string_view error{};    // what went wrong, with kError
  // Attributes by OpenTelemetry's semantic conventions; left out where empty or 0.
  std::string_view method{}, url{}, step{}, user{};
  int status = 0;              // HTTP
};

// Who the spans are of: attributes of the resource.
struct SpanResource {
  std::string service = "ronda";
  std::string version;
  std::string run_id;
  std::string run_name;
};

// Puts the spans of one thread into OTLP/HTTP requests (opentelemetry-proto 1.x, trace service) and
// these into a queue. Owned by that thread; never waits: when the queue is full the batch is dropped
// and counted there.
class SpanBatcher {
 public:
  static constexpr std::size_t kMostSpans = 512;
  static constexpr std::size_t kMostBytes = 512 * 1024;

  // `queue` is borrowed.
  SpanBatcher(PushQueue& queue, const SpanResource& resource);

  void Add(const SpanView& span);
  // Sends what there is: about once a second, and at the end.
  void Flush();

 private:
  PushQueue& queue_;
  std::string resource_;  // the encoded message
  std::string scope_;
  std::string spans_;  // encoded fields `spans` of ScopeSpans
  std::uint64_t count_ = 0;
};

}  // namespace ronda::engine::report
