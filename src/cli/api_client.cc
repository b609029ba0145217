#include "cli/api_client.h"

#include <fmt/format.h>

#include <strings.h>
#include <algorithm>
#include <ostream>

#include "base/json_writer.h"
#include "engine/report/text.h"
#include "net/codec/url.h"
#include "net/http_client.h"
#include "net/reactor.h"

namespace ronda::cli {
namespace {

using simdjson::dom::element;

// Keeps the one answer and ends the loop.
class Waiting : public net::ExchangeHandler {
 public:
  Waiting(net::Reactor& reactor, std::string& body, Parameters& headers)
      : reactor_(reactor), body_(body), headers_(headers) {}
  void OnResponse(const net::HttpResponse& response) override {
    status = response.status;
    body_ = response.body;
    for (const net::HeaderView& header : response.headers) {
      headers_.emplace_back(header.name, header.value);
    }
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
  Parameters& headers_;
};

base::Code CodeOf(int status) {
  switch (status) {
    case 400: return base::Code::kInvalidArgument;
    case 401: return base::Code::kUnauthenticated;
    case 403: return base::Code::kPermissionDenied;
    case 404: return base::Code::kNotFound;
    case 409: return base::Code::kAlreadyExists;
    case 412:
    case 428: return base::Code::kFailedPrecondition;
    case 429: return base::Code::kResourceExhausted;
    case 504: return base::Code::kDeadlineExceeded;
    default: return status >= 500 ? base::Code::kUnavailable : base::Code::kUnknown;
  }
}

std::string TargetOf(const ApiRequest& request) {
  std::string target = request.path;
  char separator = '?';
  for (const auto& [name, value] : request.parameters) {
    target += separator;
    target += name + "=";
    net::AppendPercentEncoded(value, target);
    separator = '&';
  }
  return target;
}

}  // namespace

base::Result<ApiClient> ApiClient::Of(const Invocation& invocation, const Context& context) {
  ASSIGN_OR_RETURN(ServerPlace place, FindServer(invocation.options, context));
  return ApiClient(std::move(place));
}

base::Status ApiClient::Fetch(const ApiRequest& asked, const std::string& url) {
  std::string storage;
  ASSIGN_OR_RETURN(const net::Url parsed, net::ParseUrl(url, storage));
  ASSIGN_OR_RETURN(const auto reactor, net::Reactor::Create());
  const net::Transport transport;
  const auto client = net::HttpClient::Create(*reactor, {});
  net::HttpSession session;
  const std::string authorization = "Bearer " + place_.token;
  std::vector<net::HeaderView> headers;
  if (!place_.token.empty()) headers.push_back({"Authorization", authorization});
  if (!asked.body.empty()) headers.push_back({"Content-Type", asked.content_type});
  for (const auto& [name, value] : asked.headers) headers.push_back({name, value});
  headers_.clear();
  Waiting waiting(*reactor, body_, headers_);
  net::HttpRequest request;
  request.method = asked.method;
  request.tls = parsed.tls;
  request.host = parsed.host;
  request.port = parsed.port;
  request.authority = parsed.authority;
  request.target = parsed.target;
  request.headers = headers;
  request.body = asked.body;
  request.transport = &transport;
  request.keep_body = std::uint64_t{1} << 30;
  client->Send(session, request, waiting);
  reactor->Run();
  if (!waiting.failure.empty()) {
    return base::Unavailable("no answer from " + place_.url + ": " + waiting.failure);
  }
  status_ = waiting.status;
  return base::Ok();
}

base::Status ApiClient::ErrorOf() {
  element json;
  std::string message;
  if (parser_.parse(body_).get(json) == simdjson::SUCCESS) {
    message = TextOf(json, "message");
    const std::string hint = TextOf(json, "hint");
    if (!hint.empty() && message.find(hint) == message.npos) message += "; " + hint;
  }
  if (message.empty()) message = fmt::format("{} answers with status {}", place_.url, status_);
  if (status_ == 401 && place_.token.empty()) message += "; ronda login makes one";
  // Lines stay lines: errors of definitions show the place.
  std::string plain;
  for (std::string_view rest = message; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    (plain += plain.empty() ? "" : "\n") +=
        engine::report::PlainText(std::string(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return base::Status(CodeOf(status_), std::move(plain));
}

base::Status ApiClient::Send(const ApiRequest& request) {
  RETURN_IF_ERROR(Fetch(request, place_.url + TargetOf(request)));
  return status_ < 300 ? base::Ok() : ErrorOf();
}

base::Result<element> ApiClient::Json(const ApiRequest& request) {
  RETURN_IF_ERROR(Send(request));
  element json;
  if (parser_.parse(body_).get(json) != simdjson::SUCCESS) {
    return base::Unavailable(place_.url + " answers with something that is no JSON");
  }
  return json;
}

base::Result<element> ApiClient::Get(std::string path, Parameters parameters) {
  return Json({.path = std::move(path), .parameters = std::move(parameters)});
}

base::Status ApiClient::EachOf(const std::string& path, Parameters parameters,
                               std::string_view member, const std::function<void(element)>& each) {
  std::string cursor;
  do {
    Parameters page = parameters;
    if (!cursor.empty()) page.emplace_back("cursor", cursor);
    ASSIGN_OR_RETURN(const element answer, Get(path, std::move(page)));
    for (const element item : ListOf(answer, member)) each(item);
    cursor = TextOf(answer, "next");
  } while (!cursor.empty());
  return base::Ok();
}

std::string ApiClient::Header(std::string_view name) const {
  for (const auto& [key, value] : headers_) {
    if (key.size() == name.size() && strncasecmp(key.data(), name.data(), key.size()) == 0) {
      return value;
    }
  }
  return "";
}

std::string Encoded(std::string_view text) {
  std::string encoded;
  net::AppendPercentEncoded(text, encoded);
  return encoded;
}

std::string TextOf(element object, std::string_view key) {
  std::string_view text;
  return object[key].get_string().get(text) == simdjson::SUCCESS ? std::string(text) : "";
}

std::string PlainTextOf(element object, std::string_view key) {
  return engine::report::PlainText(TextOf(object, key));
}

std::int64_t NumberOf(element object, std::string_view key) {
  std::int64_t number = 0;
  return object[key].get_int64().get(number) == simdjson::SUCCESS ? number : 0;
}

simdjson::dom::array ListOf(element object, std::string_view key) {
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

base::OptionSpec ReasonOption() {
  return {.name = "reason",
          .type = base::OptionType::kString,
          .value_name = "TEXT",
          .scope = base::OptionScope::kFlagOnly,
          .description = "Why; the audit keeps it."};
}

Parameters ReasonHeader(const base::Options& options) {
  if (!options.Has("reason")) return {};
  std::string reason = options.String("reason");
  std::ranges::replace_if(reason, [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return {{"X-Reason", std::move(reason)}};
}

void PrintTable(const std::vector<std::vector<std::string>>& rows, std::ostream& out) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += i + 1 < row.size() ? engine::report::PadRight(row[i], widths[i] + 2) : row[i];
    }
    out << line.substr(0, line.find_last_not_of(' ') + 1) << '\n';
  }
}

}  // namespace ronda::cli
