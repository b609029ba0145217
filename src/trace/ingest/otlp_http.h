#pragma once

#include <string_view>

#include "http/server.h"
#include "trace/ingest/lanes.h"

namespace ronda::trace::ingest {

// OTLP/HTTP (opentelemetry-proto, "OTLP/HTTP"): POST /v1/traces and /v1/logs, as protobuf or JSON,
// answered in the same. 200 when it is stored, with partial_success when something was refused or cut; 400 and 413 must
// not be sent again; 429 (no memory) and 503 (no disk) may, after Retry-After. Any thread.
class OtlpHttp {
 public:
  static constexpr std::string_view kReceiver = "otlp-http";

  // `lanes` outlives the server that this is the handler of.
  explicit OtlpHttp(Lanes& lanes) : lanes_(lanes) {}

  // http::Handler
  void Handle(http::Request request, http::Reply reply);
  // http::Refuse
  [[nodiscard]] http::Response Refuse(int status, std::string_view why,
                                      const http::Request& request);

 private:
  Lanes& lanes_;
};

}  // namespace ronda::trace::ingest
