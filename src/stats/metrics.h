#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/expression.h"
#include "model/value.h"
#include "stats/shape.h"
#include "stats/totals.h"

namespace ronda::stats {

// A metric that somebody else measures (`real.p95`, `isolation.leaks`): its value is handed in.
struct ExternalMetric {
  std::string name;
  model::Type type = model::Type::kFloat;  // kDuration, kFloat or kInt
};

// Names and values of everything a threshold or guard can ask about (docs/formats/metrics.md):
// drill.*, steps.<id>.*, scenarios.<name>.*, checks.<name>, real.*, isolation.*. A slot is made for
// each name that an expression uses. One set serves several expressions; made at load, then Fill is
// called by one thread.
class Metrics : public model::Names {
 public:
  // `shape` and `external` are borrowed.
  Metrics(const Shape& shape, std::span<const ExternalMetric> external);

  std::optional<model::Binding> Resolve(std::span<const std::string_view> path) override;
  void List(std::vector<std::string>& out) const override;

  // What values are computed from.
  struct Input {
    const Totals* totals = nullptr;
    double seconds = 0;  // that the totals cover
    std::uint32_t users = 0;  // active now
    std::uint32_t users_max = 0;  // the most at once
    // By index of the external metrics; shorter or null where nothing is known.
    std::span<const model::Value> external;
  };
  // The values of all slots; what has no data is null.
  void Fill(const Input& input);
  [[nodiscard]] std::span<const model::Value> values() const { return values_; }
  [[nodiscard]] const std::string& NameOf(std::uint32_t slot) const { return slots_[slot].name; }
  // Steps named by any slot.
  [[nodiscard]] std::vector<bool> StepsUsed() const;
  // True when the slot tells of what this run itself does (not of real.* and isolation.*).
  [[nodiscard]] bool IsOwn(std::uint32_t slot) const {
    return slots_[slot].scope != Scope::kExternal;
  }
  // Names of slots that nobody provides: they are null for ever.
  [[nodiscard]] std::vector<std::string> WithoutSource() const;

 private:
  enum class Scope : std::uint8_t { kDrill, kStep, kScenario, kCheck, kExternal };
  struct Slot {
    Scope scope;
    std::uint32_t index =
        0;  // of step, scenario, check or external metric; kNone where there is none
    std::uint8_t stat = 0;  // which figure
    std::string name;
  };
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  [[nodiscard]] model::Value Compute(const Slot& slot, const Input& input) const;
  [[nodiscard]] std::optional<model::Binding> ResolveOther(std::span<const std::string_view> path);
  [[nodiscard]] std::optional<model::Binding> Bind(Slot slot, std::uint32_t segments,
                                                   model::Type type);

  const Shape& shape_;
  std::span<const ExternalMetric> external_;
  std::vector<Slot> slots_;
  std::vector<model::Value> values_;
};

}  // namespace ronda::stats
