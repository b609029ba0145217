#include "api/health.h"

#include <fmt/format.h>

#include "base/json_writer.h"

namespace ronda::api {
namespace {

// A label's value (Prometheus, "Exposition formats").
void AppendLabel(std::string_view value, std::string& out) {
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
}

Schema ReadySchema() {
  return schema::Named(
      "Readiness",
      schema::Object({{"ready", schema::Bool()},
                      {"checks", schema::ListOf(schema::Object(
                                     {{"name", schema::Text()},
                                      {"ready", schema::Bool()},
                                      {"why", schema::Text("Why it is not"), Required::kNo}}))}}));
}

}  // namespace

void MetricsPage::Family(std::string_view name, Type type, std::string_view help) {
  name_ = name;
  fmt::format_to(std::back_inserter(text_), "# HELP {} {}\n# TYPE {} {}\n", name, help, name,
                 type == Type::kCounter ? "counter" : "gauge");
}

void MetricsPage::Value(double value, const Labels& labels) {
  text_ += name_;
  char before = '{';
  for (const auto& [name, text] : labels) {
    (text_ += before).append(name).append("=\"");
    AppendLabel(text, text_);
    text_ += '"';
    before = ',';
  }
  if (!labels.empty()) text_ += '}';
  fmt::format_to(std::back_inserter(text_), " {}\n", value);
}

void HealthRoutes::AddTo(Router& router) {
  constexpr Access kAnybody = {.role = Role::kNone};
  router.Add({.pattern = "/healthz",
              .summary = "Whether the process answers",
              .name = "getHealth",
              .access = kAnybody,
              .answers = {{.content = "text/plain"}},
              .answer = [](const Call&) -> http::Response {
                return {.content_type = "text/plain", .body = "ok\n"};
              }});
  router.Add({.pattern = "/readyz",
              .summary = "Whether it could work now, and why not",
              .name = "getReadiness",
              .access = kAnybody,
              .answers = {{.description = "It could", .schema = ReadySchema()},
                          {.status = 503, .description = "It could not", .schema = ReadySchema()}},
              .answer = [this](const Call&) { return Ready(); }});
  router.Add({.pattern = "/metrics",
              .summary = "Figures of the server, as Prometheus text",
              .name = "getMetrics",
              .answers = {{.content = "text/plain; version=0.0.4"}},
              .answer = [this](const Call&) -> http::Response {
                MetricsPage page;
                for (const MetricsSource& source : sources_) source(page);
                return {.content_type = "text/plain; version=0.0.4", .body = page.text()};
              }});
}

http::Response HealthRoutes::Ready() const {
  bool all = true;
  base::JsonWriter checks;
  checks.List();
  for (const ReadyCheck& each : checks_) {
    const base::Status status = each.check();
    all = all && status.ok();
    checks.Object().Field("name", each.name).Field("ready", status.ok());
    if (!status.ok()) checks.Field("why", status.message());
    checks.EndObject();
  }
  checks.EndList();
  base::JsonWriter json;
  json.Object().Field("ready", all).Key("checks").Raw(checks.out).EndObject();
  return {.status = all ? 200 : 503, .body = std::move(json.out)};
}

}  // namespace ronda::api
