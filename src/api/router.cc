#include "api/router.h"

#include <charconv>
#include <utility>

#include "base/json_writer.h"

namespace ronda::api {
namespace {

// The piece up to `end`, cut off with it.
std::string_view Take(std::string_view& text, char end) {
  const std::size_t at = text.find(end);
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(at == text.npos ? text.size() : at + 1);
  return taken;
}

bool Matches(std::string_view pattern, std::string_view path,
             std::map<std::string, std::string, std::less<>>& names) {
  names.clear();
  while (!pattern.empty() && !path.empty()) {
    const std::string_view expected = Take(pattern, '/');
    const std::string_view given = Take(path, '/');
    if (expected.starts_with('{')) {
      if (given.empty()) return false;
      names[std::string(expected.substr(1, expected.size() - 2))] =
          PercentDecoded(given, Plus::kIsPlus);
    } else if (expected != given) {
      return false;
    }
  }
  return pattern.empty() && path.empty();
}

constexpr std::string_view kOpenApi = "/api/v1/openapi.json";

}  // namespace

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

std::optional<std::string> Call::Query(std::string_view name) const {
  const auto found = query.find(name);
  if (found == query.end() || found->second.empty()) return std::nullopt;
  return found->second;
}

http::Response ErrorResponse(const base::Status& status) {
  base::JsonWriter json;
  json.Object().Field("code", base::NameOf(status.code())).Field("message", status.message());
  json.EndObject();
  return {.status = base::HttpStatusOf(status.code()), .body = std::move(json.out)};
}

http::Response Router::Handle(const http::Request& request) const {
  Call call{.request = request};
  std::string_view query = request.query();
  while (!query.empty()) {
    std::string_view pair = Take(query, '&');
    const std::string_view name = Take(pair, '=');
    call.query.emplace(PercentDecoded(name, Plus::kIsSpace), PercentDecoded(pair, Plus::kIsSpace));
  }
  const bool get = request.method == "GET" || request.method == "HEAD";
  if (request.path() == kOpenApi && get) return {.body = OpenApi()};
  for (const Route& route : routes_) {
    if (!Matches(route.pattern, request.path(), call.path)) continue;
    if (get) return route.answer(call);
    http::Response refused = ErrorResponse(base::InvalidArgument("only GET is understood here"));
    refused.status = 405;
    refused.headers.emplace_back("Allow", "GET");
    return refused;
  }
  return ErrorResponse(base::NotFound("nothing is at " + std::string(request.path()) + "; " +
                                      std::string(kOpenApi) + " lists what there is"));
}

std::string Router::OpenApi() const {
  base::JsonWriter json;
  json.Object().Field("openapi", "3.0.3");
  json.Key("info").Object().Field("title", "Ronda").Field("version", "1").EndObject();
  json.Key("paths").Object();
  for (const Route& route : routes_) {
    json.Key(route.pattern).Object().Key("get").Object().Field("summary", route.summary);
    json.Key("parameters").List();
    const auto parameter = [&](std::string_view name, std::string_view in, std::string_view text) {
      json.Object().Field("name", name).Field("in", in).Field("required", in == "path");
      json.Field("description", text);
      json.Key("schema").Object().Field("type", "string").EndObject().EndObject();
    };
    for (std::size_t at = route.pattern.find('{'); at != route.pattern.npos;
         at = route.pattern.find('{', at + 1)) {
      const std::size_t end = route.pattern.find('}', at);
      parameter(route.pattern.substr(at + 1, end - at - 1), "path", "");
    }
    for (const Parameter& each : route.parameters) parameter(each.name, "query", each.description);
    json.EndList().Key("responses").Object().Key("200").Object();
    json.Field("description", "JSON").EndObject().EndObject().EndObject().EndObject();
  }
  json.EndObject().EndObject();
  return std::move(json.out);
}

}  // namespace ronda::api
