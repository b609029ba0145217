#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/account_routes.h"
#include "api/api_test_util.h"
#include "api/audit.h"
#include "api/authentication.h"
#include "api/secrets.h"
#include "base/core/clock.h"
#include "store/migrations.h"
#include "store/store_test_util.h"

namespace ronda::api {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::uint64_t kHourNs = 3'600'000'000'000;
constexpr const char* kPassword = "correct horse battery";

// A server with accounts, as a client sees it.
class AccountsApiTest : public ::testing::Test {
 protected:
  AccountsApiTest() {
    EXPECT_TRUE(store::Migrate(*database_, 1).ok());
    accounts_.AddTo(router_);
    audit_.AddTo(router_);
    const auto first = authentication_.MakeFirstAdmin();
    EXPECT_TRUE(first.ok() && *first);
    admin_ = {{"Authorization", "Bearer " + **first}};
  }

  http::Response Ask(const http::Headers& as, std::string method, std::string target,
                     std::string body = "", http::Headers more = {}) {
    http::Headers headers = as;
    headers.insert(headers.end(), more.begin(), more.end());
    http::Request request{.method = std::move(method),
                          .target = std::move(target),
                          .headers = std::move(headers),
                          .body = std::move(body),
                          .id = "r-1",
                          .peer = "127.0.0.1"};
    http::Response response = router_.Handle(request);
    ExpectDocumented(router_, request, response);
    return response;
  }
  static std::string HeaderOf(const http::Response& response, std::string_view name) {
    for (const auto& [key, value] : response.headers) {
      if (key == name) return value;
    }
    return "";
  }
  static std::string TextIn(const http::Response& response, std::string_view pointer) {
    simdjson::dom::parser parser;
    simdjson::dom::element json;
    std::string_view text;
    if (parser.parse(response.body).get(json) != simdjson::SUCCESS ||
        json.at_pointer(pointer).get_string().get(text) != simdjson::SUCCESS) {
      ADD_FAILURE() << pointer << " is not in " << response.body;
    }
    return std::string(text);
  }

  void MakeUser(const std::string& name, const std::string& role) {
    const auto made = Ask(
        admin_, "POST", "/api/v1/users",
        R"({"name":")" + name + R"(","role":")" + role + R"(","password":")" + kPassword + "\"}");
    ASSERT_EQ(made.status, 201) << made.body;
  }
  http::Response LogIn(const std::string& name, const std::string& password = kPassword) {
    return Ask({}, "POST", "/api/v1/login",
               R"({"user":")" + name + R"(","password":")" + password + "\"}");
  }
  // Cookie and CSRF token of a login.
  http::Headers SessionOf(const std::string& name) {
    const auto login = LogIn(name);
    EXPECT_EQ(login.status, 200) << login.body;
    const std::string cookie = HeaderOf(login, "Set-Cookie");
    return {{"Cookie", "other=1; " + cookie.substr(0, cookie.find(';'))},
            {"X-CSRF-Token", TextIn(login, "/csrf_token")}};
  }
  // A token of who asks, by its scopes.
  http::Headers TokenOf(const http::Headers& as, const std::string& scopes,
                        const std::string& more = "") {
    const auto made =
        Ask(as, "POST", "/api/v1/tokens", R"({"name":"ci","scopes":[)" + scopes + "]" + more + "}");
    EXPECT_EQ(made.status, 201) << made.body;
    token_id_ = TextIn(made, "/id");
    return {{"Authorization", "Bearer " + TextIn(made, "/token")}};
  }

  base::FakeClock clock_;
  store::TestDatabase database_{store::Engine::kSqlite};
  Authentication authentication_{*database_, clock_};
  IdempotencyInMemory idempotency_{clock_};
  Router router_{{.authenticator = &authentication_, .idempotency = &idempotency_}};
  AccountRoutes accounts_{*database_, authentication_, clock_, SecureCookies::kNo};
  AuditRoutes audit_{*database_};
  http::Headers admin_;
  std::string token_id_;
};

TEST_F(AccountsApiTest, TheFirstStartMakesOneAdminAndNoOther) {
  EXPECT_EQ(TextIn(Ask(admin_, "GET", "/api/v1/me"), "/role"), "admin");
  const auto again = authentication_.MakeFirstAdmin();
  ASSERT_TRUE(again.ok());
  EXPECT_FALSE(*again);
  EXPECT_EQ(Ask({}, "GET", "/api/v1/me").status, 401);
  EXPECT_EQ(LogIn("admin", "").status, 401) << "who has no password cannot log in with none";
}

