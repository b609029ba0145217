// Conditions and keys of triggers: expressions over one record.
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/trigger.h"

namespace ronda::model {
namespace {

// Every name is known: what a record holds is seen when it comes.
class RecordNames final : public Names {
 public:
  explicit RecordNames(std::string_view record) : record_(record) {}

  std::optional<Binding> Resolve(std::span<const std::string_view> path) override {
    const bool named = path[0] == record_;
    return Binding{.slot = 0, .segments = named ? 1u : 0u, .type = std::nullopt};
  }
  void List(std::vector<std::string>&) const override {}

 private:
  std::string_view record_;
};

}  // namespace

std::string_view RecordName(Trigger::Source source) {
  switch (source) {
    case Trigger::Source::kEvent: return "event";
    case Trigger::Source::kRisk: return "risk";
    case Trigger::Source::kRun: return "run";
    case Trigger::Source::kCron:
    case Trigger::Source::kEvery: return "trigger";
  }
  return "trigger";
}

std::unique_ptr<const Expression> CompileCondition(std::string_view text, std::string_view record,
                                                   LoadError& error) {
  RecordNames names(record);
  return Expression::Compile(text, names, error);
}

std::unique_ptr<const Template> CompileKey(std::string_view text, std::string_view record,
                                           LoadError& error) {
  RecordNames names(record);
  return Template::Compile(text, names, error);
}

}  // namespace ronda::model
