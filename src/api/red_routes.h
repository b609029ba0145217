#pragma once

#include "api/router.h"
#include "base/core/clock.h"
#include "series/source.h"
#include "trace/query/red.h"
#include "trace/segment/source.h"

namespace ronda::api {

// What was measured of spans: rate, errors, durations, the service map, exceptions; and the slowest calls.
// Outlives the routers that it was added to; borrows sources and clock. Any thread.
class RedRoutes {
 public:
  RedRoutes(series::Source& red, trace::segment::Source& traces, const base::Clock& clock)
      : red_(red), traces_(traces), clock_(clock) {}

  void AddTo(Router& router);

 private:
  base::Result<http::Response> Red(const Call& call);
  base::Result<http::Response> Map(const Call& call);
  base::Result<http::Response> Exceptions(const Call& call);
  base::Result<http::Response> Slow(const Call& call);
  http::Response JaegerDependencies(const Call& call);
  // Time and filters of a call.
  [[nodiscard]] base::Result<trace::query::RedRequest> RequestOf(const Call& call) const;

  series::Source& red_;
  trace::segment::Source& traces_;
  const base::Clock& clock_;
};

}  // namespace ronda::api
