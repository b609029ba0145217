#include "store/accounts.h"

#include "store/definitions.h"

namespace ronda::store {
namespace {

constexpr std::string_view kUser =
    "SELECT name, role, password, disabled, rev, created_ns, updated_ns FROM users ";
constexpr std::string_view kToken =
    "SELECT id, digest, name, user_name, role, scopes, created_ns, expires_ns, last_used_ns, "
    "revoked_ns FROM tokens ";

UserRow UserOf(const Row& row) {
  return {.name = row.Text(0),
          .role = row.Text(1),
          .password = row.Text(2),
          .disabled = row.Int(3) != 0,
          .rev = row.Int(4),
          .created_ns = row.Int(5),
          .updated_ns = row.Int(6)};
}

TokenRow TokenOf(const Row& row) {
  return {.id = row.Text(0),
          .digest = row.Text(1),
          .name = row.Text(2),
          .user = row.Text(3),
          .role = row.Text(4),
          .scopes = row.Text(5),
          .created_ns = row.Int(6),
          .expires_ns = row.Int(7),
          .last_used_ns = row.Int(8),
          .revoked_ns = row.Int(9)};
}

base::Result<std::vector<UserRow>> Users(Transaction& t, std::string_view where,
                                         const Transaction::Values& values) {
  std::vector<UserRow> found;
  RETURN_IF_ERROR(t.Query(std::string(kUser).append(where), values,
                          [&](const Row& row) { found.push_back(UserOf(row)); }));
  return found;
}

base::Result<std::vector<TokenRow>> Tokens(Transaction& t, std::string_view where,
                                           const Transaction::Values& values) {
  std::vector<TokenRow> found;
  RETURN_IF_ERROR(t.Query(std::string(kToken).append(where), values,
                          [&](const Row& row) { found.push_back(TokenOf(row)); }));
  return found;
}

template <typename T>
std::optional<T> FirstOf(std::vector<T> rows) {
  if (rows.empty()) return std::nullopt;
  return std::move(rows.front());
}

base::Status Changed(std::string_view name) {
  return base::FailedPrecondition("user " + std::string(name) + " was changed meanwhile");
}

}  // namespace

base::Result<std::optional<UserRow>> FindUser(Transaction& t, std::string_view name) {
  ASSIGN_OR_RETURN(auto found, Users(t, "WHERE name = $1", {std::string(name)}));
  return FirstOf(std::move(found));
}

base::Result<std::vector<UserRow>> ListUsers(Transaction& t, std::string_view after,
                                             std::int64_t limit) {
  return Users(t, "WHERE name > $1 ORDER BY name LIMIT $2", {std::string(after), limit});
}

base::Result<std::int64_t> CountAdmins(Transaction& t) {
  ASSIGN_OR_RETURN(const auto count, t.QueryInt("SELECT count(*) FROM users WHERE role = 'admin' "
                                                "AND disabled = 0"));
  return count.value_or(0);
}

base::Status InsertUser(Transaction& t, const UserRow& user) {
  ASSIGN_OR_RETURN(const std::int64_t rev, NextOf(t, "users"));
  ASSIGN_OR_RETURN(
      const std::int64_t made,
      t.Execute("INSERT INTO users (name, role, password, disabled, rev, created_ns, updated_ns) "
                "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
                {user.name, user.role, user.password, std::int64_t{user.disabled}, rev,
                 user.created_ns, user.updated_ns}));
  if (made == 1) return base::Ok();
  return base::AlreadyExists("there is a user " + user.name + " already");
}

base::Result<std::int64_t> UpdateUser(Transaction& t, const UserRow& user) {
  ASSIGN_OR_RETURN(const std::int64_t rev, NextOf(t, "users"));
  ASSIGN_OR_RETURN(const std::int64_t changed,
                   t.Execute("UPDATE users SET role = $1, password = $2, disabled = $3, rev = $4, "
                             "updated_ns = $5 WHERE name = $6 AND rev = $7",
                             {user.role, user.password, std::int64_t{user.disabled}, rev,
                              user.updated_ns, user.name, user.rev}));
  if (changed != 1) return Changed(user.name);
  return rev;
}

base::Status DeleteUser(Transaction& t, std::string_view name, std::int64_t rev) {
  ASSIGN_OR_RETURN(
      const std::int64_t gone,
      t.Execute("DELETE FROM users WHERE name = $1 AND rev = $2", {std::string(name), rev}));
  if (gone != 1) return Changed(name);
  RETURN_IF_ERROR(DeleteSessionsOf(t, name));
  return t.Run("DELETE FROM tokens WHERE user_name = $1", {std::string(name)});
}

base::Status InsertSession(Transaction& t, const SessionRow& session) {
  return t.Run(
      "INSERT INTO sessions (digest, id, user_name, created_ns, expires_ns) VALUES ($1, $2, $3, "
      "$4, $5)",
      {session.digest, session.id, session.user, session.created_ns, session.expires_ns});
}

base::Result<std::optional<SessionRow>> FindSession(Transaction& t, std::string_view digest) {
  std::optional<SessionRow> found;
  RETURN_IF_ERROR(t.Query(
      "SELECT digest, id, user_name, created_ns, expires_ns FROM sessions WHERE digest = $1",
      {std::string(digest)}, [&](const Row& row) {
        found = SessionRow{row.Text(0), row.Text(1), row.Text(2), row.Int(3), row.Int(4)};
      }));
  return found;
}

base::Status DeleteSession(Transaction& t, std::string_view id) {
  return t.Run("DELETE FROM sessions WHERE id = $1", {std::string(id)});
}

base::Status DeleteSessionsOf(Transaction& t, std::string_view user) {
  return t.Run("DELETE FROM sessions WHERE user_name = $1", {std::string(user)});
}

base::Status DeleteExpiredSessions(Transaction& t, std::int64_t now_ns) {
  return t.Run("DELETE FROM sessions WHERE expires_ns <= $1", {now_ns});
}

base::Status InsertToken(Transaction& t, const TokenRow& token) {
  return t.Run(
      "INSERT INTO tokens (id, digest, name, user_name, role, scopes, created_ns, expires_ns, "
      "last_used_ns, revoked_ns) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0)",
      {token.id, token.digest, token.name, token.user, token.role, token.scopes, token.created_ns,
       token.expires_ns});
}

base::Result<std::optional<TokenRow>> FindTokenByDigest(Transaction& t, std::string_view digest) {
  ASSIGN_OR_RETURN(auto found, Tokens(t, "WHERE digest = $1", {std::string(digest)}));
  return FirstOf(std::move(found));
}

base::Result<std::optional<TokenRow>> FindToken(Transaction& t, std::string_view id) {
  ASSIGN_OR_RETURN(auto found, Tokens(t, "WHERE id = $1", {std::string(id)}));
  return FirstOf(std::move(found));
}

base::Result<std::vector<TokenRow>> ListTokens(Transaction& t, std::string_view user,
                                               std::string_view after, std::int64_t limit) {
  if (user.empty()) {
    return Tokens(t, "WHERE id > $1 ORDER BY id LIMIT $2", {std::string(after), limit});
  }
  return Tokens(t, "WHERE user_name = $1 AND id > $2 ORDER BY id LIMIT $3",
                {std::string(user), std::string(after), limit});
}

base::Status TouchToken(Transaction& t, std::string_view id, std::int64_t now_ns) {
  return t.Run("UPDATE tokens SET last_used_ns = $1 WHERE id = $2 AND last_used_ns < $1",
               {now_ns, std::string(id)});
}

base::Status RevokeToken(Transaction& t, std::string_view id, std::int64_t now_ns) {
  return t.Run("UPDATE tokens SET revoked_ns = $1 WHERE id = $2 AND revoked_ns = 0",
               {now_ns, std::string(id)});
}

}  // namespace ronda::store
