#include "engine/actions/wait/wait_action.h"

#include <optional>

#include "engine/vu/strand.h"
#include "engine/vu/user_thread.h"

namespace ronda::engine {
namespace {

class WaitPlan;

// One wait under way.
class WaitCall : public ActionCall, private net::Timer {
 public:
  WaitCall(Strand& strand, std::uint64_t ns)
      : strand_(strand), start_ns_(strand.thread().reactor().now_ns()) {
    strand.thread().reactor().Arm(*this, start_ns_ + ns);
  }
  void Cancel() override { delete this; }

 private:
  void OnTimer() override {
    Strand& strand = strand_;
    ActionResult result;
    result.start_ns = start_ns_;
    result.end_ns = strand.thread().reactor().now_ns();
    for (const OutputUse& use : strand.step().uses) {
      strand.SetOutput(
          use, model::Value::DurationNs(static_cast<std::int64_t>(result.end_ns - start_ns_)));
    }
    strand.Settle(result);
    delete this;
    strand.Continue();
  }

  Strand& strand_;
  const std::uint64_t start_ns_;
};

class WaitPlan : public ActionPlan {
 public:
  std::unique_ptr<const ValuePlan> fixed, min, max;

  ActionCall* Start(Strand& strand) const override {
    std::optional<std::int64_t> ns;
    model::EvalContext context = strand.Context();
    if (fixed) {
      ns = Read(*fixed, context);
    } else {
      const auto low = Read(*min, context);
      const auto high = low ? Read(*max, context) : std::nullopt;
      if (low && high)
        ns = *low + static_cast<std::int64_t>(static_cast<double>(*high - *low) *
                                              strand.thread().random().Unit());
    }
    if (!ns.has_value()) {
      ActionResult result;
      result.error = context.error;
      result.start_ns = result.end_ns = strand.thread().reactor().now_ns();
      strand.Settle(result);
      return nullptr;
    }
    return new WaitCall(strand, static_cast<std::uint64_t>(std::max<std::int64_t>(0, *ns)));
  }

 private:
  // A duration, or text that says one.
  static std::optional<std::int64_t> Read(const ValuePlan& plan, model::EvalContext& context) {
    model::Value value;
    if (!plan.Evaluate(context, value)) return std::nullopt;
    if (value.type() == model::Type::kDuration) return value.AsDurationNs();
    std::string text;
    model::AppendText(value, text);
    const auto parsed = model::ParseDuration(text);
    if (parsed.ok()) return *parsed;
    context.error = context.arena->Copy(parsed.status().message());
    return std::nullopt;
  }
};

}  // namespace

std::unique_ptr<ActionPlan> CompileWait(ActionContext& context) {
  auto plan = std::make_unique<WaitPlan>();
  const auto compile = [&](std::string_view name) -> std::unique_ptr<const ValuePlan> {
    const model::Node* node = context.step.with.Find(name);
    return node == nullptr ? nullptr
                           : ValuePlan::Compile(*node, context.names, context.diagnostics);
  };
  plan->fixed = compile("for");
  plan->min = compile("min");
  plan->max = compile("max");
  if (plan->fixed || (plan->min && plan->max)) return plan;
  if (!context.diagnostics.has_errors()) {
    context.diagnostics.Error(context.step.where, "wait wants `for`, or `min` and `max`",
                              "with: {for: 500ms}");
  }
  return nullptr;
}

}  // namespace ronda::engine
