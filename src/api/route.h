#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/access.h"
#include "api/call.h"
#include "api/schema.h"
#include "base/core/status.h"
#include "http/server.h"

// A row of the API as data: what is checked, what is answered and what the document says come from it.
namespace ronda::api {

struct Parameter {
  std::string_view name;
  std::string_view description;
  Schema schema = schema::Text();  // kList: may be repeated, or hold several with commas between
  Required required = Required::kNo;  // in a path always
};

enum class Content : std::uint8_t { kJson, kYaml, kBytes };

struct Body {
  Schema schema = {};  // of kJson
  // What it may be; what is not JSON is left to the route as it is (Call::request.body).
  std::vector<Content> content = {Content::kJson};
  Required required = Required::kYes;
};

// What a route answers when all is well.
struct Answer {
  int status = 200;
  std::string_view description = {};
  Schema schema = {};  // of JSON
  std::string_view content = "application/json";  // empty: no body
};

// Whether a write that comes twice with one Idempotency-Key has one effect and one answer.
enum class ByKey : std::uint8_t { kNo, kYes };
enum class UnknownParameters : std::uint8_t { kRefused, kIgnored };

struct Route {
  std::string_view pattern;  // "/api/v1/traces/{id}"
  std::string_view method = "GET";
  std::string_view summary = {};
  std::vector<Parameter> parameters = {};  // of the query; of the path where it is more than a text
  std::string_view name = {};  // of the operation, "listUsers"; empty: made of method and pattern
  Access access = {};
  std::optional<Effect> effect = {};  // without it: GET reads, others write
  std::optional<Body> body = {};
  std::vector<Answer> answers = {};  // none: 200 with some JSON
  // Statuses of errors beside those that the table itself gives.
  std::vector<int> errors = {};
  // The ETag of the resource that a write changes, without quotes; NotFound when there is none. With it the
  // table answers 428 to a write without If-Match where the resource exists, and 412 where it is another.
  // PUT, PATCH and DELETE have it, or say why not in `unversioned`.
  std::function<base::Result<std::string>(const Call&)> current = {};
  std::string_view unversioned = {};  // why nothing can be lost without If-Match
  ByKey by_key = ByKey::kNo;
  UnknownParameters unknown_parameters = UnknownParameters::kRefused;
  // Any thread, several at a time. A Status that is not ok becomes the error body.
  std::function<base::Result<http::Response>(const Call&)> answer = {};
};

[[nodiscard]] inline Effect EffectOf(const Route& route) {
  return route.effect.value_or(route.method == "GET" ? Effect::kRead : Effect::kWrite);
}
// The names in the pattern's braces, in order.
[[nodiscard]] std::vector<std::string_view> PathNames(std::string_view pattern);
[[nodiscard]] bool IsInPath(const Route& route, std::string_view parameter);
[[nodiscard]] const Parameter* FindParameter(const Route& route, std::string_view name);
// Every status that the route may answer with, in order.
[[nodiscard]] std::vector<int> StatusesOf(const Route& route);

}  // namespace ronda::api
