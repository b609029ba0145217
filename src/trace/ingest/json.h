#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/core/status.h"

namespace ronda::trace::ingest {

// Reads OTLP/JSON (opentelemetry-proto, "JSON Protobuf Encoding") into the protobuf it stands for, so
// that limits, log and replay are the same for both. simdjson stands behind it. Owned by one thread;
// keep one.
//
// Ids are hex in any case; enums integers or their names; 64-bit integers numbers or texts; names
// lowerCamelCase; unknown names and null are passed over. An id that is no hex becomes one of a wrong
// size, which the decoder refuses with its span only.
class JsonReader {
 public:
  JsonReader();
  ~JsonReader();
  JsonReader(const JsonReader&) = delete;
  JsonReader& operator=(const JsonReader&) = delete;

  // `out` becomes an ExportTraceServiceRequest. InvalidArgument, with the place, when `json` is not
  // JSON or a value has the wrong type.
  [[nodiscard]] base::Status ReadTraces(std::string_view json, std::string& out);
  // The same for an ExportLogsServiceRequest.
  [[nodiscard]] base::Status ReadLogs(std::string_view json, std::string& out);
  // The same for an ExportMetricsServiceRequest; exemplars and metadata are passed over.
  [[nodiscard]] base::Status ReadMetrics(std::string_view json, std::string& out);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ronda::trace::ingest
