#include "api/authentication.h"

#include <strings.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "api/secrets.h"
#include "store/audit.h"

namespace ronda::api {
namespace {

constexpr std::int64_t kMinuteNs = 60'000'000'000;

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) words.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

// The user may do something now, or why not.
base::Status CheckUser(const std::optional<store::UserRow>& user) {
  if (!user) return base::Unauthenticated("the user of this credential is no more");
  if (user->disabled) return base::Unauthenticated("user " + user->name + " is disabled");
  return base::Ok();
}

bool IsRead(const http::Request& request) {
  return request.method == "GET" || request.method == "HEAD";
}

}  // namespace

std::string CsrfOf(std::string_view secret) { return DigestOf("csrf:" + std::string(secret)); }

std::string_view SessionCookieOf(const http::Request& request) {
  std::string_view rest = request.Header("cookie");
  while (!rest.empty()) {
    std::string_view pair = rest.substr(0, rest.find(';'));
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
    while (pair.starts_with(' ')) pair.remove_prefix(1);
    const std::size_t equals = pair.find('=');
    if (equals != pair.npos && pair.substr(0, equals) == kSessionCookie) {
      return pair.substr(equals + 1);
    }
  }
  return {};
}

base::Result<Principal> Authentication::Authenticate(const http::Request& request) {
  constexpr std::string_view kScheme = "bearer ";
  const std::string_view header = request.Header("authorization");
  if (!header.empty()) {
    if (header.size() <= kScheme.size() ||
        strncasecmp(header.data(), kScheme.data(), kScheme.size()) != 0) {
      return base::Unauthenticated("Authorization is to be: Bearer TOKEN");
    }
    return ByToken(header.substr(kScheme.size()));
  }
  const std::string_view cookie = SessionCookieOf(request);
  if (!cookie.empty()) return BySession(cookie, request);
  return Principal();
}

base::Result<Principal> Authentication::ByToken(std::string_view secret) {
  std::optional<store::TokenRow> token;
  std::optional<store::UserRow> user;
  RETURN_IF_ERROR(database_.Read([&](store::Transaction& t) -> base::Status {
    ASSIGN_OR_RETURN(token, FindTokenByDigest(t, DigestOf(secret)));
    user.reset();
    if (!token) return base::Ok();
    ASSIGN_OR_RETURN(user, FindUser(t, token->user));
    return base::Ok();
  }));
  if (!token) return base::Unauthenticated("there is no such token; ronda login makes one");
  if (token->revoked_ns != 0) return base::Unauthenticated("the token was revoked");
  if (token->expires_ns != 0 && token->expires_ns <= Now()) {
    return base::Unauthenticated("the token has expired");
  }
  RETURN_IF_ERROR(CheckUser(user));
  if (Now() - token->last_used_ns > kMinuteNs) {
    // That it cannot be noted keeps nobody out.
    (void)database_.Write([&](store::Transaction& t) { return TouchToken(t, token->id, Now()); });
  }
  Principal who{.kind = Principal::Kind::kToken, .user = user->name, .credential = token->id};
  who.role =
      std::min(RoleOf(token->role).value_or(Role::kNone), RoleOf(user->role).value_or(Role::kNone));
  ASSIGN_OR_RETURN(who.scopes, Scopes::Parse(Words(token->scopes)));
  return who;
}

base::Result<Principal> Authentication::BySession(std::string_view secret,
                                                  const http::Request& request) {
  std::optional<store::SessionRow> session;
  std::optional<store::UserRow> user;
  RETURN_IF_ERROR(database_.Read([&](store::Transaction& t) -> base::Status {
    ASSIGN_OR_RETURN(session, FindSession(t, DigestOf(secret)));
    user.reset();
    if (!session) return base::Ok();
    ASSIGN_OR_RETURN(user, FindUser(t, session->user));
    return base::Ok();
  }));
  if (!session || session->expires_ns <= Now()) {
    return base::Unauthenticated("the session is over: log in again");
  }
  RETURN_IF_ERROR(CheckUser(user));
  if (!IsRead(request) && !SameSecret(request.Header(kCsrfHeader), CsrfOf(secret))) {
    return base::PermissionDenied(
        "a session's write needs the header X-CSRF-Token: the csrf_token of /api/v1/me");
  }
  return Principal{.kind = Principal::Kind::kSession,
                   .user = user->name,
                   .credential = session->id,
                   .role = RoleOf(user->role).value_or(Role::kNone),
                   .scopes = Scopes::All()};
}

base::Result<store::UserRow> Authentication::CheckPassword(std::string_view name,
                                                           std::string_view password,
                                                           std::string_view peer) {
  if (!limit_.MayTry(name, peer)) {
    return base::ResourceExhausted("too many wrong passwords: wait a minute");
  }
  std::optional<store::UserRow> user;
  RETURN_IF_ERROR(database_.Read([&](store::Transaction& t) -> base::Status {
    ASSIGN_OR_RETURN(user, FindUser(t, name));
    return base::Ok();
  }));
  bool right = false;
  {
    const std::lock_guard lock(hashing_);
    right = IsPassword(user ? user->password : "", password);
  }
  if (right && !user->disabled) return *std::move(user);
  limit_.Failed(name, peer);
  // Whether there is such a user is nobody's business.
  return base::Unauthenticated("the name or the password is wrong");
}

base::Result<std::string> Authentication::Hash(std::string_view password) {
  const std::lock_guard lock(hashing_);
  return HashPassword(password);
}

base::Result<std::optional<std::string>> Authentication::MakeFirstAdmin() {
  std::optional<std::string> secret;
  RETURN_IF_ERROR(database_.Write([&](store::Transaction& t) -> base::Status {
    secret.reset();
    ASSIGN_OR_RETURN(const auto users, ListUsers(t, "", 1));
    if (!users.empty()) return base::Ok();
    secret = NewSecret("ronda_");
    RETURN_IF_ERROR(InsertUser(
        t, {.name = "admin", .role = "admin", .created_ns = Now(), .updated_ns = Now()}));
    RETURN_IF_ERROR(InsertToken(t, {.id = NewId(),
                                    .digest = DigestOf(*secret),
                                    .name = "first start",
                                    .user = "admin",
                                    .role = "admin",
                                    .scopes = "*:write",
                                    .created_ns = Now()}));
    return AppendAudit(t, {.at_ns = Now(),
                           .who = "ronda",
                           .action = "user.create",
                           .object = "user/admin",
                           .detail = "the first start: an admin with a token"});
  }));
  return secret;
}

}  // namespace ronda::api
