#include "api/route_checks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <strings.h>

#include <algorithm>

#include "base/text.h"

namespace ronda::api {
namespace {

std::string_view Trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

bool Same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// Whether the list of entity tags (RFC 9110, 8.8.3) holds the strong one `tag`, given without quotes.
bool Holds(std::string_view list, std::string_view tag) {
  if (Trimmed(list) == "*") return true;
  while (!list.empty()) {
    const std::size_t open = list.find('"');
    if (open == list.npos) return false;
    const bool weak = list.substr(0, open).ends_with("W/");
    const std::size_t close = list.find('"', open + 1);
    if (close == list.npos) return false;
    if (!weak && list.substr(open + 1, close - open - 1) == tag) return true;
    list.remove_prefix(close + 1);
  }
  return false;
}

Refusal Refuse(const Call& call, base::Status status, const ErrorDetail& detail = {}) {
  return ErrorResponse(call.request, status, detail);
}

// UTF-8 without NUL: what a database and JSON can hold.
bool IsText(std::string_view text) {
  bool good = true;
  base::ForEachCharacter(
      text, [&](base::Character c, std::string_view) { good = good && c.good && c.code != 0; });
  return good;
}

Refusal CheckIsText(const Call& call, std::string_view name, std::string_view text) {
  if (IsText(text)) return std::nullopt;
  return Refuse(call, base::InvalidArgument(fmt::format("{} is no UTF-8 text", name)));
}

Refusal UnknownParameter(const Route& route, const Call& call, const std::string& name) {
  std::vector<std::string> names;
  for (const Parameter& each : route.parameters) {
    if (!IsInPath(route, each.name)) names.emplace_back(each.name);
  }
  const std::string nearest = base::Nearest(name, names);
  std::string hint =
      names.empty() ? "it takes none" : fmt::format("it takes {}", fmt::join(names, ", "));
  if (!nearest.empty()) hint = fmt::format("did you mean {}?", nearest);
  return Refuse(call, base::InvalidArgument(fmt::format("there is no parameter \"{}\" here", name)),
                {.hint = std::move(hint)});
}

std::string_view NameOf(Content content) {
  switch (content) {
    case Content::kJson: return "application/json";
    case Content::kYaml: return "application/yaml";
    case Content::kBytes: return "application/octet-stream";
  }
  return "application/json";
}

// What the request says that its body is; JSON when it says nothing.
std::optional<Content> ContentOf(const Body& body, const http::Request& request) {
  const std::string_view header = request.Header("content-type");
  const std::string_view type = Trimmed(header.substr(0, header.find(';')));
  for (const Content each : body.content) {
    if (type.empty() || Same(type, NameOf(each))) return each;
    if (each == Content::kYaml && (Same(type, "text/yaml") || Same(type, "application/x-yaml"))) {
      return each;
    }
  }
  return std::nullopt;
}

}  // namespace

Refusal CheckOrigin(const Route& route, const http::Request& request) {
  const std::string_view origin = request.Header("origin");
  if (EffectOf(route) == Effect::kRead || origin.empty()) return std::nullopt;
  const std::size_t scheme = origin.find("://");
  if (scheme != origin.npos && Same(origin.substr(scheme + 3), request.Header("host"))) {
    return std::nullopt;
  }
  return ErrorResponse(request, base::PermissionDenied(fmt::format(
                                    "a page of {} may not change anything here", origin)));
}

Refusal CheckParameters(const Route& route, const Call& call) {
  for (const auto& [name, text] : call.query) {
    const Parameter* parameter = FindParameter(route, name);
    if (parameter == nullptr || IsInPath(route, name)) {
      if (route.unknown_parameters == UnknownParameters::kIgnored) continue;
      return UnknownParameter(route, call, name);
    }
    if (text.empty()) continue;
    if (auto refusal = CheckIsText(call, name, text)) return refusal;
    if (parameter->schema.type != Schema::Type::kList && call.query.count(name) > 1 &&
        route.unknown_parameters == UnknownParameters::kRefused) {
      return Refuse(call, base::InvalidArgument(fmt::format("{} is given twice", name)));
    }
    std::vector<std::string> texts = {text};
    if (parameter->schema.type == Schema::Type::kList) texts = call.QueryList(name);
    for (const std::string& each : texts) {
      const base::Status status = CheckText(parameter->schema, each, name);
      if (!status.ok()) return Refuse(call, status);
    }
  }
  for (const auto& [name, text] : call.path) {
    if (auto refusal = CheckIsText(call, name, text)) return refusal;
  }
  for (const Parameter& parameter : route.parameters) {
    if (IsInPath(route, parameter.name)) {
      const base::Status status =
          CheckText(parameter.schema, call.path.find(parameter.name)->second, parameter.name);
      if (!status.ok()) return Refuse(call, status);
    } else if (parameter.required == Required::kYes && !call.Query(parameter.name)) {
      return Refuse(
          call, base::InvalidArgument(fmt::format("the parameter {} is missing", parameter.name)));
    }
  }
  return std::nullopt;
}

Refusal ReadBody(const Route& route, Call& call, simdjson::dom::parser& parser) {
  const std::string& text = call.request.body;
  if (!route.body) {
    if (text.empty()) return std::nullopt;
    return Refuse(call, base::InvalidArgument("this takes no body"));
  }
  if (text.empty()) {
    if (route.body->required == Required::kNo) return std::nullopt;
    return Refuse(call, base::InvalidArgument("the body is missing"));
  }
  const auto content = ContentOf(*route.body, call.request);
  if (!content) {
    std::vector<std::string_view> names;
    for (const Content each : route.body->content) names.push_back(NameOf(each));
    return Refuse(
        call,
        base::InvalidArgument(fmt::format("the body is {}, which is not taken here",
                                          call.request.Header("content-type"))),
        {.http_status = 415, .hint = fmt::format("Content-Type: {}", fmt::join(names, " or "))});
  }
  call.has_body = true;
  if (*content != Content::kJson) return std::nullopt;
  const auto error = parser.parse(text).get(call.body);
  if (error != simdjson::SUCCESS) {
    return Refuse(call, base::InvalidArgument(
                            fmt::format("body: no JSON: {}", simdjson::error_message(error))));
  }
  const base::Status status = Check(route.body->schema, call.body, "body");
  if (!status.ok()) return Refuse(call, status);
  return std::nullopt;
}

Refusal CheckPrecondition(const Route& route, Call& call) {
  if (!route.current) return std::nullopt;
  const std::string_view match = call.request.Header("if-match");
  const std::string_view none_match = call.request.Header("if-none-match");
  const auto current = route.current(call);
  if (!current.ok()) {
    if (current.status().code() != base::Code::kNotFound) return Refuse(call, current.status());
    if (match.empty()) return std::nullopt;
    return Refuse(call, base::FailedPrecondition("If-Match: " + current.status().message()));
  }
  if (!none_match.empty() && Holds(none_match, *current)) {
    return Refuse(call, base::FailedPrecondition("it exists already"),
                  {.hint = "PUT it with If-Match"});
  }
  if (match.empty()) {
    return Refuse(call, base::FailedPrecondition("If-Match is missing"),
                  {.http_status = 428, .hint = "send the ETag that a GET gave, as it was"});
  }
  if (!Holds(match, *current)) {
    return Refuse(call, base::FailedPrecondition("somebody has changed it since you read it"),
                  {.hint = fmt::format("it is \"{}\" now: read it again", *current)});
  }
  call.expected = *current;
  return std::nullopt;
}

bool IsKnown(const http::Request& request, const http::Response& response) {
  const std::string_view known = request.Header("if-none-match");
  if (known.empty() || response.status != 200 || response.stream) return false;
  for (const auto& [name, value] : response.headers) {
    if (name == "ETag") return Holds(known, std::string_view(value).substr(1, value.size() - 2));
  }
  return false;
}

}  // namespace ronda::api
