// ronda tokens create, list, revoke.
#include <ostream>

#include "base/json_writer.h"
#include "cli/api_client.h"
#include "cli/commands/commands.h"
#include "engine/report/text.h"

namespace ronda::cli {
namespace {

using Element = simdjson::dom::element;

base::Result<base::ExitCode> Create(const Invocation& invocation, Context& context) {
  const base::Options& options = invocation.options;
  ASSIGN_OR_RETURN(ApiClient client, ApiClient::Of(invocation, context));
  base::JsonWriter body;
  body.Object().Field("name", invocation.arguments[0]).Key("scopes").List();
  for (const std::string& scope : options.List("scope")) body.Text(scope);
  if (options.List("scope").empty()) body.Text("*:read");
  body.EndList();
  if (options.Has("role")) body.Field("role", options.String("role"));
  if (options.Has("expires")) {
    body.Field("expires_in_s", options.DurationNs("expires") / 1'000'000'000);
  }
  body.EndObject();
  ASSIGN_OR_RETURN(const Element made, client.Json({.method = "POST",
                                                    .path = "/api/v1/tokens",
                                                    .body = std::move(body.out),
                                                    .headers = ReasonHeader(options)}));
  if (options.Switch("json")) {
    context.out << client.body() << '\n';
    return base::ExitCode::kOk;
  }
  context.out << TextOf(made, "token") << '\n';
  context.err << "token " << TextOf(made, "id") << "; it is not shown again\n";
  return base::ExitCode::kOk;
}

base::Result<base::ExitCode> List(const Invocation& invocation, Context& context) {
  ASSIGN_OR_RETURN(ApiClient client, ApiClient::Of(invocation, context));
  std::vector<std::vector<std::string>> rows = {
      {"ID", "NAME", "USER", "ROLE", "SCOPES", "EXPIRES", "LAST USED"}};
  RETURN_IF_ERROR(client.EachOf("/api/v1/tokens", {}, "tokens", [&](Element token) {
    std::string scopes;
    for (const Element scope : ListOf(token, "scopes")) {
      scopes += (scopes.empty() ? "" : ",") +
                engine::report::PlainText(std::string(scope.get_string().value_unsafe()));
    }
    const bool revoked = !TextOf(token, "revoked_at").empty();
    const std::string expires = PlainTextOf(token, "expires_at");
    rows.push_back({PlainTextOf(token, "id"), PlainTextOf(token, "name"),
                    PlainTextOf(token, "user"), PlainTextOf(token, "role"), scopes,
                    revoked           ? "revoked"
                    : expires.empty() ? "never"
                                      : expires,
                    PlainTextOf(token, "last_used_at")});
  }));
  PrintTable(rows, context.out);
  return base::ExitCode::kOk;
}

base::Result<base::ExitCode> Revoke(const Invocation& invocation, Context& context) {
  ASSIGN_OR_RETURN(ApiClient client, ApiClient::Of(invocation, context));
  RETURN_IF_ERROR(client.Send({.method = "DELETE",
                               .path = "/api/v1/tokens/" + Encoded(invocation.arguments[0]),
                               .headers = ReasonHeader(invocation.options)}));
  return base::ExitCode::kOk;
}

}  // namespace

Command TokensCreateCommand() {
  return {
      .name = "tokens create",
      .summary = "make an API token",
      .description =
          "Makes a token of yours and prints it; it cannot be shown again. A scope is AREA:read "
          "or AREA:write, where AREA is system, traces, definitions, runs, fleet, accounts, "
          "audit or * for all; write covers read.",
      .examples = "ronda tokens create ci --scope runs:write --expires 720h",
      .positionals = {{.name = "NAME",
                       .description = "What it is for.",
                       .suggest = Suggest::kChoices}},
      .options = ServerOptions({{.name = "scope",
                                 .type = base::OptionType::kList,
                                 .scope = base::OptionScope::kFlagOnly,
                                 .description = "What it reaches; may be repeated. Without it, "
                                                "*:read.",
                                 .example = "runs:write"},
                                {.name = "role",
                                 .type = base::OptionType::kChoice,
                                 .choices = {"viewer", "operator", "admin"},
                                 .scope = base::OptionScope::kFlagOnly,
                                 .description = "A role below yours; without it, yours."},
                                {.name = "expires",
                                 .type = base::OptionType::kDuration,
                                 .min = "1s",
                                 .scope = base::OptionScope::kFlagOnly,
                                 .description = "How long it is good; without it, for ever."},
                                JsonOption(),
                                ReasonOption()}),
      .run = Create};
}

Command TokensListCommand() {
  return {.name = "tokens list",
          .summary = "list API tokens",
          .description = "Yours; an admin sees everybody's.",
          .examples = "ronda tokens list",
          .options = ServerOptions({}),
          .run = List};
}

Command TokensRevokeCommand() {
  return {.name = "tokens revoke",
          .summary = "end an API token",
          .description = "From now on the token is refused.",
          .examples = "ronda tokens revoke k3v9x2m4abcdefgh",
          .positionals = {{.name = "ID",
                           .description = "As `ronda tokens list` shows it.",
                           .suggest = Suggest::kChoices}},
          .options = ServerOptions({ReasonOption()}),
          .run = Revoke};
}

}  // namespace ronda::cli
