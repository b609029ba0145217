// Logins: /api/v1/{login,logout,me}.
#include <fmt/format.h>

#include "api/account_routes.h"
#include "api/audit.h"
#include "api/secrets.h"
#include "api/time_text.h"
#include "base/json_writer.h"

namespace ronda::api {
namespace {

constexpr Access kAnybody = {.role = Role::kNone, .area = Area::kSelf};
constexpr Access kSelf = {.role = Role::kViewer, .area = Area::kSelf};

Schema MeSchema() {
  return schema::Named(
      "Me", schema::Object({{"user", schema::Text()},
                            {"role", schema::Choice(RoleNames())},
                            {"credential", schema::Text("The id of the session or token")},
                            {"kind", schema::Choice({"session", "token"})},
                            {"csrf_token",
                             schema::Text("Of a session: X-CSRF-Token of each write that is sent "
                                          "with the cookie"),
                             Required::kNo},
                            {"expires_at", schema::Time(), Required::kNo}}));
}

std::string MeJson(const Principal& who, std::string_view csrf, std::int64_t expires_ns) {
  base::JsonWriter json;
  json.Object().Field("user", who.user).Field("role", NameOf(who.role));
  json.Field("credential", who.credential);
  json.Field("kind", who.kind == Principal::Kind::kSession ? "session" : "token");
  if (!csrf.empty()) json.Field("csrf_token", csrf);
  if (expires_ns != 0) json.Field("expires_at", TimeText(expires_ns));
  json.EndObject();
  return std::move(json.out);
}

}  // namespace

Schema NameSchema(std::string description) {
  return schema::Matching(schema::Text(std::move(description)), "[A-Za-z0-9][A-Za-z0-9._@-]{0,63}");
}

Schema PasswordSchema() {
  Schema password = schema::Within(schema::Text("At least 10 characters"), 10, 500);
  password.format = "password";
  return password;
}

void AccountRoutes::AddTo(Router& router) {
  AddSessionsTo(router);
  AddUsersTo(router);
  AddTokensTo(router);
}

void AccountRoutes::AddSessionsTo(Router& router) {
  Schema given = schema::Text();
  given.format = "password";
  router.Add(
      {.pattern = "/api/v1/login",
       .method = "POST",
       .summary = "Begins a session: a cookie, and the token that writes need beside it",
       .name = "logIn",
       .access = kAnybody,
       .body = Body{.schema = schema::Object({{"user", schema::Text()}, {"password", given}})},
       .answers = {{.description = "With Set-Cookie", .schema = MeSchema()}},
       .errors = {401, 429},
       .answer = [this](const Call& call) { return LogIn(call); }});
  router.Add({.pattern = "/api/v1/logout",
              .method = "POST",
              .summary = "Ends the session, or revokes the token, that asks",
              .name = "logOut",
              .access = kSelf,
              .answers = {{.status = 204, .content = ""}},
              .answer = [this](const Call& call) { return LogOut(call); }});
  router.Add({.pattern = "/api/v1/me",
              .summary = "Who asks",
              .name = "getMe",
              .access = kSelf,
              .answers = {{.schema = MeSchema()}},
              .answer = [this](const Call& call) { return Me(call); }});
  router.Add({.pattern = "/api/v1/me/password",
              .method = "POST",
              .summary = "Changes the password of who asks; all sessions end",
              .name = "changeOwnPassword",
              .access = kSelf,
              .body = Body{.schema = schema::Object({{"old", given}, {"new", PasswordSchema()}})},
              .answers = {{.status = 204, .content = ""}},
              .errors = {412, 429},
              .answer = [this](const Call& call) { return ChangeOwnPassword(call); }});
}

std::string AccountRoutes::CookieOf(std::string_view secret, std::int64_t seconds) const {
  return fmt::format("{}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Strict{}", kSessionCookie,
                     secret, seconds, secure_ == SecureCookies::kYes ? "; Secure" : "");
}

base::Result<http::Response> AccountRoutes::LogIn(const Call& call) {
  ASSIGN_OR_RETURN(const store::UserRow user,
                   authentication_.CheckPassword(call.BodyText("user"), call.BodyText("password"),
                                                 call.request.peer));
  const std::string secret = NewSecret("");
  const store::SessionRow session{.digest = DigestOf(secret),
                                  .id = NewId(),
                                  .user = user.name,
                                  .created_ns = Now(),
                                  .expires_ns = Now() + kSessionNs};
  const Principal who{.kind = Principal::Kind::kSession,
                      .user = user.name,
                      .credential = session.id,
                      .role = RoleOf(user.role).value_or(Role::kNone)};
  Call as_user{.request = call.request, .who = who};
  RETURN_IF_ERROR(database_.Write([&](store::Transaction& t) -> base::Status {
    RETURN_IF_ERROR(DeleteExpiredSessions(t, Now()));
    RETURN_IF_ERROR(InsertSession(t, session));
    return AppendAudit(t, AuditOf(as_user, clock_, "session.create", "user/" + user.name, {}));
  }));
  http::Response response{.body = MeJson(who, CsrfOf(secret), session.expires_ns)};
  response.headers.emplace_back("Set-Cookie", CookieOf(secret, kSessionNs / 1'000'000'000));
  return response;
}

base::Result<http::Response> AccountRoutes::LogOut(const Call& call) {
  const bool session = call.who.kind == Principal::Kind::kSession;
  RETURN_IF_ERROR(database_.Write([&](store::Transaction& t) -> base::Status {
    RETURN_IF_ERROR(session ? store::DeleteSession(t, call.who.credential)
                            : store::RevokeToken(t, call.who.credential, Now()));
    return AppendAudit(
        t, AuditOf(call, clock_, session ? "session.delete" : "token.revoke",
                   session ? "user/" + call.who.user : "token/" + call.who.credential, {}));
  }));
  http::Response response{.status = 204, .content_type = ""};
  if (session) response.headers.emplace_back("Set-Cookie", CookieOf("", 0));
  return response;
}

base::Result<http::Response> AccountRoutes::Me(const Call& call) {
  const bool session = call.who.kind == Principal::Kind::kSession;
  const std::string csrf = session ? CsrfOf(SessionCookieOf(call.request)) : "";
  return http::Response{.body = MeJson(call.who, csrf, 0)};
}

base::Result<http::Response> AccountRoutes::ChangeOwnPassword(const Call& call) {
  const auto checked =
      authentication_.CheckPassword(call.who.user, call.BodyText("old"), call.request.peer);
  if (!checked.ok()) {
    if (checked.status().code() != base::Code::kUnauthenticated) return checked.status();
    return base::PermissionDenied("the old password is wrong");
  }
  store::UserRow user = *checked;
  ASSIGN_OR_RETURN(user.password, authentication_.Hash(call.BodyText("new")));
  user.updated_ns = Now();
  RETURN_IF_ERROR(database_.Write([&](store::Transaction& t) -> base::Status {
    RETURN_IF_ERROR(UpdateUser(t, user).status());
    RETURN_IF_ERROR(DeleteSessionsOf(t, user.name));
    return AppendAudit(t, AuditOf(call, clock_, "user.password", "user/" + user.name, {}));
  }));
  return http::Response{.status = 204, .content_type = ""};
}

}  // namespace ronda::api
