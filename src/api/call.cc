#include "api/call.h"

#include <charconv>
#include <utility>

#include "base/json_writer.h"

namespace ronda::api {

std::optional<std::string> Call::Query(std::string_view name) const {
  const auto found = query.find(name);
  if (found == query.end() || found->second.empty()) return std::nullopt;
  return found->second;
}

std::vector<std::string> Call::QueryList(std::string_view name) const {
  std::vector<std::string> all;
  for (auto [at, end] = query.equal_range(name); at != end; ++at) {
    std::string_view rest = at->second;
    while (!rest.empty()) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      if (comma > 0) all.emplace_back(rest.substr(0, comma));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return all;
}

std::uint64_t Call::QueryInteger(std::string_view name, std::uint64_t otherwise) const {
  const auto text = Query(name);
  if (!text) return otherwise;
  std::uint64_t number = otherwise;
  std::from_chars(text->data(), text->data() + text->size(), number);
  return number;
}

bool Call::QueryBool(std::string_view name, bool otherwise) const {
  const auto text = Query(name);
  return text ? *text == "true" : otherwise;
}

std::string Call::BodyText(std::string_view name) const {
  std::string_view text;
  if (!has_body || body[name].get_string().get(text) != simdjson::SUCCESS) return "";
  return std::string(text);
}

std::optional<std::int64_t> Call::BodyInteger(std::string_view name) const {
  std::int64_t number = 0;
  if (!has_body || body[name].get_int64().get(number) != simdjson::SUCCESS) return std::nullopt;
  return number;
}

std::vector<std::string> Call::BodyTexts(std::string_view name) const {
  std::vector<std::string> texts;
  simdjson::dom::array list;
  if (!has_body || body[name].get_array().get(list) != simdjson::SUCCESS) return texts;
  for (const simdjson::dom::element item : list) {
    std::string_view text;
    if (item.get_string().get(text) == simdjson::SUCCESS) texts.emplace_back(text);
  }
  return texts;
}

http::Response ErrorResponse(const http::Request& request, const base::Status& status,
                             const ErrorDetail& detail) {
  base::JsonWriter json;
  json.Object().Field("code", base::NameOf(status.code())).Field("message", status.message());
  if (!detail.hint.empty()) json.Field("hint", detail.hint);
  if (detail.column) json.Field("column", *detail.column);
  json.Field("request_id", request.id).EndObject();
  http::Response response{
      .status = detail.http_status == 0 ? base::HttpStatusOf(status.code()) : detail.http_status,
      .body = std::move(json.out)};
  if (response.status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (response.status == 429 || response.status == 503) {
    response.headers.emplace_back("Retry-After", "1");
  }
  return response;
}

http::Response RefuseAsError(int status, std::string_view why, const http::Request& request) {
  const auto code = [&] {
    switch (status) {
      case 401: return base::Code::kUnauthenticated;
      case 408: return base::Code::kDeadlineExceeded;
      case 429: return base::Code::kResourceExhausted;
      default: return base::Code::kInvalidArgument;
    }
  }();
  return ErrorResponse(request, base::Status(code, std::string(why)), {.http_status = status});
}

std::string PercentDecoded(std::string_view text, Plus plus) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    const char* begin = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(begin, begin + 2, value, 16).ptr == begin + 2) {
      out += static_cast<char>(value);
      i += 2;
    } else {
      out += text[i] == '+' && plus == Plus::kIsSpace ? ' ' : text[i];
    }
  }
  return out;
}

http::Response WithETag(http::Response response, std::string_view tag) {
  response.headers.emplace_back("ETag", "\"" + std::string(tag) + "\"");
  return response;
}

}  // namespace ronda::api
