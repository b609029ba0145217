// The OpenAPI 3.1 document (spec.openapis.org/oas/v3.1.0) of a table of routes.
#include <cctype>
#include <map>
#include <utility>

#include "api/router.h"
#include "base/json_writer.h"

namespace ronda::api {
namespace {

using base::JsonWriter;
using Components = std::map<std::string, Schema>;

const Schema& ErrorSchema() {
  static const Schema kError = schema::Named(
      "Error",
      schema::Object(
          {{"code", schema::Text("The kind of error, such as not-found")},
           {"message", schema::Text("What is wrong, and where")},
           {"hint", schema::Text("What to do"), Required::kNo},
           {"column", schema::Integer("Of a query's text: where, 1 for the first byte"),
            Required::kNo},
           {"request_id", schema::Text("X-Request-Id of the answer; the server's log has it")}},
          "Every answer from 400 on"));
  return kError;
}

std::string_view ReasonOf(int status) {
  switch (status) {
    case 400: return "A parameter or the body is wrong";
    case 401: return "No credential, or one that is no longer good";
    case 403: return "The role or the scopes do not reach this";
    case 404: return "There is no such thing";
    case 409: return "It exists already, or its state does not allow this";
    case 412: return "It is not what If-Match or If-None-Match says";
    case 413: return "The body is too large";
    case 415: return "The body is of a type that is not taken here";
    case 428: return "If-Match is missing";
    case 429: return "Too many requests; Retry-After says when to come again";
    case 503: return "Not now";
    case 504: return "It took too long";
    default: return "An error";
  }
}

// "getApiV1TracesId" of GET /api/v1/traces/{id}.
std::string OperationIdOf(const Route& route) {
  if (!route.name.empty()) return std::string(route.name);
  std::string id;
  for (const char c : route.method) id += static_cast<char>(std::tolower(c));
  bool upper = true;
  for (const char c : route.pattern) {
    const bool letter = std::isalnum(static_cast<unsigned char>(c)) != 0;
    if (letter) id += upper ? static_cast<char>(std::toupper(c)) : c;
    upper = !letter;
  }
  return id;
}

void PutParameter(std::string_view name, std::string_view in, Required required,
                  std::string_view description, const Schema& shape, Components& components,
                  JsonWriter& json) {
  json.Object().Field("name", name).Field("in", in);
  json.Field("required", required == Required::kYes);
  if (!description.empty()) json.Field("description", description);
  PutSchema(shape, components, json.Key("schema"));
  json.EndObject();
}

void PutParameters(const Route& route, Components& components, JsonWriter& json) {
  const Schema text = schema::Text();
  json.Key("parameters").List();
  for (const std::string_view name : PathNames(route.pattern)) {
    const Parameter* known = FindParameter(route, name);
    PutParameter(name, "path", Required::kYes, known ? known->description : "",
                 known ? known->schema : schema::Within(text, 1, {}), components, json);
  }
  for (const Parameter& each : route.parameters) {
    if (IsInPath(route, each.name)) continue;
    PutParameter(each.name, "query", each.required, each.description, each.schema, components,
                 json);
  }
  if (route.current) {
    PutParameter("If-Match", "header", Required::kNo,
                 "The ETag that the client knows; has to be there where the resource exists", text,
                 components, json);
  }
  if (route.by_key == ByKey::kYes) {
    PutParameter("Idempotency-Key", "header", Required::kNo,
                 "Anything unique: a repetition with the same key has no effect and gets the same "
                 "answer, for a day",
                 schema::Within(text, 1, 255), components, json);
  }
  json.EndList();
}

void PutBody(const Body& body, Components& components, JsonWriter& json) {
  json.Key("requestBody").Object().Field("required", body.required == Required::kYes);
  json.Key("content").Object();
  for (const Content content : body.content) {
    switch (content) {
      case Content::kJson:
        PutSchema(body.schema, components, json.Key("application/json").Object().Key("schema"));
        json.EndObject();
        break;
      case Content::kYaml:
        json.Key("application/yaml").Object().Key("schema").Object();
        json.Field("type", "string").EndObject().EndObject();
        break;
      case Content::kBytes: json.Key("application/octet-stream").Object().EndObject(); break;
    }
  }
  json.EndObject().EndObject();
}

void PutAnswer(const Answer& answer, Components& components, JsonWriter& json) {
  json.Key(std::to_string(answer.status)).Object();
  json.Field("description", answer.description.empty() ? "It is done" : answer.description);
  if (!answer.content.empty()) {
    json.Key("content").Object().Key(answer.content).Object();
    if (answer.content == "application/json") {
      PutSchema(answer.schema, components, json.Key("schema"));
    }
    json.EndObject().EndObject();
  }
  json.EndObject();
}

void PutResponses(const Route& route, Components& components, JsonWriter& json) {
  json.Key("responses").Object();
  if (route.answers.empty()) PutAnswer({.description = "JSON"}, components, json);
  for (const Answer& answer : route.answers) PutAnswer(answer, components, json);
  for (const int status : StatusesOf(route)) {
    if (status < 400) continue;
    PutAnswer({.status = status, .description = ReasonOf(status), .schema = ErrorSchema()},
              components, json);
  }
  json.EndObject();
}

void PutOperation(const Route& route, Components& components, JsonWriter& json) {
  std::string method;
  for (const char c : route.method) method += static_cast<char>(std::tolower(c));
  json.Key(method).Object().Field("operationId", OperationIdOf(route));
  json.Field("summary", route.summary).Key("tags").List().Text(NameOf(route.access.area)).EndList();
  PutParameters(route, components, json);
  if (route.body) PutBody(*route.body, components, json);
  PutResponses(route, components, json);
  json.Key("security").List();
  if (route.access.role != Role::kNone) {
    json.Object().Key("token").List().EndList().EndObject();
    json.Object().Key("session").List().EndList();
    if (EffectOf(route) == Effect::kWrite) json.Key("csrf").List().EndList();
    json.EndObject();
    json.EndList().Field("x-role", NameOf(route.access.role));
    if (route.access.area != Area::kSelf)
      json.Field("x-scope", ScopeName(route.access.area, EffectOf(route)));
  } else {
    json.EndList();
  }
  json.EndObject();
}

void PutSecuritySchemes(JsonWriter& json) {
  json.Key("securitySchemes").Object();
  json.Key("token").Object().Field("type", "http").Field("scheme", "bearer").EndObject();
  json.Key("session").Object().Field("type", "apiKey").Field("in", "cookie");
  json.Field("name", "ronda_session").EndObject();
  json.Key("csrf").Object().Field("type", "apiKey").Field("in", "header");
  json.Field("name", "X-CSRF-Token");
  json.Field("description", "With the cookie only: the csrf_token that the login gave").EndObject();
  json.EndObject();
}

// Components refer to others: until no new one comes.
void PutComponents(Components& components, JsonWriter& json) {
  std::map<std::string, std::string> written;
  while (written.size() < components.size()) {
    const Components known = components;
    for (const auto& [name, shape] : known) {
      if (written.contains(name)) continue;
      JsonWriter one;
      PutSchemaWhole(shape, components, one);
      written[name] = std::move(one.out);
    }
  }
  json.Key("components").Object().Key("schemas").Object();
  for (const auto& [name, text] : written) json.Key(name).Raw(text);
  json.EndObject();
  PutSecuritySchemes(json);
  json.EndObject();
}

}  // namespace

std::string Router::OpenApi() const {
  JsonWriter json;
  Components components;
  json.Object().Field("openapi", "3.1.0");
  json.Key("info").Object().Field("title", "Ronda").Field("version", "1").EndObject();
  std::map<std::string_view, std::vector<const Route*>> paths;
  for (const Route& route : routes_) paths[route.pattern].push_back(&route);
  json.Key("paths").Object();
  for (const auto& [pattern, routes] : paths) {
    json.Key(pattern).Object();
    for (const Route* route : routes) PutOperation(*route, components, json);
    json.EndObject();
  }
  json.EndObject();
  PutComponents(components, json);
  json.EndObject();
  return std::move(json.out);
}

}  // namespace ronda::api