TEST_F(AccountsApiTest, ALoginIsACookieThatScriptsAndOtherSitesDoNotSee) {
  MakeUser("ann", "operator");
  const std::string cookie = HeaderOf(LogIn("ann"), "Set-Cookie");
  for (const char* part : {"ronda_session=", "HttpOnly", "SameSite=Strict", "Path=/"}) {
    EXPECT_THAT(cookie, HasSubstr(part));
  }
  const http::Headers session = SessionOf("ann");
  const auto me = Ask(session, "GET", "/api/v1/me");
  EXPECT_EQ(TextIn(me, "/user"), "ann");
  EXPECT_EQ(TextIn(me, "/csrf_token"), session[1].second) << "a page that was loaded again asks";
}

TEST_F(AccountsApiTest, ASessionsWriteNeedsItsCsrfToken) {
  MakeUser("ann", "operator");
  const http::Headers session = SessionOf("ann"), other = SessionOf("ann");
  EXPECT_EQ(Ask({session[0]}, "GET", "/api/v1/me").status, 200);
  EXPECT_EQ(Ask({session[0]}, "POST", "/api/v1/logout").status, 403);
  EXPECT_EQ(Ask({session[0], other[1]}, "POST", "/api/v1/logout").status, 403)
      << "that of another session is none";
  EXPECT_EQ(Ask(session, "POST", "/api/v1/logout").status, 204);
  EXPECT_EQ(Ask(session, "GET", "/api/v1/me").status, 401);
  EXPECT_EQ(Ask(other, "GET", "/api/v1/me").status, 200);
}

TEST_F(AccountsApiTest, ASessionEndsByItself) {
  MakeUser("ann", "viewer");
  const http::Headers session = SessionOf("ann");
  clock_.Advance(11 * kHourNs);
  EXPECT_EQ(Ask(session, "GET", "/api/v1/me").status, 200);
  clock_.Advance(kHourNs);
  EXPECT_EQ(Ask(session, "GET", "/api/v1/me").status, 401);
}

