#include "engine/program/names.h"

#include <algorithm>

namespace ronda::engine {

std::optional<model::Type> TypeOf(model::FieldType type) {
  switch (type) {
    case model::FieldType::kString: return model::Type::kString;
    case model::FieldType::kInt:
    case model::FieldType::kSize: return model::Type::kInt;
    case model::FieldType::kFloat:
    case model::FieldType::kPercent:
    case model::FieldType::kRate: return model::Type::kFloat;
    case model::FieldType::kBool: return model::Type::kBool;
    case model::FieldType::kDuration: return model::Type::kDuration;
    case model::FieldType::kList: return model::Type::kList;
    case model::FieldType::kMap: return model::Type::kMap;
    default: return std::nullopt;
  }
}

Slot SlotTable::Add(std::string name, model::Value initial) {
  program_.initial_slots.push_back(initial);
  program_.slot_names.push_back(std::move(name));
  return static_cast<Slot>(program_.initial_slots.size() - 1);
}

StepNames::StepNames(SlotTable& slots, std::string id, const model::ActionSchema* schema)
    : slots_(slots), id_(std::move(id)), schema_(schema) {}

Slot StepNames::AddValue(const std::string& name, bool secret) {
  const Slot slot = slots_.Add(id_ + "." + name);
  values_[name] = slot;
  if (secret) slots_.MarkSecret(slot);
  return slot;
}

std::optional<Slot> StepNames::Value(const std::string& name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return std::nullopt;
  return found->second;
}

OutputUse& StepNames::Use(std::uint16_t output, const std::string& key, const std::string& name) {
  for (std::size_t i = 0; i < uses_.size(); ++i) {
    if (uses_[i].output == output && use_names_[i] == name) return uses_[i];
  }
  use_names_.push_back(name);
  uses_.push_back({.output = output,
                   .slot = slots_.Add(id_ + "." + name),
                   .kept = false,
                   .key = key,
                   .path = nullptr});
  return uses_.back();
}

std::optional<model::Binding> StepNames::Resolve(std::span<const std::string_view> path, bool own) {
  if (path.empty()) return std::nullopt;
  if (const auto value = values_.find(std::string(path[0])); value != values_.end()) {
    return model::Binding{.slot = value->second, .segments = 1, .type = std::nullopt};
  }
  if (schema_ == nullptr) return std::nullopt;
  const auto spec = std::ranges::find(schema_->outputs, path[0], &model::FieldSpec::name);
  if (spec == schema_->outputs.end()) return std::nullopt;
  const auto output = static_cast<std::uint16_t>(spec - schema_->outputs.begin());
  // A response's body is not kept as a map: what is read of it is found by its whole path.
  const bool by_path = spec->name == "json";
  const bool by_key = (spec->name == "headers" || spec->name == "cookies") && path.size() > 1;
  std::string name(path[0]);
  std::uint32_t segments = 1;
  if (by_path) {
    segments = static_cast<std::uint32_t>(path.size());
    for (const std::string_view segment : path.subspan(1)) name += "." + std::string(segment);
  } else if (by_key) {
    segments = 2;
    name += "." + std::string(path[1]);
  }
  OutputUse& use = Use(output, by_key ? std::string(path[1]) : std::string(), name);
  if (by_path && use.path == nullptr) use.path = extract::JsonPath::FromSegments(path.subspan(1));
  use.kept |= !own;
  if (by_path) return model::Binding{.slot = use.slot, .segments = segments, .type = std::nullopt};
  return model::Binding{.slot = use.slot,
                        .segments = segments,
                        .type = by_key ? model::Type::kString : TypeOf(spec->type)};
}

void StepNames::List(const std::string& prefix, std::vector<std::string>& out) const {
  for (const auto& [name, slot] : values_) out.push_back(prefix + name);
  if (schema_ == nullptr) return;
  for (const model::FieldSpec& spec : schema_->outputs) out.push_back(prefix + spec.name);
}

void Scope::AddSlot(const std::string& name, Slot slot, std::optional<model::Type> type) {
  slots_[name] = {slot, type};
}

void Scope::AddGroup(const std::string& name, std::vector<std::string> members, Make make) {
  groups_[name] = {std::move(members), std::move(make)};
}

std::optional<model::Binding> Scope::Resolve(std::span<const std::string_view> path) {
  if (path.empty()) return std::nullopt;
  // `events.state` of a step that is called as one of its outputs means the step.
  if (own_ != nullptr && (path.size() == 1 || path[0] != own_->id())) {
    if (const auto own = own_->Resolve(path, true)) return own;
  }
  if (const auto plain = slots_.find(path[0]); plain != slots_.end()) {
    return model::Binding{.slot = plain->second.slot, .segments = 1, .type = plain->second.type};
  }
  if (const auto step = steps_.find(path[0]); step != steps_.end()) {
    auto binding = step->second->Resolve(path.subspan(1), step->second == own_);
    if (binding.has_value()) ++binding->segments;
    return binding;
  }
  if (const auto group = groups_.find(path[0]); group != groups_.end()) {
    if (path.size() < 2) return std::nullopt;
    auto binding = group->second.make(path[1]);
    if (binding.has_value()) binding->segments = 2;
    return binding;
  }
  return outer_ != nullptr ? outer_->Resolve(path) : std::nullopt;
}

void Scope::List(std::vector<std::string>& out) const {
  if (own_ != nullptr) own_->List("", out);
  for (const auto& [name, slot] : slots_) out.push_back(name);
  for (const auto& [name, step] : steps_) step->List(name + ".", out);
  for (const auto& [name, group] : groups_) {
    for (const std::string& member : group.members) out.push_back(name + "." + member);
  }
  if (outer_ != nullptr) outer_->List(out);
}

}  // namespace ronda::engine
