#include "api/route.h"

#include <algorithm>
#include <set>

namespace ronda::api {

std::vector<std::string_view> PathNames(std::string_view pattern) {
  std::vector<std::string_view> names;
  for (std::size_t at = pattern.find('{'); at != pattern.npos; at = pattern.find('{', at + 1)) {
    names.push_back(pattern.substr(at + 1, pattern.find('}', at) - at - 1));
  }
  return names;
}

bool IsInPath(const Route& route, std::string_view parameter) {
  const auto names = PathNames(route.pattern);
  return std::ranges::find(names, parameter) != names.end();
}

const Parameter* FindParameter(const Route& route, std::string_view name) {
  const auto found = std::ranges::find(route.parameters, name, &Parameter::name);
  return found == route.parameters.end() ? nullptr : &*found;
}

std::vector<int> StatusesOf(const Route& route) {
  std::set<int> statuses(route.errors.begin(), route.errors.end());
  for (const Answer& answer : route.answers) statuses.insert(answer.status);
  if (route.answers.empty()) statuses.insert(200);
  statuses.insert(400);  // every row refuses parameters that it does not know
  if (!PathNames(route.pattern).empty()) statuses.insert(404);
  if (route.access.role != Role::kNone) statuses.insert({401, 403});
  if (EffectOf(route) == Effect::kWrite) statuses.insert(403);
  if (route.body) statuses.insert({413, 415});
  if (route.current) statuses.insert({412, 428});
  if (route.by_key == ByKey::kYes) statuses.insert(409);
  return {statuses.begin(), statuses.end()};
}

}  // namespace ronda::api