TEST_F(AccountsApiTest, WrongPasswordsAreSlowedDown) {
  MakeUser("ann", "viewer");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(LogIn("ann", "wrong").status, 401);
  const auto refused = LogIn("ann");
  EXPECT_EQ(refused.status, 429) << "even the right one";
  EXPECT_NE(HeaderOf(refused, "Retry-After"), "");
  EXPECT_EQ(LogIn("bob", "wrong").body, LogIn("nobody", "wrong").body)
      << "nothing tells whether there is such a user";
  clock_.Advance(61'000'000'000);
  EXPECT_EQ(LogIn("ann").status, 200);
}

TEST_F(AccountsApiTest, ATokenReachesItsScopesAndNoMore) {
  const http::Headers token = TokenOf(admin_, R"("accounts:read")");
  EXPECT_EQ(Ask(token, "GET", "/api/v1/users").status, 200);
  const auto refused = Ask(token, "POST", "/api/v1/users", R"({"name":"x","role":"viewer"})");
  EXPECT_THAT(refused.body, HasSubstr("accounts:write"));
  EXPECT_THAT(Ask(token, "GET", "/api/v1/audit").body, HasSubstr("audit:read"));
  const http::Headers writer = TokenOf(admin_, R"("accounts:write")");
  const auto more = Ask(writer, "POST", "/api/v1/tokens", R"({"name":"n","scopes":["runs:read"]})");
  EXPECT_EQ(more.status, 403) << "nobody gives away more than he has";
}

TEST_F(AccountsApiTest, ATokenExpiresIsRevokedAndFallsWithItsUser) {
  MakeUser("ann", "operator");
  const http::Headers session = SessionOf("ann");
  const http::Headers brief = TokenOf(session, R"("*:write")", R"(,"expires_in_s":60)");
  EXPECT_EQ(Ask(brief, "GET", "/api/v1/me").status, 200);
  clock_.Advance(60'000'000'000);
  EXPECT_THAT(Ask(brief, "GET", "/api/v1/me").body, HasSubstr("has expired"));

  const http::Headers revoked = TokenOf(session, R"("*:write")");
  EXPECT_EQ(Ask(session, "DELETE", "/api/v1/tokens/" + token_id_).status, 204);
  EXPECT_THAT(Ask(revoked, "GET", "/api/v1/me").body, HasSubstr("was revoked"));

  const http::Headers out = TokenOf(session, R"("runs:read")");
  EXPECT_EQ(Ask(out, "POST", "/api/v1/logout").status, 204);
  EXPECT_EQ(Ask(out, "GET", "/api/v1/me").status, 401) << "a token's logout revokes it";

  const http::Headers token = TokenOf(session, R"("*:write")");
  const std::string tag = HeaderOf(Ask(admin_, "GET", "/api/v1/users/ann"), "ETag");
  const auto demoted =
      Ask(admin_, "PATCH", "/api/v1/users/ann", R"({"role":"viewer"})", {{"If-Match", tag}});
  EXPECT_EQ(demoted.status, 200) << demoted.body;
  EXPECT_EQ(TextIn(Ask(token, "GET", "/api/v1/me"), "/role"), "viewer");
  Ask(admin_, "PATCH", "/api/v1/users/ann", R"({"disabled":true})",
      {{"If-Match", HeaderOf(demoted, "ETag")}});
  EXPECT_THAT(Ask(token, "GET", "/api/v1/me").body, HasSubstr("is disabled"));
  EXPECT_EQ(LogIn("ann").status, 401);
}

TEST_F(AccountsApiTest, OthersTokensAreForAnAdmin) {
  MakeUser("ann", "operator");
  MakeUser("bob", "operator");
  TokenOf(SessionOf("bob"), R"("*:read")");
  const http::Headers ann = SessionOf("ann");
  EXPECT_EQ(Ask(ann, "DELETE", "/api/v1/tokens/" + token_id_).status, 404);
  EXPECT_EQ(Ask(ann, "GET", "/api/v1/tokens?user=bob").status, 403);
  EXPECT_THAT(Ask(ann, "GET", "/api/v1/tokens").body, Not(HasSubstr(token_id_)));
  EXPECT_THAT(Ask(admin_, "GET", "/api/v1/tokens").body, HasSubstr(token_id_));
  EXPECT_EQ(Ask(admin_, "DELETE", "/api/v1/tokens/" + token_id_).status, 204);
}

TEST_F(AccountsApiTest, AUserIsChangedOnlyByWhoKnowsHimAsHeIs) {
  MakeUser("ann", "viewer");
  EXPECT_EQ(Ask(admin_, "DELETE", "/api/v1/users/ann").status, 428);
  const std::string tag = HeaderOf(Ask(admin_, "GET", "/api/v1/users/ann"), "ETag");
  const http::Headers known = {{"If-Match", tag}};
  EXPECT_EQ(Ask(admin_, "PATCH", "/api/v1/users/ann", R"({"role":"operator"})", known).status, 200);
  EXPECT_EQ(Ask(admin_, "PATCH", "/api/v1/users/ann", R"({"role":"admin"})", known).status, 412);
  EXPECT_EQ(Ask(admin_, "DELETE", "/api/v1/users/ann", "", known).status, 412);
  EXPECT_EQ(Ask(admin_, "DELETE", "/api/v1/users/ann", "", {{"If-Match", "*"}}).status, 204);
  EXPECT_EQ(Ask(admin_, "GET", "/api/v1/users/ann").status, 404);
  EXPECT_EQ(Ask(admin_, "DELETE", "/api/v1/users/ann").status, 404);
}

TEST_F(AccountsApiTest, TheLastAdminStays) {
  const http::Headers any = {{"If-Match", "*"}};
  EXPECT_EQ(Ask(admin_, "DELETE", "/api/v1/users/admin", "", any).status, 409);
  EXPECT_EQ(Ask(admin_, "PATCH", "/api/v1/users/admin", R"({"role":"viewer"})", any).status, 409);
  EXPECT_EQ(Ask(admin_, "PATCH", "/api/v1/users/admin", R"({"disabled":true})", any).status, 409);
  EXPECT_EQ(TextIn(Ask(admin_, "GET", "/api/v1/me"), "/role"), "admin");
}

TEST_F(AccountsApiTest, AnOwnPasswordNeedsTheOldOne) {
  MakeUser("ann", "viewer");
  const http::Headers session = SessionOf("ann");
  const auto change = [&](const std::string& old, const std::string& fresh) {
    return Ask(session, "POST", "/api/v1/me/password",
               R"({"old":")" + old + R"(","new":")" + fresh + "\"}");
  };
  EXPECT_EQ(change("wrong", "another long one").status, 403);
  EXPECT_THAT(change(kPassword, "short").body, HasSubstr("10 to 500 characters"));
  EXPECT_EQ(change(kPassword, "another long one").status, 204);
  EXPECT_EQ(Ask(session, "GET", "/api/v1/me").status, 401) << "sessions ended";
  EXPECT_EQ(LogIn("ann").status, 401);
  EXPECT_EQ(LogIn("ann", "another long one").status, 200);
}

TEST_F(AccountsApiTest, EveryChangeIsInTheAuditAndNoSecretIs) {
  MakeUser("ann", "operator");
  const http::Headers token = TokenOf(SessionOf("ann"), R"("runs:read")");
  Ask(admin_, "PATCH", "/api/v1/users/ann", R"({"role":"viewer"})",
      {{"If-Match", "*"}, {"X-Reason", "she moved\xff"}});
  Ask(admin_, "PATCH", "/api/v1/users/ann", R"({"role":"admin"})");  // refused: no row
  const std::string all = Ask(admin_, "GET", "/api/v1/audit").body;
  for (const char* text :
       {R"("action":"user.create","object":"user/ann")", R"("action":"session.create")",
        R"("action":"token.create")", R"("detail":"role operator to viewer")",
        "\"reason\":\"she moved\xef\xbf\xbd\"", R"("peer":"127.0.0.1")", R"("request_id":"r-1")"}) {
    EXPECT_THAT(all, HasSubstr(text));
  }
  EXPECT_THAT(all, Not(HasSubstr("to admin")));
  EXPECT_THAT(all, Not(HasSubstr(kPassword)));
  EXPECT_THAT(all, Not(HasSubstr(token[0].second.substr(7))));
  const auto page = Ask(admin_, "GET", "/api/v1/audit?object=user/&limit=1");
  EXPECT_EQ(TextIn(page, "/entries/0/action"), "user.change");
  EXPECT_NE(TextIn(page, "/entries/0/before_digest"), TextIn(page, "/entries/0/after_digest"));
  const auto next =
      Ask(admin_, "GET", "/api/v1/audit?object=user/&limit=1&cursor=" + TextIn(page, "/next"));
  EXPECT_EQ(TextIn(next, "/entries/0/action"), "session.create");
  EXPECT_EQ(Ask(admin_, "GET", "/api/v1/audit?cursor=zz").status, 400);
  EXPECT_EQ(Ask(admin_, "GET", "/api/v1/audit?cursor=6161").status, 400);
}

TEST_F(AccountsApiTest, AListIsReadByPage) {
  for (const char* name : {"ann", "bob", "cal"}) {
    ASSERT_EQ(Ask(admin_, "POST", "/api/v1/users",
                  R"({"name":")" + std::string(name) + R"(","role":"viewer"})")
                  .status,
              201);
  }
  std::string names, cursor;
  do {
    const auto page = Ask(admin_, "GET", "/api/v1/users?limit=2" + cursor);
    names += TextIn(page, "/users/0/name") + TextIn(page, "/users/1/name");
    cursor = page.body.find("next") == std::string::npos ? "" : "&cursor=" + TextIn(page, "/next");
  } while (!cursor.empty());
  EXPECT_EQ(names, "adminannbobcal");
}

TEST(Secrets, APasswordIsKnownByItsHashAlone) {
  const auto hash = HashPassword("a password");
  ASSERT_TRUE(hash.ok());
  EXPECT_THAT(*hash, HasSubstr("$argon2id$"));
  EXPECT_TRUE(IsPassword(*hash, "a password"));
  EXPECT_FALSE(IsPassword(*hash, "A password"));
  EXPECT_FALSE(IsPassword("", ""));
  EXPECT_FALSE(IsPassword("nothing", "nothing"));
  EXPECT_NE(NewSecret("x"), NewSecret("x"));
  EXPECT_EQ(NewSecret("ronda_").size(), 6 + 43u);
}

}  // namespace
}  // namespace ronda::api
