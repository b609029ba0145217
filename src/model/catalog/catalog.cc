#include "model/catalog/catalog.h"

#include <algorithm>
#include <array>
#include <utility>

namespace ronda::model {
namespace {

constexpr std::array<std::string_view, 7> kLayers = {"common",  "product", "network", "app",
                                                     "service", "data",    "infra"};
constexpr std::array<std::string_view, 4> kEffects = {"none", "read", "write", "destructive"};

}  // namespace

std::string_view NameOf(Layer layer) { return kLayers[static_cast<std::size_t>(layer)]; }
std::string_view NameOf(Effect effect) { return kEffects[static_cast<std::size_t>(effect)]; }

Catalog::Catalog(std::vector<ActionSchema> actions) : actions_(std::move(actions)) {
  std::ranges::sort(actions_, {}, &ActionSchema::code);
}

const Catalog& Catalog::BuiltIn() {
  static const Catalog catalog({AssertSchema(), HttpRequestSchema(), LogSchema(), WaitSchema()});
  return catalog;
}

const ActionSchema* Catalog::Find(std::string_view code) const {
  const auto found = std::ranges::lower_bound(actions_, code, {}, &ActionSchema::code);
  return found != actions_.end() && found->code == code ? &*found : nullptr;
}

std::vector<std::string> Catalog::Codes() const {
  std::vector<std::string> codes;
  for (const ActionSchema& action : actions_) codes.push_back(action.code);
  return codes;
}

}  // namespace ronda::model
