// ronda login, logout, whoami.
#include <unistd.h>

#include <ostream>

#include "base/json_writer.h"
#include "cli/api_client.h"
#include "cli/commands/commands.h"
#include "cli/password.h"

namespace ronda::cli {
namespace {

using Element = simdjson::dom::element;

std::string HostName() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? std::string(name) : "";
}

// A token for this machine, by a session that is over when it is made.
base::Result<std::string> TokenByPassword(const std::string& url, const std::string& user,
                                          const std::string& password, std::int64_t days) {
  ApiClient client({.url = url, .token = ""});
  base::JsonWriter login;
  login.Object().Field("user", user).Field("password", password).EndObject();
  ASSIGN_OR_RETURN(
      const Element me,
      client.Json({.method = "POST", .path = "/api/v1/login", .body = std::move(login.out)}));
  const std::string cookie = client.Header("Set-Cookie");
  const Parameters session = {{"Cookie", cookie.substr(0, cookie.find(';'))},
                              {"X-CSRF-Token", TextOf(me, "csrf_token")}};
  base::JsonWriter token;
  token.Object().Field("name", "ronda login on " + HostName());
  token.Key("scopes").List().Text("*:write").EndList();
  token.Field("expires_in_s", days * 86'400).EndObject();
  ASSIGN_OR_RETURN(const Element made, client.Json({.method = "POST",
                                                    .path = "/api/v1/tokens",
                                                    .body = std::move(token.out),
                                                    .headers = session}));
  std::string secret = TextOf(made, "token");
  RETURN_IF_ERROR(client.Send({.method = "POST", .path = "/api/v1/logout", .headers = session}));
  return secret;
}

base::Result<base::ExitCode> LogIn(const Invocation& invocation, Context& context) {
  std::string url = invocation.arguments[0];
  while (url.ends_with('/')) url.pop_back();
  ServerPlace place{.url = url, .token = ""};
  if (invocation.options.Has("token")) {
    place.token = invocation.options.String("token");
  } else if (invocation.options.Has("user")) {
    const std::string& user = invocation.options.String("user");
    ASSIGN_OR_RETURN(const std::string password, ReadPassword("Password of " + user, context));
    ASSIGN_OR_RETURN(place.token,
                     TokenByPassword(url, user, password, invocation.options.Int("days")));
  } else {
    return UsageError(invocation, context, "say who: --user NAME, or --token TOKEN");
  }
  ApiClient client(place);
  ASSIGN_OR_RETURN(const Element me, client.Get("/api/v1/me"));
  ASSIGN_OR_RETURN(const std::string file, LoginFile(context));
  RETURN_IF_ERROR(WriteServerFile(file, place));
  context.out << PlainTextOf(me, "user") << " (" << PlainTextOf(me, "role") << ") at " << url
              << '\n';
  return base::ExitCode::kOk;
}

base::Result<base::ExitCode> LogOut(const Invocation&, Context& context) {
  ASSIGN_OR_RETURN(const std::string file, LoginFile(context));
  const ServerPlace place = ReadServerFile(file);
  if (place.url.empty()) return base::FailedPrecondition("nobody is logged in");
  // A server that does not answer, or knows the token no more, keeps nobody logged in here.
  ApiClient client(place);
  const base::Status revoked = client.Send({.method = "POST", .path = "/api/v1/logout"});
  if (unlink(file.c_str()) != 0) return base::FromErrno("cannot remove " + file, errno);
  if (!revoked.ok()) {
    context.err << "note: the token was not revoked: " << revoked.message() << '\n';
  }
  context.out << "logged out of " << place.url << '\n';
  return base::ExitCode::kOk;
}

base::Result<base::ExitCode> WhoAmI(const Invocation& invocation, Context& context) {
  ASSIGN_OR_RETURN(ApiClient client, ApiClient::Of(invocation, context));
  ASSIGN_OR_RETURN(const Element me, client.Get("/api/v1/me"));
  if (invocation.options.Switch("json")) {
    context.out << client.body() << '\n';
  } else {
    context.out << PlainTextOf(me, "user") << " (" << PlainTextOf(me, "role") << ") at "
                << client.place().url << '\n';
  }
  return base::ExitCode::kOk;
}

}  // namespace

Command LoginCommand() {
  return {
      .name = "login",
      .summary = "remember a server and who you are there",
      .description =
          "Makes a token at the server by your password, or takes the one of --token, and keeps it "
          "in ronda/login.json of $XDG_CONFIG_HOME or ~/.config, which you alone can read. "
          "The password is asked for, or read from standard input. Commands that speak to a "
          "server then speak to this one.",
      .examples = "ronda login https://ronda.example:4319 --user ann",
      .positionals = {{.name = "URL", .description = "The server.", .suggest = Suggest::kChoices}},
      .options = {{.name = "user",
                   .type = base::OptionType::kString,
                   .value_name = "NAME",
                   .scope = base::OptionScope::kFlagOnly,
                   .description = "Who you are."},
                  {.name = "days",
                   .type = base::OptionType::kInt,
                   .value_name = "N",
                   .default_text = "30",
                   .min = "1",
                   .max = "3650",
                   .scope = base::OptionScope::kFlagOnly,
                   .description = "How long the token is good."},
                  {.name = "token",
                   .type = base::OptionType::kString,
                   .secrecy = base::Secrecy::kSecret,
                   .description = "A token that you have, instead of a password."}},
      .run = LogIn};
}

Command LogoutCommand() {
  return {.name = "logout",
          .summary = "forget the server, and revoke its token",
          .description = "Undoes `ronda login`: the token is revoked and its file removed.",
          .examples = "ronda logout",
          .run = LogOut};
}

Command WhoAmICommand() {
  return {.name = "whoami",
          .summary = "who you are at the server",
          .description = "Prints your name, your role and the server.",
          .examples = "ronda whoami",
          .options = ServerOptions({JsonOption()}),
          .run = WhoAmI};
}

}  // namespace ronda::cli
