#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/status.h"

// Who may do what.
namespace ronda::api {

// Each may all that those before it may.
enum class Role : std::uint8_t { kNone, kViewer, kOperator, kAdmin };
[[nodiscard]] std::string_view NameOf(Role role);  // "none", "viewer", "operator", "admin"
// The role of that name; "none" is none that anybody can have.
[[nodiscard]] std::optional<Role> RoleOf(std::string_view name);
[[nodiscard]] const std::vector<std::string>& RoleNames();

// What a route is about; scopes of tokens name it.
enum class Area : std::uint8_t {
  kSystem,
  kTraces,
  kDefinitions,
  kRuns,
  kFleet,
  kAccounts,
  kAudit,
  kSelf,  // what is about who asks: no scope is needed
};
inline constexpr Area kAreas[] = {Area::kSystem, Area::kTraces,   Area::kDefinitions, Area::kRuns,
                                  Area::kFleet,  Area::kAccounts, Area::kAudit};
[[nodiscard]] std::string_view NameOf(Area area);

enum class Effect : std::uint8_t { kRead, kWrite };
// "runs:write"
[[nodiscard]] std::string ScopeName(Area area, Effect effect);

// What a credential reaches, apart from its role: areas to read and areas to change. A value.
class Scopes {
 public:
  // Nothing.
  Scopes() = default;
  [[nodiscard]] static Scopes All();
  // Of texts like "runs:write", which covers reading runs, and "*:read", which covers every area.
  [[nodiscard]] static base::Result<Scopes> Parse(const std::vector<std::string>& texts);

  [[nodiscard]] bool Cover(Area area, Effect effect) const;

 private:
  std::uint32_t read_ = 0;  // a bit for each area
  std::uint32_t write_ = 0;
};

// Who asks. A value.
struct Principal {
  enum class Kind : std::uint8_t {
    kNobody,  // no credential
    kOpen,  // nobody is asked: the server has no accounts
    kSession,
    kToken,
  };
  Kind kind = Kind::kNobody;
  std::string user = {};  // the name; empty: nobody
  std::string credential = {};  // the id of the session or token
  Role role = Role::kNone;
  Scopes scopes = {};
};

// What a route asks of a principal.
struct Access {
  Role role = Role::kViewer;  // kNone: anybody, without a credential
  Area area = Area::kSystem;
};

// Unauthenticated when nobody asks, PermissionDenied when the role or the scopes fall short; the message
// says what would do.
[[nodiscard]] base::Status CheckAccess(const Principal& who, Access access, Effect effect);

}  // namespace ronda::api
