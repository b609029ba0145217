#pragma once

#include "api/router.h"
#include "base/core/clock.h"
#include "series/source.h"
#include "trace/query/metrics.h"

namespace ronda::api {

// Metrics that others send: which there are, their attributes, their figures over time. Outlives the routers
// that it was added to; borrows source and clock. Any thread.
class MetricRoutes {
 public:
  MetricRoutes(series::Source& metrics, const base::Clock& clock)
      : metrics_(metrics), clock_(clock) {}

  void AddTo(Router& router);

 private:
  // A time asked for, in whole seconds.
  struct Window {
    std::uint64_t from_s = 0, to_s = 0;
  };
  base::Result<http::Response> List(const Call& call);
  base::Result<http::Response> Attributes(const Call& call);
  base::Result<http::Response> Figures(const Call& call);
  [[nodiscard]] base::Result<Window> WindowOf(const Call& call) const;
  [[nodiscard]] base::Result<trace::query::MetricRequest> RequestOf(const Call& call) const;

  series::Source& metrics_;
  const base::Clock& clock_;
};

}  // namespace ronda::api
