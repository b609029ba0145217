#include "model/catalog/catalog.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

namespace ronda::model {
namespace {

constexpr std::array<std::string_view, 7> kLayers = {"common",  "product", "network", "app",
                                                     "service", "data",    "infra"};
constexpr std::array<std::string_view, 4> kEffects = {"none", "read", "write", "destructive"};

std::string Join(std::initializer_list<std::pair<bool, std::string_view>> words) {
  std::string out;
  for (const auto& [holds, word] : words) {
    if (holds) (out += out.empty() ? "" : ", ") += word;
  }
  return out;
}

}  // namespace

std::string NamesOf(const UseIn& use_in) {
  return Join({{use_in.patrol, "patrol"}, {use_in.drill, "drill"}, {use_in.plan, "plan"}});
}

std::string NamesOf(const Scenes& scenes) {
  return Join({{scenes.emergency, "emergency"},
               {scenes.self_recovery, "self-recovery"},
               {scenes.disaster_recovery, "disaster-recovery"}});
}

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
