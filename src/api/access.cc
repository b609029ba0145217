#include "api/access.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/text.h"

namespace ronda::api {
namespace {

constexpr std::uint32_t kEveryArea = (1u << std::size(kAreas)) - 1;

std::uint32_t BitOf(Area area) { return 1u << static_cast<unsigned>(area); }

base::Status NoScope(const std::string& text) {
  std::vector<std::string> all = {"*:read", "*:write"};
  for (const Area area : kAreas) {
    all.push_back(ScopeName(area, Effect::kRead));
    all.push_back(ScopeName(area, Effect::kWrite));
  }
  const std::string nearest = base::Nearest(text, all);
  return base::InvalidArgument(
      fmt::format("there is no scope \"{}\"{}", text,
                  nearest.empty() ? fmt::format("; there are: {}", fmt::join(all, ", "))
                                  : fmt::format("; did you mean {}?", nearest)));
}

}  // namespace

std::string_view NameOf(Role role) {
  switch (role) {
    case Role::kNone: return "none";
    case Role::kViewer: return "viewer";
    case Role::kOperator: return "operator";
    case Role::kAdmin: return "admin";
  }
  return "none";
}

std::optional<Role> RoleOf(std::string_view name) {
  for (const Role role : {Role::kViewer, Role::kOperator, Role::kAdmin}) {
    if (NameOf(role) == name) return role;
  }
  return std::nullopt;
}

const std::vector<std::string>& RoleNames() {
  static const std::vector<std::string> kNames = {"viewer", "operator", "admin"};
  return kNames;
}

std::string_view NameOf(Area area) {
  switch (area) {
    case Area::kSystem: return "system";
    case Area::kTraces: return "traces";
    case Area::kDefinitions: return "definitions";
    case Area::kRuns: return "runs";
    case Area::kFleet: return "fleet";
    case Area::kAccounts: return "accounts";
    case Area::kAudit: return "audit";
    case Area::kSelf: return "self";
  }
  return "system";
}

std::string ScopeName(Area area, Effect effect) {
  return fmt::format("{}:{}", NameOf(area), effect == Effect::kRead ? "read" : "write");
}

Scopes Scopes::All() {
  Scopes all;
  all.read_ = all.write_ = kEveryArea;
  return all;
}

base::Result<Scopes> Scopes::Parse(const std::vector<std::string>& texts) {
  Scopes scopes;
  for (const std::string& text : texts) {
    const std::string_view area = std::string_view(text).substr(0, text.find(':'));
    const std::string_view effect =
        std::string_view(text).substr(std::min(area.size(), text.size()));
    std::uint32_t bits = area == "*" ? kEveryArea : 0;
    for (const Area each : kAreas) {
      if (NameOf(each) == area) bits = BitOf(each);
    }
    if (bits == 0 || (effect != ":read" && effect != ":write")) return NoScope(text);
    scopes.read_ |= bits;
    if (effect == ":write") scopes.write_ |= bits;
  }
  return scopes;
}

bool Scopes::Cover(Area area, Effect effect) const {
  return ((effect == Effect::kRead ? read_ : write_) & BitOf(area)) != 0;
}

base::Status CheckAccess(const Principal& who, Access access, Effect effect) {
  if (access.role == Role::kNone || who.kind == Principal::Kind::kOpen) return base::Ok();
  if (who.kind == Principal::Kind::kNobody) {
    return base::Unauthenticated(
        "this needs a login: Authorization: Bearer TOKEN, or the cookie of POST /api/v1/login");
  }
  if (who.role < access.role) {
    return base::PermissionDenied(fmt::format("this needs the role {}; {} has {}",
                                              NameOf(access.role), who.user, NameOf(who.role)));
  }
  if (access.area != Area::kSelf && !who.scopes.Cover(access.area, effect)) {
    return base::PermissionDenied(
        fmt::format("this needs a token with the scope {}", ScopeName(access.area, effect)));
  }
  return base::Ok();
}

}  // namespace ronda::api
