#include "model/catalog/catalog.h"

namespace ronda::model {

ActionSchema WaitSchema() {
  ActionSchema action;
  action.code = "wait";
  action.title = "Wait";
  action.description =
      "Waits. Give `for`, or both `min` and `max` for a time drawn anew each time. Time between "
      "two "
      "steps of a user is better said by `think`, which is part of the step before it.";
  action.idempotent = true;
  action.supports_dry_run = true;
  action.params = {{.name = "for",
                    .type = FieldType::kDuration,
                    .description = "How long.",
                    .min = 0,
                    .max = 86'400},
                   {.name = "min",
                    .type = FieldType::kDuration,
                    .description = "The shortest time.",
                    .min = 0,
                    .max = 86'400},
                   {.name = "max",
                    .type = FieldType::kDuration,
                    .description = "The longest time.",
                    .min = 0,
                    .max = 86'400}};
  action.exclusive = {{"for", "min"}, {"for", "max"}};
  action.outputs = {{.name = "waited",
                     .type = FieldType::kDuration,
                     .description = "How long it really waited."}};
  action.example = "- {id: settle, action: wait, with: {for: 500ms}}\n";
  return action;
}

}  // namespace ronda::model
