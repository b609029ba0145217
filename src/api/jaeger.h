#pragma once

#include <string_view>

#include "base/core/status.h"
#include "base/json_writer.h"
#include "http/server.h"

// Answers in the form of Jaeger's query service.
namespace ronda::api {

// {"data": ..., "total": ..., ...}
[[nodiscard]] http::Response JaegerAnswer(base::JsonWriter data, std::size_t total);
[[nodiscard]] http::Response JaegerError(int status, std::string_view message,
                                         std::string_view trace = "");
[[nodiscard]] http::Response JaegerError(const base::Status& status);

}  // namespace ronda::api
