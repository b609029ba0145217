#include "cli/trace_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <ostream>

#include "engine/report/text.h"

namespace ronda::cli {

std::vector<base::OptionSpec> ApiOptions(std::vector<base::OptionSpec> more) {
  more.push_back({.name = "api",
                  .type = base::OptionType::kString,
                  .value_name = "URL",
                  .default_text = "http://127.0.0.1:4319",
                  .description = "Where `ronda traces` serves its API."});
  more.push_back({.name = "token",
                  .type = base::OptionType::kString,
                  .secrecy = base::Secrecy::kSecret,
                  .description = "The token that the server wants."});
  return more;
}

namespace {

ServerPlace PlaceOf(const base::Options& options) {
  ServerPlace place{.url = options.String("api"),
                    .token = options.Has("token") ? options.String("token") : ""};
  while (place.url.ends_with('/')) place.url.pop_back();
  return place;
}

base::Status WithAdvice(const base::Status& status) {
  if (status.code() != base::Code::kUnavailable || !status.message().starts_with("no answer")) {
    return status;
  }
  return base::Unavailable(status.message() + "; start `ronda traces`, or say --api URL");
}

}  // namespace

TraceClient::TraceClient(const base::Options& options) : client_(PlaceOf(options)) {}

base::Status TraceClient::Ask(std::string_view method, std::string path, Parameters parameters) {
  return WithAdvice(client_.Send(
      {.method = method, .path = std::move(path), .parameters = std::move(parameters)}));
}

base::Result<simdjson::dom::element> TraceClient::Json(std::string_view method, std::string path,
                                                       Parameters parameters) {
  auto answer = client_.Json(
      {.method = method, .path = std::move(path), .parameters = std::move(parameters)});
  if (!answer.ok()) return WithAdvice(answer.status());
  return answer;
}

base::Result<simdjson::dom::element> TraceClient::Get(std::string path, Parameters parameters) {
  return Json("GET", std::move(path), std::move(parameters));
}

std::optional<std::uint64_t> SinceNs(const base::Options& options, const base::Clock& clock) {
  if (!options.Has("since")) return std::nullopt;
  const std::uint64_t now = clock.WallNs();
  return now - std::min(now, static_cast<std::uint64_t>(options.DurationNs("since")));
}

void PrintNotices(simdjson::dom::element answer, std::ostream& err) {
  for (const simdjson::dom::element notice : ListOf(answer, "notices")) {
    err << "note: " << engine::report::PlainText(std::string(notice.get_string().value_unsafe()))
        << '\n';
  }
}

std::string TimeText(std::uint64_t unix_ns) {
  const auto seconds = static_cast<time_t>(unix_ns / 1'000'000'000);
  std::tm parts{};
  if (gmtime_r(&seconds, &parts) == nullptr) return std::to_string(unix_ns);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     unix_ns / 1'000'000 % 1000);
}

std::string ShortDuration(std::int64_t ns) {
  const double size = std::abs(static_cast<double>(ns));
  const auto in = [&](double unit, std::string_view name) {
    return fmt::format("{:.3g}{}", static_cast<double>(ns) / unit, name);
  };
  if (size < 999.5) return ns == 0 ? "0" : in(1, "ns");
  if (size < 999.5e3) return in(1e3, "us");
  if (size < 999.5e6) return in(1e6, "ms");
  if (size < 999.5e9) return in(1e9, "s");
  return fmt::format("{:.0f}s", static_cast<double>(ns) / 1e9);
}

}  // namespace ronda::cli
