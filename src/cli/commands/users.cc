// ronda users list, add, role, password, remove.
#include <ostream>

#include "base/json_writer.h"
#include "cli/api_client.h"
#include "cli/commands/commands.h"
#include "cli/password.h"

namespace ronda::cli {
namespace {

using Element = simdjson::dom::element;

std::string PathOf(const Invocation& invocation) {
  return "/api/v1/users/" + Encoded(invocation.arguments[0]);
}

base::Result<base::ExitCode> List(const Invocation& invocation, Context& context) {
  ASSIGN_OR_RETURN(ApiClient client, ApiClient::Of(invocation, context));
  std::vector<std::vector<std::string>> rows = {{"NAME", "ROLE", "LOGIN"}};
  RETURN_IF_ERROR(client.EachOf("/api/v1/users", {}, "users", [&](Element user) {
    bool disabled = false, password = false;
    if (user["disabled"].get(disabled) != simdjson::SUCCESS) disabled = false;
    if (user["has_password"].get(password) != simdjson::SUCCESS) password = false;
    rows.push_back({PlainTextOf(user, "name"), PlainTextOf(user, "role"),
                    disabled   ? "disabled"
                    : password ? "password"
                               : "tokens only"});
  }));
  PrintTable(rows, context.out);
  return base::ExitCode::kOk;
}

base::Result<base::ExitCode> Add(const Invocation& invocation, Context& context) {
  const base::Options& options = invocation.options;
  ASSIGN_OR_RETURN(ApiClient client, ApiClient::Of(invocation, context));
  const std::string& name = invocation.arguments[0];
  base::JsonWriter body;
  body.Object().Field("name", name).Field("role", options.String("role"));
  if (!options.Switch("no-password")) {
    ASSIGN_OR_RETURN(const std::string password, ReadPassword("Password of " + name, context));
    body.Field("password", password);
  }
  body.EndObject();
  RETURN_IF_ERROR(client.Send({.method = "POST",
                               .path = "/api/v1/users",
                               .body = std::move(body.out),
                               .headers = ReasonHeader(options)}));
  return base::ExitCode::kOk;
}

// Reads the user, then sends the change for the state that was read.
base::Status Change(ApiClient& client, const Invocation& invocation, std::string_view method,
                    std::string body) {
  RETURN_IF_ERROR(client.Send({.path = PathOf(invocation)}));
  Parameters headers = ReasonHeader(invocation.options);
  headers.emplace_back("If-Match", client.Header("ETag"));
  return client.Send({.method = method,
                      .path = PathOf(invocation),
                      .body = std::move(body),
                      .headers = std::move(headers)});
}

base::Result<base::ExitCode> SetRole(const Invocation& invocation, Context& context) {
  ASSIGN_OR_RETURN(ApiClient client, ApiClient::Of(invocation, context));
  base::JsonWriter body;
  body.Object().Field("role", invocation.arguments[1]).EndObject();
  RETURN_IF_ERROR(Change(client, invocation, "PATCH", std::move(body.out)));
  return base::ExitCode::kOk;
}

base::Result<base::ExitCode> SetPassword(const Invocation& invocation, Context& context) {
  ASSIGN_OR_RETURN(ApiClient client, ApiClient::Of(invocation, context));
  base::JsonWriter body;
  body.Object();
  if (!invocation.arguments.empty()) {
    const std::string& name = invocation.arguments[0];
    ASSIGN_OR_RETURN(const std::string fresh, ReadPassword("New password of " + name, context));
    body.Field("password", fresh).EndObject();
    RETURN_IF_ERROR(Change(client, invocation, "PATCH", std::move(body.out)));
    return base::ExitCode::kOk;
  }
  ASSIGN_OR_RETURN(const std::string old, ReadPassword("Old password", context));
  ASSIGN_OR_RETURN(const std::string fresh, ReadPassword("New password", context));
  body.Field("old", old).Field("new", fresh).EndObject();
  RETURN_IF_ERROR(
      client.Send({.method = "POST", .path = "/api/v1/me/password", .body = std::move(body.out)}));
  return base::ExitCode::kOk;
}

base::Result<base::ExitCode> Remove(const Invocation& invocation, Context& context) {
  ASSIGN_OR_RETURN(ApiClient client, ApiClient::Of(invocation, context));
  RETURN_IF_ERROR(Change(client, invocation, "DELETE", ""));
  return base::ExitCode::kOk;
}

const std::vector<std::string> kRoles = {"viewer", "operator", "admin"};

Positional NamePositional() {
  return {.name = "NAME", .description = "The user's name.", .suggest = Suggest::kChoices};
}

}  // namespace

Command UsersListCommand() {
  return {.name = "users list",
          .summary = "list the users",
          .description = "Names, roles and how they log in.",
          .examples = "ronda users list",
          .options = ServerOptions({}),
          .run = List};
}

Command UsersAddCommand() {
  return {
      .name = "users add",
      .summary = "make a user",
      .description =
          "Makes a user. His password is asked for, or read from standard input. A viewer reads, "
          "an operator starts and changes, an admin lets others in.",
      .examples = "ronda users add ann --role operator",
      .positionals = {NamePositional()},
      .options = ServerOptions({{.name = "role",
                                 .type = base::OptionType::kChoice,
                                 .default_text = "viewer",
                                 .choices = {"viewer", "operator", "admin"},
                                 .scope = base::OptionScope::kFlagOnly,
                                 .description = "What he may."},
                                {.name = "no-password",
                                 .type = base::OptionType::kSwitch,
                                 .scope = base::OptionScope::kFlagOnly,
                                 .description = "He has tokens only."},
                                ReasonOption()}),
      .run = Add};
}

Command UsersRoleCommand() {
  return {.name = "users role",
          .summary = "change what a user may",
          .description = "Gives a user another role; his tokens may no more than that.",
          .examples = "ronda users role ann admin",
          .positionals = {NamePositional(),
                          {.name = "ROLE",
                           .description = "viewer, operator or admin.",
                           .choices = kRoles,
                           .suggest = Suggest::kChoices}},
          .options = ServerOptions({ReasonOption()}),
          .run = SetRole};
}

Command UsersPasswordCommand() {
  return {.name = "users password",
          .summary = "change a password",
          .description =
              "Sets the password of NAME, for which you are an admin; without NAME your own, for "
              "which the old one is asked. Passwords are asked for, or read from standard input, a "
              "line each. Sessions end.",
          .examples = "ronda users password\nronda users password ann",
          .positionals = {{.name = "NAME",
                           .arity = Arity::kOptional,
                           .description = "The user; without it, you.",
                           .suggest = Suggest::kChoices}},
          .options = ServerOptions({ReasonOption()}),
          .run = SetPassword};
}

Command UsersRemoveCommand() {
  return {
      .name = "users remove",
      .summary = "remove a user",
      .description = "Removes a user with his sessions and tokens. What he did stays in the audit.",
      .examples = "ronda users remove ann --reason 'left the company'",
      .positionals = {NamePositional()},
      .options = ServerOptions({ReasonOption()}),
      .run = Remove};
}

}  // namespace ronda::cli
