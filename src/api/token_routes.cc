// /api/v1/tokens.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "api/account_routes.h"
#include "api/audit.h"
#include "api/paging.h"
#include "api/secrets.h"
#include "api/time_text.h"
#include "base/json_writer.h"

namespace ronda::api {
namespace {

constexpr Access kOwn = {.role = Role::kViewer, .area = Area::kAccounts};
constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::int64_t kLongestSeconds = 10 * std::int64_t{365} * 86'400;

std::vector<std::string> ScopeNames() {
  std::vector<std::string> names = {"*:read", "*:write"};
  for (const Area area : kAreas) {
    names.push_back(ScopeName(area, Effect::kRead));
    names.push_back(ScopeName(area, Effect::kWrite));
  }
  return names;
}

Schema ScopesSchema() {
  return schema::Within(
      schema::ListOf(schema::Choice(ScopeNames()), "What it reaches; write covers read"), 1, 32);
}

std::vector<SchemaField> TokenFields() {
  return {{"id", schema::Text()},
          {"name", schema::Text("What it is for")},
          {"user", schema::Text("Whose; it never may more than he")},
          {"role", schema::Choice(RoleNames())},
          {"scopes", schema::ListOf(schema::Text())},
          {"created_at", schema::Time()},
          {"expires_at", schema::Time(), Required::kNo},
          {"last_used_at", schema::Time("To the minute"), Required::kNo},
          {"revoked_at", schema::Time(), Required::kNo}};
}

Schema TokenSchema() { return schema::Named("Token", schema::Object(TokenFields())); }

Schema NewTokenSchema() {
  std::vector<SchemaField> fields = TokenFields();
  fields.push_back({"token", schema::Text("The secret; it is never shown again")});
  return schema::Named("NewToken", schema::Object(std::move(fields)));
}

void PutMembers(const store::TokenRow& token, base::JsonWriter& json) {
  json.Field("id", token.id).Field("name", token.name).Field("user", token.user);
  json.Field("role", token.role).Key("scopes").List();
  std::string_view rest = token.scopes;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    json.Text(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  json.EndList().Field("created_at", TimeText(token.created_ns));
  if (token.expires_ns != 0) json.Field("expires_at", TimeText(token.expires_ns));
  if (token.last_used_ns != 0) json.Field("last_used_at", TimeText(token.last_used_ns));
  if (token.revoked_ns != 0) json.Field("revoked_at", TimeText(token.revoked_ns));
}

void PutToken(const store::TokenRow& token, base::JsonWriter& json) {
  json.Object();
  PutMembers(token, json);
  json.EndObject();
}

// Nobody gives away more than he has.
base::Status CheckCovered(const Principal& who, Role role, const Scopes& scopes) {
  if (role > who.role) {
    return base::PermissionDenied(fmt::format("the token would have the role {}; {} has {}",
                                              NameOf(role), who.user, NameOf(who.role)));
  }
  for (const Area area : kAreas) {
    for (const Effect effect : {Effect::kRead, Effect::kWrite}) {
      if (!scopes.Cover(area, effect) || who.scopes.Cover(area, effect)) continue;
      return base::PermissionDenied(fmt::format(
          "the token would have the scope {}, which yours has not", ScopeName(area, effect)));
    }
  }
  return base::Ok();
}

}  // namespace

void AccountRoutes::AddTokensTo(Router& router) {
  router.Add({.pattern = "/api/v1/tokens",
              .summary = "Tokens: one's own; an admin sees everybody's",
              .parameters = WithPaging({{"user", "Only of this user"}}),
              .name = "listTokens",
              .access = kOwn,
              .answers = {{.schema = PageSchema("TokenPage", "tokens", TokenSchema())}},
              .answer = [this](const Call& call) { return ListTokens(call); }});
  router.Add({.pattern = "/api/v1/tokens",
              .method = "POST",
              .summary = "Makes a token of who asks",
              .name = "createToken",
              .access = kOwn,
              .body = Body{.schema = schema::Object(
                               {{"name", schema::Within(schema::Text("What it is for"), 1, 100)},
                                {"scopes", ScopesSchema()},
                                {"role", schema::Choice(RoleNames(), "One's own, if not given"),
                                 Required::kNo},
                                {"expires_in_s",
                                 schema::Within(schema::Integer("Seconds; without it, never"), 1,
                                                kLongestSeconds),
                                 Required::kNo}})},
              .answers = {{.status = 201, .schema = NewTokenSchema()}},
              .answer = [this](const Call& call) { return CreateToken(call); }});
  router.Add({.pattern = "/api/v1/tokens/{id}",
              .method = "DELETE",
              .summary = "Revokes a token: one's own; an admin anybody's",
              .name = "revokeToken",
              .access = kOwn,
              .answers = {{.status = 204, .content = ""}},
              .unversioned = "a token never changes, and is revoked once",
              .answer = [this](const Call& call) { return RevokeToken(call); }});
}

base::Result<http::Response> AccountRoutes::ListTokens(const Call& call) {
  ASSIGN_OR_RETURN(const Page page, PageOf(call));
  std::string user = call.Query("user").value_or("");
  if (call.who.role < Role::kAdmin) {
    if (!user.empty() && user != call.who.user) {
      return base::PermissionDenied("the tokens of others are for an admin");
    }
    user = call.who.user;
  }
  std::vector<store::TokenRow> tokens;
  RETURN_IF_ERROR(database_.Read([&](store::Transaction& t) -> base::Status {
    ASSIGN_OR_RETURN(tokens, store::ListTokens(t, user, page.after, page.limit + 1));
    return base::Ok();
  }));
  return PageResponse("tokens", page, tokens, PutToken,
                      [](const store::TokenRow& token) { return token.id; });
}

base::Result<http::Response> AccountRoutes::CreateToken(const Call& call) {
  const Role role = RoleOf(call.BodyText("role")).value_or(call.who.role);
  const std::vector<std::string> texts = call.BodyTexts("scopes");
  ASSIGN_OR_RETURN(const Scopes scopes, Scopes::Parse(texts));
  RETURN_IF_ERROR(CheckCovered(call.who, role, scopes));
  const std::string secret = NewSecret("ronda_");
  store::TokenRow token{.id = NewId(),
                        .digest = DigestOf(secret),
                        .name = call.BodyText("name"),
                        .user = call.who.user,
                        .role = std::string(NameOf(role)),
                        .scopes = fmt::format("{}", fmt::join(texts, " ")),
                        .created_ns = Now()};
  if (const auto seconds = call.BodyInteger("expires_in_s")) {
    token.expires_ns = Now() + *seconds * kSecondNs;
  }
  base::JsonWriter json;
  json.Object();
  PutMembers(token, json);
  RETURN_IF_ERROR(database_.Write([&](store::Transaction& t) -> base::Status {
    RETURN_IF_ERROR(InsertToken(t, token));
    return AppendAudit(
        t, AuditOf(call, clock_, "token.create", "token/" + token.id,
                   {.after = json.out,
                    .detail = fmt::format("{}: {} {}", token.name, token.role, token.scopes)}));
  }));
  json.Field("token", secret).EndObject();
  return http::Response{.status = 201, .body = std::move(json.out)};
}

base::Result<http::Response> AccountRoutes::RevokeToken(const Call& call) {
  const std::string& id = call.path.at("id");
  RETURN_IF_ERROR(database_.Write([&](store::Transaction& t) -> base::Status {
    ASSIGN_OR_RETURN(const auto token, FindToken(t, id));
    if (!token || (token->user != call.who.user && call.who.role < Role::kAdmin)) {
      return base::NotFound("there is no token " + id);
    }
    RETURN_IF_ERROR(store::RevokeToken(t, id, Now()));
    return AppendAudit(t, AuditOf(call, clock_, "token.revoke", "token/" + id,
                                  {.detail = token->name + " of " + token->user}));
  }));
  return http::Response{.status = 204, .content_type = ""};
}

}  // namespace ronda::api
