#pragma once

#include <string_view>

// How metrics that others send are called as series (docs/formats/otlp-metrics.md): trace/ingest writes
// them, trace/query reads them. A series has the metric's name; its labels are the attributes of the point
// and of the resource, by their own names, and these.
namespace ronda::series::metrics {

inline constexpr std::string_view kScope = "otel.scope.name";
inline constexpr std::string_view kUnit = "otel.unit";
inline constexpr std::string_view kService = "service.name";
// Of a summary's series NAME: which quantile.
inline constexpr std::string_view kQuantile = "quantile";
// Behind a summary's name: its series of counts and of sums.
inline constexpr std::string_view kCountSuffix = ".count";
inline constexpr std::string_view kSumSuffix = ".sum";

// Count, by kService: points that were not kept, past the most series that are told apart.
inline constexpr std::string_view kNotKept = "metrics.not_kept";

// A resource with this attribute of this value measures its own spans (docs/formats/red.md).
inline constexpr std::string_view kRed = "ronda.red";
inline constexpr std::string_view kRedAgent = "agent";
// Its histogram of them.
inline constexpr std::string_view kAgentDuration = "ronda.span.duration";

}  // namespace ronda::series::metrics
