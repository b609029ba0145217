#include "engine/actions/log/log_action.h"

#include <atomic>
#include <string>

#include "engine/vu/secrets.h"
#include "engine/vu/strand.h"
#include "engine/vu/user_thread.h"

namespace ronda::engine {
namespace {

// So many lines of one step are printed in a run; the report counts the rest as its runs.
constexpr std::uint64_t kMostLines = 100;

class LogPlan : public ActionPlan {
 public:
  std::unique_ptr<const ValuePlan> message;
  std::string level = "info";

  ActionCall* Start(Strand& strand) const override {
    ActionResult result;
    result.start_ns = result.end_ns = strand.thread().reactor().now_ns();
    model::EvalContext context = strand.Context();
    std::string text;
    if (!message->AppendText(context, text)) {
      result.error = context.error;
    } else if (printed_.fetch_add(1, std::memory_order_relaxed) < kMostLines) {
      MaskText(strand.thread().program(), strand.slots(), text);
      strand.thread().run().Log(strand.step().path, level, text);
    }
    strand.Settle(result);
    return nullptr;
  }

 private:
  mutable std::atomic<std::uint64_t> printed_{0};
};

}  // namespace

std::unique_ptr<ActionPlan> CompileLog(ActionContext& context) {
  auto plan = std::make_unique<LogPlan>();
  const model::Node* message = context.step.with.Find("message");
  if (message == nullptr) return nullptr;  // told by the check of `with:`
  plan->message = ValuePlan::Compile(*message, context.names, context.diagnostics);
  if (const model::Node* level = context.step.with.Find("level")) plan->level = level->scalar;
  if (plan->message == nullptr) return nullptr;
  return plan;
}

}  // namespace ronda::engine
