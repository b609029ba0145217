#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "api/login_limit.h"
#include "api/router.h"
#include "base/core/clock.h"
#include "base/core/status.h"
#include "store/accounts.h"
#include "store/database.h"

namespace ronda::api {

inline constexpr std::string_view kSessionCookie = "ronda_session";
inline constexpr std::string_view kCsrfHeader = "X-CSRF-Token";
inline constexpr std::int64_t kSessionNs = 12 * std::int64_t{3'600'000'000'000};

// What a browser has to send with each write of the session whose cookie is `secret`.
[[nodiscard]] std::string CsrfOf(std::string_view secret);
// The session's cookie of a request; empty: none.
[[nodiscard]] std::string_view SessionCookieOf(const http::Request& request);

// Who somebody is, by the users, sessions and tokens of the store. Borrows both; any thread.
class Authentication : public Authenticator {
 public:
  Authentication(store::Database& database, const base::Clock& clock)
      : database_(database), clock_(clock), limit_(clock) {}

  [[nodiscard]] base::Result<Principal> Authenticate(const http::Request& request) override;

  // The user, when the password is his. Unauthenticated: it is not, or he may not log in.
  // ResourceExhausted: too many wrong ones from `peer`.
  [[nodiscard]] base::Result<store::UserRow> CheckPassword(std::string_view name,
                                                           std::string_view password,
                                                           std::string_view peer);
  [[nodiscard]] base::Result<std::string> Hash(std::string_view password);

  // Where there is no user yet: makes one, admin, who has no password, and gives a token of his. It is not
  // shown again.
  [[nodiscard]] base::Result<std::optional<std::string>> MakeFirstAdmin();

 private:
  [[nodiscard]] base::Result<Principal> ByToken(std::string_view secret);
  [[nodiscard]] base::Result<Principal> BySession(std::string_view secret,
                                                  const http::Request& request);
  [[nodiscard]] std::int64_t Now() const { return static_cast<std::int64_t>(clock_.WallNs()); }

  store::Database& database_;
  const base::Clock& clock_;
  LoginLimit limit_;
  std::mutex hashing_;  // one at a time: each takes 64 MiB
};

}  // namespace ronda::api
