// /api/v1/users.
#include <fmt/format.h>

#include <charconv>

#include "api/account_routes.h"
#include "api/audit.h"
#include "api/paging.h"
#include "api/time_text.h"
#include "base/json_writer.h"

namespace ronda::api {
namespace {

constexpr Access kAdmin = {.role = Role::kAdmin, .area = Area::kAccounts};

Schema UserSchema() {
  return schema::Named("User",
                       schema::Object({{"name", NameSchema("")},
                                       {"role", schema::Choice(RoleNames())},
                                       {"disabled", schema::Bool("He can do nothing")},
                                       {"has_password", schema::Bool("He can log in by password")},
                                       {"created_at", schema::Time()},
                                       {"updated_at", schema::Time()}}));
}

void PutUser(const store::UserRow& user, base::JsonWriter& json) {
  json.Object().Field("name", user.name).Field("role", user.role).Field("disabled", user.disabled);
  json.Field("has_password", !user.password.empty());
  json.Field("created_at", TimeText(user.created_ns));
  json.Field("updated_at", TimeText(user.updated_ns)).EndObject();
}

std::string UserJson(const store::UserRow& user) {
  base::JsonWriter json;
  PutUser(user, json);
  return std::move(json.out);
}

http::Response UserResponse(const store::UserRow& user, std::int64_t rev, int status = 200) {
  return WithETag({.status = status, .body = UserJson(user)}, std::to_string(rev));
}

std::int64_t RevOf(const Call& call) {
  std::int64_t rev = -1;
  const std::string& text = *call.expected;
  std::from_chars(text.data(), text.data() + text.size(), rev);
  return rev;
}

// Somebody has to be left who can let others in.
base::Status CheckAdminLeft(store::Transaction& t) {
  ASSIGN_OR_RETURN(const std::int64_t admins, CountAdmins(t));
  if (admins > 0) return base::Ok();
  return base::Aborted("this is the last admin: make another one first");
}

}  // namespace

void AccountRoutes::AddUsersTo(Router& router) {
  const std::vector<Parameter> name = {{"name", "The user's name", NameSchema("")}};
  const auto current = [this](const Call& call) { return CurrentUser(call); };
  router.Add({.pattern = "/api/v1/users",
              .summary = "The users, by name",
              .parameters = WithPaging({}),
              .name = "listUsers",
              .access = kAdmin,
              .answers = {{.schema = PageSchema("UserPage", "users", UserSchema())}},
              .answer = [this](const Call& call) { return ListUsers(call); }});
  router.Add(
      {.pattern = "/api/v1/users",
       .method = "POST",
       .summary = "Makes a user",
       .name = "createUser",
       .access = kAdmin,
       .body = Body{.schema = schema::Object({{"name", NameSchema("")},
                                              {"role", schema::Choice(RoleNames())},
                                              {"password", PasswordSchema(), Required::kNo}})},
       .answers = {{.status = 201, .schema = UserSchema()}},
       .errors = {409},
       .by_key = ByKey::kYes,
       .answer = [this](const Call& call) { return CreateUser(call); }});
  router.Add({.pattern = "/api/v1/users/{name}",
              .summary = "A user",
              .parameters = name,
              .name = "getUser",
              .access = kAdmin,
              .answers = {{.schema = UserSchema()}, {.status = 304, .content = ""}},
              .answer = [this](const Call& call) { return GetUser(call); }});
  router.Add(
      {.pattern = "/api/v1/users/{name}",
       .method = "PATCH",
       .summary = "Changes what the body names; a new password, or disabling, ends sessions",
       .parameters = name,
       .name = "changeUser",
       .access = kAdmin,
       .body = Body{.schema = schema::Object({{"role", schema::Choice(RoleNames()), Required::kNo},
                                              {"disabled", schema::Bool(), Required::kNo},
                                              {"password", PasswordSchema(), Required::kNo}})},
       .answers = {{.schema = UserSchema()}},
       .errors = {409},
       .current = current,
       .answer = [this](const Call& call) { return ChangeUser(call); }});
  router.Add({.pattern = "/api/v1/users/{name}",
              .method = "DELETE",
              .summary = "Removes a user with his sessions and tokens",
              .parameters = name,
              .name = "deleteUser",
              .access = kAdmin,
              .answers = {{.status = 204, .content = ""}},
              .errors = {409},
              .current = current,
              .answer = [this](const Call& call) { return DeleteUser(call); }});
}

base::Result<store::UserRow> AccountRoutes::FindUser(const std::string& name) {
  std::optional<store::UserRow> user;
  RETURN_IF_ERROR(database_.Read([&](store::Transaction& t) -> base::Status {
    ASSIGN_OR_RETURN(user, store::FindUser(t, name));
    return base::Ok();
  }));
  if (!user) return base::NotFound("there is no user " + name);
  return *std::move(user);
}

base::Result<std::string> AccountRoutes::CurrentUser(const Call& call) {
  ASSIGN_OR_RETURN(const store::UserRow user, FindUser(call.path.at("name")));
  return std::to_string(user.rev);
}

base::Result<http::Response> AccountRoutes::ListUsers(const Call& call) {
  ASSIGN_OR_RETURN(const Page page, PageOf(call));
  std::vector<store::UserRow> users;
  RETURN_IF_ERROR(database_.Read([&](store::Transaction& t) -> base::Status {
    ASSIGN_OR_RETURN(users, store::ListUsers(t, page.after, page.limit + 1));
    return base::Ok();
  }));
  return PageResponse("users", page, users, PutUser,
                      [](const store::UserRow& user) { return user.name; });
}

base::Result<http::Response> AccountRoutes::GetUser(const Call& call) {
  ASSIGN_OR_RETURN(const store::UserRow user, FindUser(call.path.at("name")));
  return UserResponse(user, user.rev);
}

base::Result<http::Response> AccountRoutes::CreateUser(const Call& call) {
  store::UserRow user{.name = call.BodyText("name"),
                      .role = call.BodyText("role"),
                      .created_ns = Now(),
                      .updated_ns = Now()};
  if (const std::string password = call.BodyText("password"); !password.empty()) {
    ASSIGN_OR_RETURN(user.password, authentication_.Hash(password));
  }
  std::int64_t rev = 0;
  RETURN_IF_ERROR(database_.Write([&](store::Transaction& t) -> base::Status {
    RETURN_IF_ERROR(InsertUser(t, user));
    ASSIGN_OR_RETURN(const auto made, store::FindUser(t, user.name));
    rev = made->rev;
    const std::string after = UserJson(user);
    return AppendAudit(t, AuditOf(call, clock_, "user.create", "user/" + user.name,
                                  {.after = after, .detail = "role " + user.role}));
  }));
  http::Response response = UserResponse(user, rev, 201);
  response.headers.emplace_back("Location", "/api/v1/users/" + user.name);
  return response;
}

base::Result<http::Response> AccountRoutes::ChangeUser(const Call& call) {
  ASSIGN_OR_RETURN(const store::UserRow before, FindUser(call.path.at("name")));
  store::UserRow user = before;
  user.rev = RevOf(call);
  user.updated_ns = Now();
  std::string detail;
  if (const std::string role = call.BodyText("role"); !role.empty()) {
    detail = fmt::format("role {} to {}", user.role, role);
    user.role = role;
  }
  if (bool disabled = false; call.body["disabled"].get_bool().get(disabled) == simdjson::SUCCESS) {
    detail += fmt::format("{}{}", detail.empty() ? "" : ", ", disabled ? "disabled" : "enabled");
    user.disabled = disabled;
  }
  const std::string password = call.BodyText("password");
  if (!password.empty()) {
    detail += fmt::format("{}password", detail.empty() ? "" : ", ");
    ASSIGN_OR_RETURN(user.password, authentication_.Hash(password));
  }
  std::int64_t rev = 0;
  RETURN_IF_ERROR(database_.Write([&](store::Transaction& t) -> base::Status {
    ASSIGN_OR_RETURN(rev, UpdateUser(t, user));
    RETURN_IF_ERROR(CheckAdminLeft(t));
    if (!password.empty() || user.disabled) RETURN_IF_ERROR(DeleteSessionsOf(t, user.name));
    const std::string was = UserJson(before), is = UserJson(user);
    return AppendAudit(t, AuditOf(call, clock_, "user.change", "user/" + user.name,
                                  {.before = was, .after = is, .detail = detail}));
  }));
  return UserResponse(user, rev);
}

base::Result<http::Response> AccountRoutes::DeleteUser(const Call& call) {
  const std::string& name = call.path.at("name");
  ASSIGN_OR_RETURN(const store::UserRow user, FindUser(name));
  RETURN_IF_ERROR(database_.Write([&](store::Transaction& t) -> base::Status {
    RETURN_IF_ERROR(store::DeleteUser(t, name, RevOf(call)));
    RETURN_IF_ERROR(CheckAdminLeft(t));
    const std::string was = UserJson(user);
    return AppendAudit(t, AuditOf(call, clock_, "user.delete", "user/" + name, {.before = was}));
  }));
  return http::Response{.status = 204, .content_type = ""};
}

}  // namespace ronda::api
