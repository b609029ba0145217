#include "api/router.h"

#include <charconv>
#include <map>
#include <utility>
#include <vector>

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

std::string LowerCase(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return out;
}

void PutParameter(std::string_view name, std::string_view in, std::string_view text,
                  base::JsonWriter& json) {
  json.Object().Field("name", name).Field("in", in).Field("required", in == "path");
  json.Field("description", text);
  json.Key("schema").Object().Field("type", "string").EndObject().EndObject();
}

// A path's member of the OpenAPI document, named after the method.
void PutOperation(const Route& route, base::JsonWriter& json) {
  json.Key(LowerCase(route.method)).Object().Field("summary", route.summary);
  json.Key("parameters").List();
  for (std::size_t at = route.pattern.find('{'); at != route.pattern.npos;
       at = route.pattern.find('{', at + 1)) {
    const std::size_t end = route.pattern.find('}', at);
    PutParameter(route.pattern.substr(at + 1, end - at - 1), "path", "", json);
  }
  for (const Parameter& each : route.parameters) {
    PutParameter(each.name, "query", each.description, json);
  }
  json.EndList().Key("responses").Object().Key("200").Object();
  json.Field("description", "JSON").EndObject().EndObject().EndObject();
}

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
  const std::string_view method =
      request.method == "HEAD" ? "GET" : std::string_view(request.method);
  if (request.path() == kOpenApi && method == "GET") return {.body = OpenApi()};
  std::string allowed;
  for (const Route& route : routes_) {
    if (!Matches(route.pattern, request.path(), call.path)) continue;
    if (route.method == method) return route.answer(call);
    allowed += (allowed.empty() ? "" : ", ") + std::string(route.method);
  }
  if (!allowed.empty()) {
    http::Response refused =
        ErrorResponse(base::InvalidArgument("only " + allowed + " is understood here"));
    refused.status = 405;
    refused.headers.emplace_back("Allow", allowed);
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
  std::map<std::string_view, std::vector<const Route*>> paths;
  for (const Route& route : routes_) paths[route.pattern].push_back(&route);
  for (const auto& [pattern, routes] : paths) {
    json.Key(pattern).Object();
    for (const Route* route : routes) PutOperation(*route, json);
    json.EndObject();
  }
  json.EndObject().EndObject();
  return std::move(json.out);
}

}  // namespace ronda::api
