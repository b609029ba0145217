// ronda apply, diff, get, delete, history, rollback.
#include <algorithm>
#include <filesystem>
#include <ostream>
#include <system_error>

#include "base/file.h"
#include "base/json_writer.h"
#include "cli/api_client.h"
#include "cli/commands/commands.h"
#include "cli/text_diff.h"

namespace ronda::cli {
namespace {

using Element = simdjson::dom::element;
using base::OptionType;

constexpr std::size_t kMostBytes = 4u << 20;

// The YAML files that are named; of a folder those in it and below it.
base::Result<std::vector<std::string>> FilesOf(const std::vector<std::string>& named) {
  std::vector<std::string> files;
  for (const std::string& path : named) {
    std::error_code failed;
    if (!std::filesystem::is_directory(path, failed)) {
      files.push_back(path);
      continue;
    }
    std::vector<std::string> found;
    for (auto each = std::filesystem::recursive_directory_iterator(path, failed);
         !failed && each != std::filesystem::recursive_directory_iterator();
         each.increment(failed)) {
      const std::string extension = each->path().extension();
      if (each->is_regular_file(failed) && (extension == ".yaml" || extension == ".yml"))
        found.push_back(each->path());
    }
    if (failed) return base::InvalidArgument(path + ": " + failed.message());
    std::ranges::sort(found);
    if (found.empty()) return base::InvalidArgument(path + ": there is no .yaml file in it");
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

base::Result<std::string> BodyOf(const base::Options& options, bool dry) {
  ASSIGN_OR_RETURN(const auto files, FilesOf(options.List("file")));
  base::JsonWriter body;
  body.Object().Key("files").List();
  for (const std::string& file : files) {
    const bool standard = file == "-";
    ASSIGN_OR_RETURN(const std::string text,
                     base::ReadFile(standard ? "/dev/stdin" : file, kMostBytes + 1));
    body.Object().Field("name", standard ? "standard input" : file).Field("text", text).EndObject();
  }
  body.EndList();
  if (dry) body.Field("dry_run", true);
  if (options.Find("draft") != nullptr) {
    if (options.Switch("draft")) body.Field("draft", true);
    if (options.Switch("take-over")) body.Field("take_over", true);
    if (options.Has("note")) body.Field("note", options.String("note"));
    if (options.Has("managed-by")) body.Field("managed_by", options.String("managed-by"));
  }
  body.EndObject();
  return std::move(body.out);
}

base::OptionSpec FileOption() {
  return {.name = "file",
          .letter = 'f',
          .type = OptionType::kList,
          .value_name = "FILE",
          .scope = base::OptionScope::kFlagOnly,
          .description =
              "A file of definitions, a folder of such, or - for the standard input; "
              "may be repeated.",
          .example = "buy.yaml"};
}

std::string NameOf(Element applied) {
  return PlainTextOf(applied, "kind") + "/" + PlainTextOf(applied, "name");
}

base::Result<base::ExitCode> Apply(const Invocation& invocation, Context& context) {
  const base::Options& options = invocation.options;
  if (options.List("file").empty())
    return UsageError(invocation, context, "what? give a file by -f");
  ASSIGN_OR_RETURN(ApiClient client, ApiClient::Of(invocation, context));
  ASSIGN_OR_RETURN(std::string body, BodyOf(options, options.Switch("dry-run")));
  ASSIGN_OR_RETURN(const Element answer, client.Json({.method = "POST",
                                                      .path = "/api/v1/apply",
                                                      .body = std::move(body),
                                                      .headers = ReasonHeader(options)}));
  if (options.Switch("json")) {
    context.out << client.body() << '\n';
    return base::ExitCode::kOk;
  }
  for (const Element applied : ListOf(answer, "applied")) {
    context.out << NameOf(applied) << ' ' << PlainTextOf(applied, "change");
    if (NumberOf(applied, "version") > 0)
      context.out << ", version " << NumberOf(applied, "version");
    if (options.Switch("dry-run")) context.out << " (dry run)";
    context.out << '\n';
  }
  return base::ExitCode::kOk;
}

base::Result<base::ExitCode> Diff(const Invocation& invocation, Context& context) {
  if (invocation.options.List("file").empty())
    return UsageError(invocation, context, "what? give a file by -f");
  ASSIGN_OR_RETURN(ApiClient client, ApiClient::Of(invocation, context));
  ASSIGN_OR_RETURN(std::string body, BodyOf(invocation.options, true));
  ASSIGN_OR_RETURN(
      const Element answer,
      client.Json({.method = "POST", .path = "/api/v1/apply", .body = std::move(body)}));
  bool differs = false;
  for (const Element applied : ListOf(answer, "applied")) {
    if (TextOf(applied, "change") == "unchanged") continue;
    differs = true;
    context.out << "--- " << NameOf(applied) << " at the server\n+++ " << NameOf(applied) << '\n'
                << UnifiedDiff(TextOf(applied, "before"), TextOf(applied, "after"));
  }
  return differs ? base::ExitCode::kFailure : base::ExitCode::kOk;
}

// "kind/name" as a path of the API.
base::Result<std::string> PathOf(const std::string& reference) {
  const std::size_t slash = reference.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == reference.size())
    return base::InvalidArgument("\"" + reference + "\": write KIND/NAME, as in patrol/buy");
  return "/api/v1/definitions/" + Encoded(reference.substr(0, slash)) + "/" +
         Encoded(reference.substr(slash + 1));
}

base::Result<base::ExitCode> ListAll(const std::string& kind, ApiClient& client, Context& context) {
  std::vector<std::vector<std::string>> rows = {
      {"KIND", "NAME", "VERSION", "MANAGED BY", "CHANGED", "BY"}};
  Parameters parameters;
  if (!kind.empty()) parameters.emplace_back("kind", kind);
  RETURN_IF_ERROR(
      client.EachOf("/api/v1/definitions", parameters, "definitions", [&](Element each) {
        const std::int64_t version = NumberOf(each, "version");
        bool draft = false;
        if (each["draft"].get(draft) != simdjson::SUCCESS) draft = false;
        rows.push_back(
            {PlainTextOf(each, "kind"), PlainTextOf(each, "name"),
             (version > 0 ? std::to_string(version) : std::string("-")) + (draft ? " + draft" : ""),
             PlainTextOf(each, "managed_by"), PlainTextOf(each, "updated_at"),
             PlainTextOf(each, "updated_by")});
      }));
  PrintTable(rows, context.out);
  return base::ExitCode::kOk;
}

base::Result<base::ExitCode> Get(const Invocation& invocation, Context& context) {
  ASSIGN_OR_RETURN(ApiClient client, ApiClient::Of(invocation, context));
  const std::string what = invocation.arguments.empty() ? "" : invocation.arguments[0];
  if (what.find('/') == std::string::npos) return ListAll(what, client, context);
  ASSIGN_OR_RETURN(const std::string path, PathOf(what));
  Parameters parameters;
  if (invocation.options.Has("version"))
    parameters.emplace_back("version", std::to_string(invocation.options.Int("version")));
  ASSIGN_OR_RETURN(const Element found, client.Get(path, parameters));
  if (invocation.options.Switch("json")) {
    context.out << client.body() << '\n';
    return base::ExitCode::kOk;
  }
  const std::string text = TextOf(found, "text");
  context.out << text << (text.ends_with('\n') ? "" : "\n");
  return base::ExitCode::kOk;
}

base::Result<base::ExitCode> Delete(const Invocation& invocation, Context& context) {
  ASSIGN_OR_RETURN(ApiClient client, ApiClient::Of(invocation, context));
  ASSIGN_OR_RETURN(const std::string path, PathOf(invocation.arguments[0]));
  RETURN_IF_ERROR(client.Get(path).status());
  Parameters headers = ReasonHeader(invocation.options);
  headers.emplace_back("If-Match", client.Header("ETag"));
  RETURN_IF_ERROR(client.Send({.method = "DELETE", .path = path, .headers = headers}));
  context.out << invocation.arguments[0] << " deleted\n";
  return base::ExitCode::kOk;
}

base::Result<base::ExitCode> History(const Invocation& invocation, Context& context) {
  ASSIGN_OR_RETURN(ApiClient client, ApiClient::Of(invocation, context));
  ASSIGN_OR_RETURN(const std::string path, PathOf(invocation.arguments[0]));
  ASSIGN_OR_RETURN(const Element answer, client.Get(path + "/versions"));
  std::vector<std::vector<std::string>> rows = {{"VERSION", "MADE", "BY", "FROM", "NOTE"}};
  for (const Element version : ListOf(answer, "versions")) {
    rows.push_back({std::to_string(NumberOf(version, "version")),
                    PlainTextOf(version, "created_at"), PlainTextOf(version, "author"),
                    PlainTextOf(version, "source"), PlainTextOf(version, "note")});
  }
  PrintTable(rows, context.out);
  return base::ExitCode::kOk;
}

base::Result<base::ExitCode> RollBack(const Invocation& invocation, Context& context) {
  if (!invocation.options.Has("to"))
    return UsageError(invocation, context, "to which version? --to N (ronda history lists them)");
  ASSIGN_OR_RETURN(ApiClient client, ApiClient::Of(invocation, context));
  ASSIGN_OR_RETURN(const std::string path, PathOf(invocation.arguments[0]));
  base::JsonWriter body;
  body.Object().Field("version", invocation.options.Int("to")).EndObject();
  ASSIGN_OR_RETURN(const Element applied,
                   client.Json({.method = "POST",
                                .path = path + "/rollback",
                                .body = std::move(body.out),
                                .headers = ReasonHeader(invocation.options)}));
  context.out << NameOf(applied) << ' ' << PlainTextOf(applied, "change") << ", version "
              << NumberOf(applied, "version") << '\n';
  return base::ExitCode::kOk;
}

Positional Reference() {
  return {.name = "KIND/NAME",
          .description = "A definition: patrol/buy.",
          .suggest = Suggest::kChoices};
}

}  // namespace

Command ApplyCommand() {
  return {.name = "apply",
          .summary = "bring definitions to the server",
          .description =
              "Makes a new version of every definition in the files that differs from the newest "
              "one at the server; of all of them, or of none when one is wrong.",
          .examples =
              "ronda apply -f patrols/\nronda apply -f buy.yaml --note 'new price'\n"
              "ronda apply -f - --managed-by git < all.yaml",
          .options = ServerOptions(
              {FileOption(),
               {.name = "dry-run",
                .type = OptionType::kSwitch,
                .scope = base::OptionScope::kFlagOnly,
                .description = "Only tell what would be done."},
               {.name = "draft",
                .type = OptionType::kSwitch,
                .scope = base::OptionScope::kFlagOnly,
                .description = "Keep it as a draft: nothing runs it before it is applied."},
               {.name = "note",
                .scope = base::OptionScope::kFlagOnly,
                .description = "What `ronda history` shows.",
                .example = "'new price'"},
               {.name = "managed-by",
                .value_name = "WHO",
                .scope = base::OptionScope::kFlagOnly,
                .description = "From now on only applies that say the same change it.",
                .example = "git"},
               {.name = "take-over",
                .type = OptionType::kSwitch,
                .scope = base::OptionScope::kFlagOnly,
                .description = "Change it although it is managed by somebody else."},
               JsonOption(),
               ReasonOption()}),
          .run = Apply};
}

Command DiffCommand() {
  return {.name = "diff",
          .summary = "show what an apply would change",
          .description =
              "Compares definitions in files with the newest ones at the server. The "
              "exit code is 1 when they differ.",
          .examples = "ronda diff -f patrols/",
          .options = ServerOptions({FileOption()}),
          .run = Diff};
}

Command GetCommand() {
  return {.name = "get",
          .summary = "list definitions, or print one",
          .description =
              "Without an argument all definitions, with a kind those of it, with "
              "KIND/NAME its text.",
          .examples = "ronda get\nronda get patrol\nronda get patrol/buy --version 3",
          .positionals = {{.name = "WHAT",
                           .arity = Arity::kOptional,
                           .description = "KIND or KIND/NAME.",
                           .suggest = Suggest::kChoices}},
          .options = ServerOptions({{.name = "version",
                                     .type = OptionType::kInt,
                                     .value_name = "N",
                                     .min = "1",
                                     .scope = base::OptionScope::kFlagOnly,
                                     .description = "An earlier version."},
                                    JsonOption()}),
          .run = Get};
}

Command DeleteCommand() {
  return {.name = "delete",
          .summary = "delete a definition",
          .description =
              "Deletes a definition that no other names. Its history stays, and an apply "
              "brings it back as its next version.",
          .examples = "ronda delete patrol/buy --reason 'the shop is closed'",
          .positionals = {Reference()},
          .options = ServerOptions({ReasonOption()}),
          .run = Delete};
}

Command HistoryCommand() {
  return {.name = "history",
          .summary = "list a definition's versions",
          .description = "The versions of a definition, newest first.",
          .examples = "ronda history patrol/buy",
          .positionals = {Reference()},
          .options = ServerOptions({}),
          .run = History};
}

Command RollbackCommand() {
  return {.name = "rollback",
          .summary = "make an earlier version the newest",
          .description = "Makes a new version of a definition with the text of an earlier one.",
          .examples = "ronda rollback patrol/buy --to 3 --reason 'checks were wrong'",
          .positionals = {Reference()},
          .options = ServerOptions({{.name = "to",
                                     .type = OptionType::kInt,
                                     .value_name = "N",
                                     .min = "1",
                                     .scope = base::OptionScope::kFlagOnly,
                                     .description = "The version whose text is taken."},
                                    ReasonOption()}),
          .run = RollBack};
}

}  // namespace ronda::cli
