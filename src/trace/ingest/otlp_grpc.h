#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/core/status.h"
#include "http/server.h"
#include "trace/ingest/lanes.h"

namespace ronda::trace::ingest {

struct OtlpGrpcOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0: a free one
  std::string bearer_token = {};  // empty: everybody may
  http::Tls tls = {};  // no files: plain HTTP/2
  std::chrono::milliseconds drain{10'000};  // Stop waits for answers this long
};

// OTLP/gRPC (opentelemetry-proto, "OTLP/gRPC"): Export of
// opentelemetry.proto.collector.trace.v1.TraceService and of ...logs.v1.LogsService.
// No memory or no disk now: UNAVAILABLE with a RetryInfo; bad bytes: INVALID_ARGUMENT; too many:
// RESOURCE_EXHAUSTED, which must not be sent again. gRPC C++ stands behind it, with its own threads.
class OtlpGrpc {
 public:
  static constexpr std::string_view kReceiver = "otlp-grpc";

  // `lanes` outlives it. Unavailable when the address cannot be bound; the failure of a file of `tls`.
  [[nodiscard]] static base::Result<std::unique_ptr<OtlpGrpc>> Start(const OtlpGrpcOptions& options,
                                                                     Lanes& lanes);
  ~OtlpGrpc();
  OtlpGrpc(const OtlpGrpc&) = delete;
  OtlpGrpc& operator=(const OtlpGrpc&) = delete;

  // Accepts no more, lets calls that were begun have their answers, and ends. Idempotent.
  void Stop();
  [[nodiscard]] std::uint16_t port() const;

 private:
  class Service;
  explicit OtlpGrpc(std::unique_ptr<Service> service);
  std::unique_ptr<Service> service_;
};

}  // namespace ronda::trace::ingest
