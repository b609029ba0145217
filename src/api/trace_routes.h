#pragma once

#include <string>
#include <utility>
#include <vector>

#include "api/router.h"
#include "base/core/clock.h"
#include "trace/query/services.h"
#include "trace/segment/source.h"

namespace ronda::api {

// What traces are asked: Ronda's own routes under /api/v1, and those that the Jaeger UI and Grafana's
// Jaeger source call. Outlives the routers that it was added to; borrows source and clock. Any thread.
class TraceRoutes {
 public:
  TraceRoutes(trace::segment::Source& source, const base::Clock& clock)
      : source_(source), clock_(clock) {}

  void AddTo(Router& router);

 private:
  void AddJaegerTo(Router& router);

  base::Result<http::Response> Trace(const Call& call);
  base::Result<http::Response> Search(const Call& call);
  base::Result<http::Response> Export(const Call& call);
  base::Result<http::Response> Services(const Call& call);
  base::Result<http::Response> Operations(const Call& call);
  base::Result<http::Response> Link(const Call& call);
  http::Response JaegerServices(const Call& call);
  http::Response JaegerOperationNames(const Call& call);
  http::Response JaegerOperations(const Call& call);
  http::Response JaegerTraces(const Call& call);
  http::Response JaegerTrace(const Call& call);
  [[nodiscard]] std::uint64_t Deadline() const;

  trace::segment::Source& source_;
  const base::Clock& clock_;
  trace::query::ServiceCatalog catalog_;
};

// A whole number of the query, or `otherwise` where there is none; InvalidArgument for anything else.
[[nodiscard]] base::Result<std::uint64_t> NumberIn(const Call& call, std::string_view name,
                                                   std::uint64_t otherwise);
// `limit`: 1 to 1000, else 100.
[[nodiscard]] base::Result<std::uint64_t> LimitIn(const Call& call);
// All of `where`, each ATTRIBUTE=VALUE.
[[nodiscard]] base::Result<std::vector<std::pair<std::string, std::string>>> WhereIn(
    const Call& call);
// `step`, a duration of whole 10 s, in seconds; 0 where there is none.
[[nodiscard]] base::Result<std::uint64_t> StepIn(const Call& call);

}  // namespace ronda::api
