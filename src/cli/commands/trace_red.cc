#include <fmt/format.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands/commands.h"
#include "cli/terminal.h"
#include "cli/trace_client.h"
#include "engine/report/text.h"

namespace ronda::cli {
namespace {

using engine::report::Cut;
using engine::report::PadLeft;
using engine::report::PadRight;
using engine::report::PlainText;
using Element = simdjson::dom::element;
using Parameters = std::vector<std::pair<std::string, std::string>>;

constexpr std::size_t kNameColumns = 48;

base::OptionSpec FlagOption(std::string_view name, base::OptionType type,
                            std::string_view value_name, std::string_view description) {
  return {.name = name,
          .type = type,
          .value_name = value_name,
          .scope = base::OptionScope::kFlagOnly,
          .description = description};
}

std::vector<base::OptionSpec> CommonOptions(std::vector<base::OptionSpec> own) {
  base::OptionSpec since =
      FlagOption("since", base::OptionType::kDuration, "", "How far back from now.");
  since.default_text = "1h";
  own.push_back(std::move(since));
  own.push_back(FlagOption("environment", base::OptionType::kString, "NAME", "Only of this one."));
  own.push_back(FlagOption("run", base::OptionType::kString, "ID", "Only of this drill run."));
  own.push_back(JsonOption());
  return ApiOptions(std::move(own));
}

Parameters CommonParameters(const Invocation& invocation, const Context& context) {
  Parameters parameters{
      {"start", std::to_string(SinceNs(invocation.options, context.clock).value_or(0))},
      {"end", std::to_string(context.clock.WallNs())}};
  for (const char* name : {"environment", "run"}) {
    if (invocation.options.Has(name))
      parameters.emplace_back(name, invocation.options.String(name));
  }
  return parameters;
}

double RealOf(Element object, std::string_view key) {
  double number = 0;
  if (object[key].get_double().get(number) != simdjson::SUCCESS) {
    return static_cast<double>(NumberOf(object, key));
  }
  return number;
}

std::string FiguresHead() {
  return PadLeft("rate/s", 10) + PadLeft("spans", 10) + PadLeft("errors", 9) + PadLeft("p50", 9) +
         PadLeft("p95", 9) + PadLeft("p99", 9);
}

std::string Figures(Element cell, Color color) {
  const std::int64_t spans = NumberOf(cell, "spans"), errors = NumberOf(cell, "errors");
  const std::string failed =
      PadLeft(spans == 0 ? "-"
                         : fmt::format("{:.1f}%", 100.0 * static_cast<double>(errors) /
                                                      static_cast<double>(spans)),
              9);
  std::string out = PadLeft(fmt::format("{:.2f}", RealOf(cell, "rate")), 10) +
                    PadLeft(std::to_string(spans), 10) +
                    (errors > 0 ? Paint(color, Tone::kRed, failed) : failed);
  for (const char* quantile : {"p50_ns", "p95_ns", "p99_ns"}) {
    out += PadLeft(ShortDuration(NumberOf(cell, quantile)), 9);
  }
  return out;
}

std::string Name(const std::string& text) {
  return PadRight(Cut(PlainText(text), kNameColumns), kNameColumns);
}

base::Result<base::ExitCode> Red(const Invocation& invocation, Context& context) {
  Parameters parameters = CommonParameters(invocation, context);
  const bool of_one = !invocation.arguments.empty();
  const std::string by = of_one ? "operation" : "service";
  parameters.emplace_back("by", by);
  if (of_one) parameters.emplace_back("service", invocation.arguments[0]);
  if (const std::string kind = invocation.options.String("kind"); kind != "all") {
    parameters.emplace_back("kind", kind);
  }
  parameters.emplace_back("limit", std::to_string(invocation.options.Int("limit")));
  TraceClient client(invocation.options);
  ASSIGN_OR_RETURN(const Element answer, client.Get("/api/v1/red", parameters));
  if (invocation.options.Switch("json")) {
    context.out << client.body() << '\n';
    return base::ExitCode::kOk;
  }
  context.out << Name(by) << FiguresHead() << '\n';
  std::int64_t shown = 0;
  for (const Element group : ListOf(answer, "groups")) {
    context.out << Name(TextOf(group, by)) << Figures(group, invocation.out_color) << '\n';
    ++shown;
  }
  PrintNotices(answer, context.err);
  const std::int64_t total = NumberOf(answer, "total_groups");
  if (total == 0) context.err << "nothing was measured: --kind all shows more, --since goes back\n";
  if (total > shown) context.err << "more: " << total - shown << ", by --limit\n";
  return base::ExitCode::kOk;
}

base::Result<base::ExitCode> Map(const Invocation& invocation, Context& context) {
  TraceClient client(invocation.options);
  ASSIGN_OR_RETURN(const Element answer,
                   client.Get("/api/v1/map", CommonParameters(invocation, context)));
  if (invocation.options.Switch("json")) {
    context.out << client.body() << '\n';
    return base::ExitCode::kOk;
  }
  context.out << Name("service or peer") << FiguresHead() << '\n';
  for (const Element node : ListOf(answer, "nodes")) {
    const bool peer = TextOf(node, "kind") == "peer";
    context.out << Name(TextOf(node, "name"))
                << (peer ? "  " + PlainText(TextOf(node, "technology"))
                         : Figures(node, invocation.out_color))
                << '\n';
  }
  context.out << '\n' << Name("calls") << FiguresHead() << '\n';
  for (const Element edge : ListOf(answer, "edges")) {
    std::string technology = TextOf(edge, "technology");
    if (!technology.empty()) technology = " (" + technology + ")";
    context.out << Name(TextOf(edge, "from") + " > " + TextOf(edge, "to") + technology)
                << Figures(edge, invocation.out_color) << '\n';
  }
  PrintNotices(answer, context.err);
  return base::ExitCode::kOk;
}

}  // namespace

Command TraceRedCommand() {
  base::OptionSpec kind =
      FlagOption("kind", base::OptionType::kChoice, "KIND",
                 "Which spans: entry is server and consumer, exit is client and producer.");
  kind.default_text = "entry";
  kind.choices = {"entry", "exit", "all", "server", "client", "producer", "consumer", "internal"};
  base::OptionSpec limit =
      FlagOption("limit", base::OptionType::kInt, "N", "How many, those with most spans first.");
  limit.default_text = "50";
  limit.min = "1";
  limit.max = "1000";
  return {.name = "trace red",
          .summary = "rate, errors and durations",
          .description =
              "Shows rate, errors and durations of services, or of the operations of one, as they "
              "were measured when spans arrived: exact whatever is sampled later, and after any "
              "crash.",
          .examples =
              "ronda trace red\nronda trace red checkout --since 15m\n"
              "ronda trace red --kind exit --run 7f3a",
          .positionals = {{.name = "SERVICE",
                           .arity = Arity::kOptional,
                           .description = "The service whose operations are shown.",
                           .suggest = Suggest::kChoices}},
          .options = CommonOptions({std::move(kind), std::move(limit)}),
          .run = Red};
}

Command TraceMapCommand() {
  return {.name = "trace map",
          .summary = "who calls whom",
          .description =
              "Shows services, what they call, how often, with how many errors and how fast. "
              "Figures are exact; which service stands behind an address is learned from traces, "
              "and an address of which nothing was seen is shown as it is.",
          .examples = "ronda trace map\nronda trace map --since 24h --environment production",
          .options = CommonOptions({}),
          .run = Map};
}

}  // namespace ronda::cli
