#pragma once

#include <string_view>

// How the rate, errors and durations of spans are called as series: trace/ingest writes them, trace/query
// reads them (docs/formats/red.md).
namespace ronda::series::red {

// Histogram: a measurement for each span.
inline constexpr std::string_view kDuration = "span.duration";
// Count: exceptions that spans recorded.
inline constexpr std::string_view kExceptions = "span.exceptions";

// Labels.
inline constexpr std::string_view kEnvironment = "environment";
inline constexpr std::string_view kError = "error";  // "1": the span's status is error
inline constexpr std::string_view kException = "exception";  // its type
inline constexpr std::string_view kFingerprint = "fingerprint";  // 16 hex digits, of its frames
inline constexpr std::string_view kFrame = "frame";  // the innermost one, as text
inline constexpr std::string_view kKind = "kind";  // "server", "client", ...
inline constexpr std::string_view kOperation = "operation";  // the span's name
inline constexpr std::string_view kPeer = "peer";
inline constexpr std::string_view kRun = "run";  // a drill's
inline constexpr std::string_view kService = "service";
inline constexpr std::string_view kTechnology = "technology";  // "http", "db/postgresql", ...

// Instead of a value past the most that are told apart.
inline constexpr std::string_view kOther = "(other)";

}  // namespace ronda::series::red
