#include "cli/trace_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <ostream>

#include "engine/report/text.h"
#include "net/codec/url.h"
#include "net/http_client.h"
#include "net/reactor.h"

namespace ronda::cli {
namespace {

// Keeps the one answer and ends the loop.
class Waiting : public net::ExchangeHandler {
 public:
  Waiting(net::Reactor& reactor, std::string& body) : reactor_(reactor), body_(body) {}
  void OnResponse(const net::HttpResponse& response) override {
    status = response.status;
    body_ = response.body;
    reactor_.Stop();
  }
  void OnError(const net::ExchangeError& error) override {
    failure = std::string(NameOf(error.kind)) + ": " + std::string(error.detail);
    reactor_.Stop();
  }

  int status = 0;
  std::string failure;

 private:
  net::Reactor& reactor_;
  std::string& body_;
};

base::Code CodeOf(int status) {
  switch (status) {
    case 400: return base::Code::kInvalidArgument;
    case 401: return base::Code::kUnauthenticated;
    case 404: return base::Code::kNotFound;
    case 409: return base::Code::kAlreadyExists;
    case 504: return base::Code::kDeadlineExceeded;
    default: return status >= 500 ? base::Code::kUnavailable : base::Code::kUnknown;
  }
}

}  // namespace

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

TraceClient::TraceClient(const base::Options& options) : api_(options.String("api")) {
  while (api_.ends_with('/')) api_.pop_back();
  if (options.Has("token")) authorization_ = "Bearer " + options.String("token");
}

base::Status TraceClient::Fetch(std::string_view method, const std::string& url, int& status) {
  std::string storage;
  ASSIGN_OR_RETURN(const net::Url parsed, net::ParseUrl(url, storage));
  ASSIGN_OR_RETURN(const auto reactor, net::Reactor::Create());
  const net::Transport transport;
  const auto client = net::HttpClient::Create(*reactor, {});
  net::HttpSession session;
  std::vector<net::HeaderView> headers;
  if (!authorization_.empty()) headers.push_back({"Authorization", authorization_});
  Waiting waiting(*reactor, body_);
  net::HttpRequest request;
  request.method = method;
  request.tls = parsed.tls;
  request.host = parsed.host;
  request.port = parsed.port;
  request.authority = parsed.authority;
  request.target = parsed.target;
  request.headers = headers;
  request.transport = &transport;
  request.keep_body = std::uint64_t{1} << 30;
  client->Send(session, request, waiting);
  reactor->Run();
  if (!waiting.failure.empty()) {
    return base::Unavailable("no answer from " + api_ + ": " + waiting.failure +
                             "; start `ronda traces`, or say --api URL");
  }
  status = waiting.status;
  return base::Ok();
}

base::Status TraceClient::Ask(std::string_view method, std::string path,
                              const std::vector<std::pair<std::string, std::string>>& parameters) {
  char separator = '?';
  for (const auto& [name, value] : parameters) {
    path += separator;
    path += name + "=";
    net::AppendPercentEncoded(value, path);
    separator = '&';
  }
  int status = 0;
  RETURN_IF_ERROR(Fetch(method, api_ + path, status));
  if (status == 200) return base::Ok();
  simdjson::dom::element json;
  const bool readable = parser_.parse(body_).get(json) == simdjson::SUCCESS;
  const std::string message = readable ? TextOf(json, "message") : "";
  return base::Status(CodeOf(status), message.empty()
                                          ? fmt::format("{} answers with status {}", api_, status)
                                          : message);
}

base::Result<simdjson::dom::element> TraceClient::Json(
    std::string_view method, std::string path,
    const std::vector<std::pair<std::string, std::string>>& parameters) {
  RETURN_IF_ERROR(Ask(method, std::move(path), parameters));
  simdjson::dom::element json;
  if (parser_.parse(body_).get(json) != simdjson::SUCCESS) {
    return base::Unavailable(api_ + " answers with something that is no JSON");
  }
  return json;
}

base::Result<simdjson::dom::element> TraceClient::Get(
    std::string path, const std::vector<std::pair<std::string, std::string>>& parameters) {
  return Json("GET", std::move(path), parameters);
}

std::string TextOf(simdjson::dom::element object, std::string_view key) {
  std::string_view text;
  return object[key].get_string().get(text) == simdjson::SUCCESS ? std::string(text) : "";
}

std::int64_t NumberOf(simdjson::dom::element object, std::string_view key) {
  std::int64_t number = 0;
  return object[key].get_int64().get(number) == simdjson::SUCCESS ? number : 0;
}

simdjson::dom::array ListOf(simdjson::dom::element object, std::string_view key) {
  static simdjson::dom::parser parser;
  static const simdjson::dom::array none =
      parser.parse(std::string_view("[]")).get_array().value_unsafe();
  simdjson::dom::array list;
  return object[key].get_array().get(list) == simdjson::SUCCESS ? list : none;
}

base::OptionSpec JsonOption() {
  return {.name = "json",
          .type = base::OptionType::kSwitch,
          .scope = base::OptionScope::kFlagOnly,
          .description = "Print the API's answer as it is."};
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
