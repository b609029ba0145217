#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/program/program.h"
#include "model/catalog/catalog.h"
#include "model/expression.h"

namespace ronda::engine {

// Gives out slots while a program is compiled.
class SlotTable {
 public:
  explicit SlotTable(Program& program) : program_(program) {}
  // A slot that begins as `initial`.
  Slot Add(std::string name, model::Value initial = {});
  void SetInitial(Slot slot, model::Value value) { program_.initial_slots[slot] = value; }
  [[nodiscard]] model::Value initial(Slot slot) const { return program_.initial_slots[slot]; }
  void MarkSecret(Slot slot) { program_.secret_slots.push_back(slot); }

 private:
  Program& program_;
};

// What can be read of one step: outputs of its action, extractions, outputs of its component. A slot is
// made when somebody reads it.
class StepNames {
 public:
  StepNames(SlotTable& slots, std::string id, const model::ActionSchema* schema);

  // An extraction or an output of a component; its slot exists from the start.
  Slot AddValue(const std::string& name, bool secret);
  // `path` behind the step's id. `own`: read while the step itself is settled.
  [[nodiscard]] std::optional<model::Binding> Resolve(std::span<const std::string_view> path,
                                                      bool own);
  void List(const std::string& prefix, std::vector<std::string>& out) const;

  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] std::optional<Slot> Value(const std::string& name) const;
  // What the action has to write; taken once everything is compiled.
  [[nodiscard]] std::vector<OutputUse> TakeUses() { return std::move(uses_); }
  [[nodiscard]] const std::vector<OutputUse>& uses() const { return uses_; }
  [[nodiscard]] const std::map<std::string, Slot>& values() const { return values_; }

 private:
  OutputUse& Use(std::uint16_t output, const std::string& key, const std::string& name);

  SlotTable& slots_;
  const std::string id_;
  const model::ActionSchema* schema_;
  std::map<std::string, Slot> values_;
  std::vector<OutputUse> uses_;
  std::vector<std::string> use_names_;
};

// The names that can be seen somewhere: a chain of scopes, the innermost first.
class Scope : public model::Names {
 public:
  explicit Scope(Scope* outer) : outer_(outer) {}

  // `name` alone stands for the slot; what follows is looked up in its value.
  void AddSlot(const std::string& name, Slot slot, std::optional<model::Type> type = std::nullopt);
  void AddStep(StepNames* step) { steps_[step->id()] = step; }
  // `name.member`: made by `make` when first read; `members` are for messages.
  using Make = std::function<std::optional<model::Binding>(std::string_view member)>;
  void AddGroup(const std::string& name, std::vector<std::string> members, Make make);
  // Bare names mean this step's own, while it is settled.
  void SetOwn(StepNames* own) { own_ = own; }

  std::optional<model::Binding> Resolve(std::span<const std::string_view> path) override;
  void List(std::vector<std::string>& out) const override;

 private:
  struct Group {
    std::vector<std::string> members;
    Make make;
  };
  struct Plain {
    Slot slot;
    std::optional<model::Type> type;
  };
  Scope* outer_;
  StepNames* own_ = nullptr;
  std::map<std::string, Plain, std::less<>> slots_;
  std::map<std::string, StepNames*, std::less<>> steps_;
  std::map<std::string, Group, std::less<>> groups_;
};

// The type of a field's values in expressions, when it is one.
[[nodiscard]] std::optional<model::Type> TypeOf(model::FieldType type);

}  // namespace ronda::engine
