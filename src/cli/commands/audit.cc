// ronda audit.
#include <ostream>

#include "cli/api_client.h"
#include "cli/commands/commands.h"

namespace ronda::cli {
namespace {

using Element = simdjson::dom::element;

base::Result<base::ExitCode> Audit(const Invocation& invocation, Context& context) {
  const base::Options& options = invocation.options;
  ASSIGN_OR_RETURN(ApiClient client, ApiClient::Of(invocation, context));
  Parameters parameters = {{"limit", std::to_string(options.Int("limit"))}};
  for (const char* name : {"who", "object"}) {
    if (options.Has(name)) parameters.emplace_back(name, options.String(name));
  }
  ASSIGN_OR_RETURN(const Element page, client.Get("/api/v1/audit", std::move(parameters)));
  if (options.Switch("json")) {
    context.out << client.body() << '\n';
    return base::ExitCode::kOk;
  }
  std::vector<std::vector<std::string>> rows = {
      {"WHEN", "WHO", "WHAT", "OBJECT", "DETAIL", "REASON"}};
  for (const Element entry : ListOf(page, "entries")) {
    rows.push_back({PlainTextOf(entry, "at"), PlainTextOf(entry, "who"),
                    PlainTextOf(entry, "action"), PlainTextOf(entry, "object"),
                    PlainTextOf(entry, "detail"), PlainTextOf(entry, "reason")});
  }
  PrintTable(rows, context.out);
  return base::ExitCode::kOk;
}

}  // namespace

Command AuditCommand() {
  return {
      .name = "audit",
      .summary = "who changed what, newest first",
      .description =
          "Shows the audit: who changed what, when and why. It only ever grows. Digests of the "
          "states before and after, the credential and the request are in --json.",
      .examples = "ronda audit\nronda audit --object user/ann --json",
      .options = ServerOptions({{.name = "who",
                                 .type = base::OptionType::kString,
                                 .value_name = "USER",
                                 .scope = base::OptionScope::kFlagOnly,
                                 .description = "Only what this user did."},
                                {.name = "object",
                                 .type = base::OptionType::kString,
                                 .value_name = "OBJECT",
                                 .scope = base::OptionScope::kFlagOnly,
                                 .description = "Only of this object; with / at its end, all that "
                                                "begin so.",
                                 .example = "user/ann"},
                                {.name = "limit",
                                 .type = base::OptionType::kInt,
                                 .value_name = "N",
                                 .default_text = "50",
                                 .min = "1",
                                 .max = "1000",
                                 .scope = base::OptionScope::kFlagOnly,
                                 .description = "How many."},
                                JsonOption()}),
      .run = Audit};
}

}  // namespace ronda::cli
