#pragma once

#include <string>

#include "api/authentication.h"
#include "api/router.h"
#include "base/core/clock.h"
#include "store/accounts.h"
#include "store/database.h"

namespace ronda::api {

// Cookies of sessions are sent over TLS only.
enum class SecureCookies : std::uint8_t { kNo, kYes };

// Logins, users and tokens: /api/v1/{login,logout,me,users,tokens}. Borrows what it is given; outlives the
// router. Any thread.
class AccountRoutes {
 public:
  AccountRoutes(store::Database& database, Authentication& authentication, const base::Clock& clock,
                SecureCookies secure)
      : database_(database), authentication_(authentication), clock_(clock), secure_(secure) {}

  void AddTo(Router& router);

 private:
  void AddSessionsTo(Router& router);
  void AddUsersTo(Router& router);
  void AddTokensTo(Router& router);

  base::Result<http::Response> LogIn(const Call& call);
  base::Result<http::Response> LogOut(const Call& call);
  base::Result<http::Response> Me(const Call& call);
  base::Result<http::Response> ChangeOwnPassword(const Call& call);

  base::Result<http::Response> ListUsers(const Call& call);
  base::Result<http::Response> GetUser(const Call& call);
  base::Result<http::Response> CreateUser(const Call& call);
  base::Result<http::Response> ChangeUser(const Call& call);
  base::Result<http::Response> DeleteUser(const Call& call);
  [[nodiscard]] base::Result<store::UserRow> FindUser(const std::string& name);
  [[nodiscard]] base::Result<std::string> CurrentUser(const Call& call);

  base::Result<http::Response> ListTokens(const Call& call);
  base::Result<http::Response> CreateToken(const Call& call);
  base::Result<http::Response> RevokeToken(const Call& call);

  [[nodiscard]] std::int64_t Now() const { return static_cast<std::int64_t>(clock_.WallNs()); }
  [[nodiscard]] std::string CookieOf(std::string_view secret, std::int64_t seconds) const;

  store::Database& database_;
  Authentication& authentication_;
  const base::Clock& clock_;
  SecureCookies secure_;
};

// Names of users and tokens.
[[nodiscard]] Schema NameSchema(std::string description);
[[nodiscard]] Schema PasswordSchema();

}  // namespace ronda::api
