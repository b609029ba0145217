#include "api/time_text.h"

#include <fmt/format.h>

#include <ctime>

namespace ronda::api {

std::string TimeText(std::int64_t unix_ns) {
  if (unix_ns <= 0) return "";
  const auto seconds = static_cast<std::time_t>(unix_ns / 1'000'000'000);
  std::tm parts{};
  if (gmtime_r(&seconds, &parts) == nullptr) return "";
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     unix_ns / 1'000'000 % 1000);
}

}  // namespace ronda::api
