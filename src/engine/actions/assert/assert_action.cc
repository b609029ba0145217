#include "engine/actions/assert/assert_action.h"

#include <string>

#include "engine/vu/strand.h"
#include "engine/vu/user_thread.h"
#include "model/reader.h"

namespace ronda::engine {
namespace {

class AssertPlan : public ActionPlan {
 public:
  std::unique_ptr<const model::Expression> that;
  std::unique_ptr<const ValuePlan> message;

  ActionCall* Start(Strand& strand) const override {
    ActionResult result;
    result.start_ns = result.end_ns = strand.thread().reactor().now_ns();
    model::EvalContext context = strand.Context();
    bool holds = false;
    std::string text;
    if (!that->Test(context, holds)) {
      text = context.error;
    } else if (!holds) {
      text = "assert: not true: " + std::string(that->text());
      if (message) {
        text += ": ";
        if (!message->AppendText(context, text)) text += context.error;
      }
    }
    result.error = text;
    strand.Settle(result);
    return nullptr;
  }
};

}  // namespace

std::unique_ptr<ActionPlan> CompileAssert(ActionContext& context) {
  auto plan = std::make_unique<AssertPlan>();
  const model::Node* that = context.step.with.Find("that");
  if (that == nullptr) return nullptr;  // told by the check of `with:`
  plan->that = CompileExpression(that->scalar, model::TextOf(*that).where, context.names,
                                 context.diagnostics);
  if (const model::Node* message = context.step.with.Find("message")) {
    plan->message = ValuePlan::Compile(*message, context.names, context.diagnostics);
  }
  if (plan->that == nullptr) return nullptr;
  return plan;
}

}  // namespace ronda::engine
