#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/status.h"
#include "store/database.h"

namespace ronda::store {

// Times: nanoseconds since 1970; 0: none. Roles and scopes are the API's words.
struct UserRow {
  std::string name = {}, role = {};
  std::string password = {};  // a hash; empty: no login by password
  bool disabled = false;
  std::int64_t rev = 0;
  std::int64_t created_ns = 0, updated_ns = 0;
};

struct SessionRow {
  std::string digest = {}, id = {}, user = {};
  std::int64_t created_ns = 0, expires_ns = 0;
};

struct TokenRow {
  std::string id = {}, digest = {}, name = {}, user = {}, role = {}, scopes = {};
  std::int64_t created_ns = 0, expires_ns = 0, last_used_ns = 0, revoked_ns = 0;
};

[[nodiscard]] base::Result<std::optional<UserRow>> FindUser(Transaction& t, std::string_view name);
// By name, those after `after`.
[[nodiscard]] base::Result<std::vector<UserRow>> ListUsers(Transaction& t, std::string_view after,
                                                           std::int64_t limit);
[[nodiscard]] base::Result<std::int64_t> CountAdmins(Transaction& t);  // that are not disabled
// AlreadyExists when there is one of that name.
[[nodiscard]] base::Status InsertUser(Transaction& t, const UserRow& user);
// The row with a new rev, where it is still at `user.rev`: FailedPrecondition. Returns the new rev.
[[nodiscard]] base::Result<std::int64_t> UpdateUser(Transaction& t, const UserRow& user);
// With sessions and tokens. FailedPrecondition when it is not at `rev`.
[[nodiscard]] base::Status DeleteUser(Transaction& t, std::string_view name, std::int64_t rev);

[[nodiscard]] base::Status InsertSession(Transaction& t, const SessionRow& session);
[[nodiscard]] base::Result<std::optional<SessionRow>> FindSession(Transaction& t,
                                                                  std::string_view digest);
[[nodiscard]] base::Status DeleteSession(Transaction& t, std::string_view id);
[[nodiscard]] base::Status DeleteSessionsOf(Transaction& t, std::string_view user);
[[nodiscard]] base::Status DeleteExpiredSessions(Transaction& t, std::int64_t now_ns);

[[nodiscard]] base::Status InsertToken(Transaction& t, const TokenRow& token);
[[nodiscard]] base::Result<std::optional<TokenRow>> FindTokenByDigest(Transaction& t,
                                                                      std::string_view digest);
[[nodiscard]] base::Result<std::optional<TokenRow>> FindToken(Transaction& t, std::string_view id);
// Of a user, or all of them (empty); by id, those after `after`.
[[nodiscard]] base::Result<std::vector<TokenRow>> ListTokens(Transaction& t, std::string_view user,
                                                             std::string_view after,
                                                             std::int64_t limit);
[[nodiscard]] base::Status TouchToken(Transaction& t, std::string_view id, std::int64_t now_ns);
[[nodiscard]] base::Status RevokeToken(Transaction& t, std::string_view id, std::int64_t now_ns);

}  // namespace ronda::store
