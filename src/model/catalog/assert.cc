#include "model/catalog/catalog.h"

namespace ronda::model {

ActionSchema AssertSchema() {
  ActionSchema action;
  action.code = "assert";
  action.title = "Assert";
  action.description =
      "Fails the step unless an expression is true. For what spans several steps; what concerns "
      "one "
      "response stands in its `checks`.";
  action.idempotent = true;
  action.supports_dry_run = true;
  action.params = {
      {.name = "that",
       .type = FieldType::kExpression,
       .description = "What has to be true.",
       .required = true},
      {.name = "message", .type = FieldType::kString, .description = "Said when it is not."}};
  action.example =
      "- id: same_price\n"
      "  action: assert\n"
      "  with: {that: \"cart.total == order.total\", message: \"the price changed\"}\n";
  return action;
}

}  // namespace ronda::model
