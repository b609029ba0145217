#include "model/catalog/catalog.h"

namespace ronda::model {

ActionSchema LogSchema() {
  ActionSchema action;
  action.code = "log";
  action.title = "Log";
  action.description =
      "Writes a line for people. Secrets in it are masked. Under load only the first lines of each "
      "step are printed, the rest is counted.";
  action.idempotent = true;
  action.supports_dry_run = true;
  action.params = {
      {.name = "message", .type = FieldType::kString, .description = "The line.", .required = true},
      {.name = "level",
       .type = FieldType::kString,
       .description = "How important it is.",
       .default_text = "info",
       .one_of = {"debug", "info", "warn", "error"},
       .literal = true}};
  action.example = "- {id: bought, action: log, with: {message: \"order ${order.id}\"}}\n";
  return action;
}

}  // namespace ronda::model
