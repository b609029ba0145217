#include <fmt/format.h>

#include <charconv>

#include <string>
#include <utility>

#include "api/control_routes.h"
#include "api/paging.h"
#include "api/time_text.h"
#include "base/json_writer.h"

namespace ronda::api {
namespace {

using base::JsonWriter;

control::Actor ActorOf(const Call& call) {
  return {call.who.user.empty() ? "somebody" : call.who.user};
}

void PutHead(const store::DefinitionHead& head, JsonWriter& json) {
  json.Object().Field("kind", head.kind).Field("name", head.name).Field("version", head.version);
  json.Field("digest", head.version > 0 ? head.digest : head.draft_digest);
  json.Field("draft", head.draft_text.has_value()).Field("managed_by", head.managed_by);
  json.Field("rev", head.rev).Field("updated_at", TimeText(head.updated_ns));
  json.Field("updated_by", head.updated_by).EndObject();
}

Schema HeadSchema() {
  using namespace schema;
  return Named("Definition",
               Object({{"kind", Text()},
                       {"name", Text()},
                       {"version", Integer("The newest published one; 0: there is only a draft")},
                       {"digest", Text()},
                       {"draft", Bool("There is a draft beside it")},
                       {"managed_by", Text("\"git\": applies from there only")},
                       {"rev", Integer("Grows with each change of any definition")},
                       {"updated_at", Time()},
                       {"updated_by", Text()}}));
}

Schema AppliedSchema() {
  using namespace schema;
  return Named("Applied", Object({{"kind", Text()},
                                  {"name", Text()},
                                  {"change", Choice({"created", "updated", "unchanged"})},
                                  {"version", Integer()},
                                  {"digest", Text()},
                                  {"rev", Integer()},
                                  {"before", Text("The newest version's text; empty: none")},
                                  {"after", Text()}}));
}

void PutApplied(const control::Applied& applied, JsonWriter& json) {
  json.Object().Field("kind", applied.kind).Field("name", applied.name);
  json.Field("change", control::NameOf(applied.change)).Field("version", applied.version);
  json.Field("digest", applied.digest).Field("rev", applied.rev);
  json.Field("before", applied.before).Field("after", applied.after).EndObject();
}

Schema ApplyBody() {
  using namespace schema;
  return Named(
      "ApplyRequest",
      Object(
          {{"files", Within(ListOf(Object({{"name", Text("For messages: buy.yaml")},
                                           {"text", Text("YAML, one or several documents")}})),
                            1, 10'000)},
           {"note", Text("For the history"), Required::kNo},
           {"draft", Bool("Keep it as a draft"), Required::kNo},
           {"dry_run", Bool("Only tell what would be done"), Required::kNo},
           {"managed_by", Text("\"git\": from now on only applies that say so change it"),
            Required::kNo},
           {"take_over", Bool("Although it is managed by somebody else"), Required::kNo},
           {"expected", MapOf(Integer(), "By Kind/name: the rev that was seen; 0: not there yet"),
            Required::kNo}}));
}

bool FlagOf(const Call& call, const char* name) {
  bool value = false;
  return call.body[name].get(value) == simdjson::SUCCESS && value;
}

control::ApplyRequest ApplyRequestOf(const Call& call) {
  control::ApplyRequest request;
  simdjson::dom::array files;
  if (call.body["files"].get(files) == simdjson::SUCCESS) {
    for (const auto file : files) {
      request.files.push_back({std::string(file["name"].get_string().value_unsafe()),
                               std::string(file["text"].get_string().value_unsafe())});
    }
  }
  request.note = call.BodyText("note");
  request.managed_by = call.BodyText("managed_by");
  request.take_over = FlagOf(call, "take_over");
  if (FlagOf(call, "draft")) request.into = control::ApplyRequest::Into::kDraft;
  if (FlagOf(call, "dry_run")) request.run = control::ApplyRequest::Run::kDry;
  simdjson::dom::object expected;
  if (call.body["expected"].get(expected) == simdjson::SUCCESS) {
    for (const auto [path, rev] : expected)
      request.expected[std::string(path)] = rev.get_int64().value_unsafe();
  }
  return request;
}

// The kind as it is written, whatever case the path has.
std::string KindOf(const Call& call) {
  const auto kind = control::KindOf(call.path.at("kind"));
  return kind ? std::string(model::NameOf(*kind)) : call.path.at("kind");
}

class Definitions {
 public:
  explicit Definitions(const ControlParts& parts) : parts_(parts) {}

  base::Result<http::Response> Apply(const Call& call) const {
    ASSIGN_OR_RETURN(const auto applied,
                     parts_.library->Apply(ApplyRequestOf(call), ActorOf(call)));
    parts_.controller->OnDefinitions();
    JsonWriter json;
    json.Object().Key("applied").List();
    for (const control::Applied& each : applied) PutApplied(each, json);
    json.EndList().EndObject();
    return http::Response{.body = std::move(json.out)};
  }

  base::Result<http::Response> List(const Call& call) const {
    ASSIGN_OR_RETURN(const Page page, PageOf(call));
    store::DefinitionFilter filter{.limit = page.limit + 1};
    if (const auto kind = call.Query("kind")) {
      const auto known = control::KindOf(*kind);
      if (!known) return base::InvalidArgument("there is no kind \"" + *kind + "\"");
      filter.kind = model::NameOf(*known);
    }
    filter.name_part = call.Query("name").value_or("");
    if (!page.after.empty()) {
      const std::size_t slash = page.after.find('/');
      filter.after_kind = page.after.substr(0, slash);
      filter.after_name = slash == std::string::npos ? "" : page.after.substr(slash + 1);
    }
    ASSIGN_OR_RETURN(const auto heads, parts_.library->List(filter));
    return PageResponse("definitions", page, heads, PutHead, [](const store::DefinitionHead& head) {
      return control::PathOf(head.kind, head.name);
    });
  }

  base::Result<std::string> Tag(const Call& call) const {
    ASSIGN_OR_RETURN(const auto found, parts_.library->Get(KindOf(call), call.path.at("name"), 0));
    return std::to_string(found.head.rev);
  }

  base::Result<http::Response> Get(const Call& call) const {
    const auto version = static_cast<std::int64_t>(call.QueryInteger("version", 0));
    ASSIGN_OR_RETURN(const auto found,
                     parts_.library->Get(KindOf(call), call.path.at("name"), version));
    JsonWriter json;
    json.Object().Field("kind", found.head.kind).Field("name", found.head.name);
    json.Field("version", found.version.version).Field("digest", found.version.digest);
    json.Field("text", found.version.text).Field("newest", found.head.version);
    json.Field("managed_by", found.head.managed_by).Field("note", found.version.note);
    json.Field("author", found.version.author).Field("source", found.version.source);
    json.Field("created_at", TimeText(found.version.created_ns)).Field("rev", found.head.rev);
    json.Key("draft");
    if (found.head.draft_text) {
      json.Text(*found.head.draft_text);
    } else {
      json.Null();
    }
    json.EndObject();
    return WithETag({.body = std::move(json.out)}, std::to_string(found.head.rev));
  }

  base::Result<http::Response> History(const Call& call) const {
    ASSIGN_OR_RETURN(const auto versions,
                     parts_.library->History(KindOf(call), call.path.at("name")));
    JsonWriter json;
    json.Object().Key("versions").List();
    for (const store::DefinitionVersion& version : versions) {
      json.Object().Field("version", version.version).Field("digest", version.digest);
      json.Field("note", version.note).Field("author", version.author);
      json.Field("source", version.source).Field("created_at", TimeText(version.created_ns));
      json.EndObject();
    }
    json.EndList().EndObject();
    return http::Response{.body = std::move(json.out)};
  }

  base::Result<http::Response> RollBack(const Call& call) const {
    ASSIGN_OR_RETURN(
        const control::Applied applied,
        parts_.library->RollBack(KindOf(call), call.path.at("name"),
                                 call.BodyInteger("version").value_or(0), ActorOf(call)));
    parts_.controller->OnDefinitions();
    JsonWriter json;
    PutApplied(applied, json);
    return http::Response{.body = std::move(json.out)};
  }

  base::Result<http::Response> Delete(const Call& call) const {
    std::optional<std::int64_t> expected;
    if (call.expected) {
      std::int64_t rev = 0;
      std::from_chars(call.expected->data(), call.expected->data() + call.expected->size(), rev);
      expected = rev;
    }
    const base::Status deleted =
        parts_.library->Delete(KindOf(call), call.path.at("name"), expected, ActorOf(call));
    RETURN_IF_ERROR(deleted);
    parts_.controller->OnDefinitions();
    return http::Response{.status = 204, .content_type = "", .body = ""};
  }

 private:
  const ControlParts parts_;
};

Schema VersionSchema() {
  using namespace schema;
  return Named("DefinitionVersion", Object({{"version", Integer()},
                                            {"digest", Text()},
                                            {"note", Text()},
                                            {"author", Text()},
                                            {"source", Text()},
                                            {"created_at", Time()}}));
}

Schema WholeSchema() {
  using namespace schema;
  return Named("DefinitionText", Object({{"kind", Text()},
                                         {"name", Text()},
                                         {"version", Integer()},
                                         {"digest", Text()},
                                         {"text", Text("As it was written")},
                                         {"newest", Integer()},
                                         {"managed_by", Text()},
                                         {"note", Text()},
                                         {"author", Text()},
                                         {"source", Text()},
                                         {"created_at", Time()},
                                         {"rev", Integer()},
                                         {"draft", Nullable(Text())}}));
}

}  // namespace

void AddDefinitionRoutes(const ControlParts& parts, Router& router) {
  const auto definitions = std::make_shared<const Definitions>(parts);
  router.Add(
      {.pattern = "/api/v1/apply",
       .method = "POST",
       .summary = "Makes new versions of all definitions that are sent, or of none",
       .name = "apply",
       .access = {Role::kOperator, Area::kDefinitions},
       .body = Body{.schema = ApplyBody()},
       .answers = {{.description = "What became of each document",
                    .schema = schema::Object({{"applied", schema::ListOf(AppliedSchema())}})}},
       .by_key = ByKey::kYes,
       .answer = [definitions](const Call& call) { return definitions->Apply(call); }});
  router.Add(
      {.pattern = "/api/v1/definitions",
       .summary = "The definitions, by kind and name",
       .parameters = WithPaging({{.name = "kind", .description = "Of that kind"},
                                 {.name = "name", .description = "With that in their name"}}),
       .name = "listDefinitions",
       .access = {Role::kViewer, Area::kDefinitions},
       .answers = {{.description = "A page",
                    .schema = PageSchema("DefinitionPage", "definitions", HeadSchema())}},
       .answer = [definitions](const Call& call) { return definitions->List(call); }});
  router.Add({.pattern = "/api/v1/definitions/{kind}/{name}",
              .summary = "A definition's text",
              .parameters = {{.name = "version",
                              .description = "Without it, the newest",
                              .schema = schema::Within(schema::Integer(), 1, 1'000'000'000)}},
              .name = "getDefinition",
              .access = {Role::kViewer, Area::kDefinitions},
              .answers = {{.description = "With its ETag", .schema = WholeSchema()}},
              .errors = {404},
              .answer = [definitions](const Call& call) { return definitions->Get(call); }});
  router.Add({.pattern = "/api/v1/definitions/{kind}/{name}",
              .method = "DELETE",
              .summary = "Deletes a definition that nobody names; its history stays",
              .name = "deleteDefinition",
              .access = {Role::kOperator, Area::kDefinitions},
              .answers = {{.status = 204, .description = "It is gone", .content = ""}},
              .current = [definitions](const Call& call) { return definitions->Tag(call); },
              .answer = [definitions](const Call& call) { return definitions->Delete(call); }});
  router.Add(
      {.pattern = "/api/v1/definitions/{kind}/{name}/versions",
       .summary = "Its versions, newest first",
       .name = "listVersions",
       .access = {Role::kViewer, Area::kDefinitions},
       .answers = {{.description = "All of them",
                    .schema = schema::Object({{"versions", schema::ListOf(VersionSchema())}})}},
       .errors = {404},
       .answer = [definitions](const Call& call) { return definitions->History(call); }});
  router.Add({.pattern = "/api/v1/definitions/{kind}/{name}/rollback",
              .method = "POST",
              .summary = "Makes an earlier version's text the newest version",
              .name = "rollBackDefinition",
              .access = {Role::kOperator, Area::kDefinitions},
              .body = Body{.schema = schema::Object(
                               {{"version", schema::Within(schema::Integer(), 1, 1'000'000'000)}})},
              .answers = {{.description = "The new version", .schema = AppliedSchema()}},
              .errors = {404},
              .answer = [definitions](const Call& call) { return definitions->RollBack(call); }});
}

}  // namespace ronda::api
