#include <unistd.h>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ostream>
#include <set>
#include <string>
#include <thread>

#include "base/core/ids.h"
#include "cli/commands/commands.h"
#include "cli/terminal.h"
#include "cli/trace_client.h"
#include "cli/trace_waterfall.h"
#include "engine/report/text.h"
#include "net/codec/url.h"

namespace ronda::cli {
namespace {

using engine::report::Cut;
using engine::report::PadLeft;
using engine::report::PadRight;
using engine::report::PlainText;
using Element = simdjson::dom::element;

std::string SummaryLine(Element trace, const Invocation& invocation) {
  const std::int64_t errors = NumberOf(trace, "errors");
  const std::string marked = errors > 0 ? Paint(invocation.out_color, Tone::kRed,
                                                PadRight(std::to_string(errors) + " errors", 10))
                                        : std::string(10, ' ');
  return TextOf(trace, "trace_id") + "  " +
         TimeText(std::strtoull(TextOf(trace, "start_unix_ns").c_str(), nullptr, 10)) +
         PadLeft(ShortDuration(NumberOf(trace, "duration_ns")), 8) +
         PadLeft(std::to_string(NumberOf(trace, "spans")), 6) + " spans  " + marked + "  " +
         PlainText(TextOf(trace, "root_service")) + " " + PlainText(TextOf(trace, "root_name")) +
         "\n";
}

base::Result<base::ExitCode> Search(const Invocation& invocation, Context& context) {
  TraceClient client(invocation.options);
  std::vector<std::pair<std::string, std::string>> parameters;
  std::string query;
  for (const std::string& word : invocation.arguments) query += (query.empty() ? "" : " ") + word;
  if (!query.empty()) parameters.emplace_back("q", query);
  parameters.emplace_back("limit", std::to_string(invocation.options.Int("limit")));
  if (invocation.options.Has("cursor")) {
    parameters.emplace_back("cursor", invocation.options.String("cursor"));
  }
  if (const auto since = SinceNs(invocation.options, context.clock)) {
    parameters.emplace_back("start", std::to_string(*since));
  }
  ASSIGN_OR_RETURN(const Element found, client.Get("/api/v1/traces", parameters));
  if (invocation.options.Switch("json")) {
    context.out << client.body() << '\n';
    return base::ExitCode::kOk;
  }
  std::size_t count = 0;
  for (const Element trace : ListOf(found, "traces")) {
    context.out << SummaryLine(trace, invocation);
    ++count;
  }
  PrintNotices(found, context.err);
  if (count == 0) context.err << "no trace is like that\n";
  if (const std::string next = TextOf(found, "next"); !next.empty()) {
    context.err << "more: --cursor " << next << '\n';
  }
  return base::ExitCode::kOk;
}

// The traces of the last minute that were not shown yet, the oldest first.
base::Status ShowNew(TraceClient& client, const std::string& query, std::uint64_t since_ns,
                     std::set<std::string>& shown, const Invocation& invocation, Context& context) {
  std::vector<std::string> lines;
  std::set<std::string> met;
  std::string cursor;
  do {
    std::vector<std::pair<std::string, std::string>> parameters = {
        {"q", query}, {"limit", "1000"}, {"start", std::to_string(since_ns)}};
    if (!cursor.empty()) parameters.emplace_back("cursor", cursor);
    ASSIGN_OR_RETURN(const Element found, client.Get("/api/v1/traces", parameters));
    for (const Element trace : ListOf(found, "traces")) {
      const std::string id = TextOf(trace, "trace_id");
      met.insert(id);
      if (shown.contains(id)) continue;
      lines.push_back(SummaryLine(trace, invocation));
    }
    cursor = TextOf(found, "next");
  } while (!cursor.empty());
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) context.out << *line;
  context.out << std::flush;
  shown = std::move(met);
  return base::Ok();
}

base::Result<base::ExitCode> Tail(const Invocation& invocation, Context& context) {
  constexpr std::uint64_t kWindowNs = 60'000'000'000;
  TraceClient client(invocation.options);
  std::string query;
  for (const std::string& word : invocation.arguments) query += (query.empty() ? "" : " ") + word;
  std::set<std::string> shown;
  while (context.out) {
    const std::uint64_t now = context.clock.WallNs();
    RETURN_IF_ERROR(
        ShowNew(client, query, now - std::min(now, kWindowNs), shown, invocation, context));
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
  return base::ExitCode::kOk;
}

base::Result<base::ExitCode> Show(const Invocation& invocation, Context& context) {
  TraceClient client(invocation.options);
  const std::string& id = invocation.arguments[0];
  if (!base::ParseTraceId(id)) {
    return UsageError(invocation, context, "\"" + id + "\" is no trace id: 32 hex digits");
  }
  ASSIGN_OR_RETURN(const Element trace, client.Get("/api/v1/traces/" + id));
  if (invocation.options.Switch("json")) {
    context.out << client.body() << '\n';
    return base::ExitCode::kOk;
  }
  const std::size_t columns =
      context.out_kind == StreamKind::kTerminal ? SizeOf(STDOUT_FILENO).columns : 120;
  context.out << Waterfall(trace, columns, invocation.out_color);
  return base::ExitCode::kOk;
}

base::Result<base::ExitCode> ListServices(const Invocation& invocation, Context& context) {
  TraceClient client(invocation.options);
  if (invocation.arguments.empty()) {
    ASSIGN_OR_RETURN(const Element answer, client.Get("/api/v1/services"));
    for (const Element service : ListOf(answer, "services")) {
      context.out << PlainText(std::string(service.get_string().value_unsafe())) << '\n';
    }
    return base::ExitCode::kOk;
  }
  std::string path = "/api/v1/services/";
  net::AppendPercentEncoded(invocation.arguments[0], path);
  ASSIGN_OR_RETURN(const Element answer, client.Get(path + "/operations"));
  for (const Element operation : ListOf(answer, "operations")) {
    context.out << PadRight(TextOf(operation, "kind"), 13) << PlainText(TextOf(operation, "name"))
                << '\n';
  }
  return base::ExitCode::kOk;
}

// "97.5%", "100%", "<0.1%".
std::string ShareText(double share) {
  const double percent = share * 100;
  if (percent > 0 && percent < 0.1) return "<0.1%";
  if (percent > 99.9 && percent < 100) return ">99.9%";
  return fmt::format("{:.3g}%", percent);
}

void PrintLink(Element link, Color color, Context& context) {
  const std::int64_t requests = NumberOf(link, "requests");
  const auto at = [&](const char* key) {
    return TimeText(std::strtoull(TextOf(link, key).c_str(), nullptr, 10));
  };
  context.out << requests << (requests == 1 ? " request in " : " requests in ")
              << NumberOf(link, "traces") << " traces, " << at("first_unix_ns") << " to "
              << at("last_unix_ns") << "\n   share   calls     p50     p95     max  errors\n";
  for (const Element step : ListOf(link, "steps")) {
    const double calls = static_cast<double>(NumberOf(step, "calls"));
    double share = 0;
    if (step["probability"].get_double().get(share) != simdjson::SUCCESS) share = 1;
    const std::int64_t errors = NumberOf(step, "errors");
    const std::string failed = PadLeft(errors == 0 ? "" : std::to_string(errors), 8);
    context.out << PadLeft(ShareText(share), 8)
                << PadLeft(fmt::format("{:.4g}", calls / static_cast<double>(requests)), 8)
                << PadLeft(ShortDuration(NumberOf(step, "p50_ns")), 8)
                << PadLeft(ShortDuration(NumberOf(step, "p95_ns")), 8)
                << PadLeft(ShortDuration(NumberOf(step, "max_ns")), 8)
                << (errors > 0 ? Paint(color, Tone::kRed, failed) : failed) << "  "
                << std::string(2 * static_cast<std::size_t>(
                                       std::clamp<std::int64_t>(NumberOf(step, "depth"), 0, 40)),
                               ' ')
                << PlainText(TextOf(step, "service")) << ' ' << PlainText(TextOf(step, "name"))
                << '\n';
  }
  if (const auto joined = NumberOf(link, "joined_calls"); joined > 0) {
    context.err << "note: " << joined << " calls are under (other): steps with too many names\n";
  }
  PrintNotices(link, context.err);
}

base::Result<base::ExitCode> ShowLink(const Invocation& invocation, Context& context) {
  TraceClient client(invocation.options);
  std::string path = "/api/v1/services/";
  net::AppendPercentEncoded(invocation.arguments[0], path);
  std::vector<std::pair<std::string, std::string>> parameters = {
      {"operation", invocation.arguments[1]},
      {"traces", std::to_string(invocation.options.Int("traces"))}};
  if (const auto since = SinceNs(invocation.options, context.clock)) {
    parameters.emplace_back("start", std::to_string(*since));
  }
  ASSIGN_OR_RETURN(const Element link, client.Get(path + "/link", parameters));
  if (invocation.options.Switch("json")) {
    context.out << client.body() << '\n';
  } else {
    PrintLink(link, invocation.out_color, context);
  }
  return base::ExitCode::kOk;
}

base::Result<base::ExitCode> DecodeId(const Invocation& invocation, Context& context) {
  static constexpr std::string_view kEnvironments[] = {
      "unknown",         "development (d)", "test (t)",      "stress (s)",
      "pre-release (p)", "gray (g)",        "production (o)"};
  const auto id = base::ParseTraceId(invocation.arguments[0]);
  if (!id) {
    return UsageError(invocation, context,
                      "\"" + invocation.arguments[0] + "\" is no trace id: 32 hex digits");
  }
  const base::TraceIdParts parts = base::Decode(*id);
  const auto environment = static_cast<std::size_t>(parts.environment);
  context.out << "born         " << TimeText(parts.unix_ms * 1'000'000) << "\nprocess      "
              << parts.process << "\naddress      "
              << fmt::format("{}.{}.{}.{}", parts.ipv4 >> 24, parts.ipv4 >> 16 & 255,
                             parts.ipv4 >> 8 & 255, parts.ipv4 & 255)
              << "\nenvironment  "
              << (environment < std::size(kEnvironments) ? kEnvironments[environment] : "none")
              << "\nrandom       " << parts.random << "\ncounter      " << parts.counter << '\n';
  const std::uint64_t now_ms = context.clock.WallNs() / 1'000'000;
  constexpr std::uint64_t kDayMs = 86'400'000;
  if (parts.unix_ms > now_ms + kDayMs || environment >= std::size(kEnvironments) ||
      parts.unix_ms + 3650 * kDayMs < now_ms) {
    context.err << "note: this does not look like an id that Ronda made; others' ids are random\n";
  }
  return base::ExitCode::kOk;
}

}  // namespace

Command TraceSearchCommand() {
  return {
      .name = "trace search",
      .summary = "find traces",
      .description =
          "Asks `ronda traces` for traces, newest first. The query says what one span of them is "
          "like (`ronda help trace-query`); without it, every trace.",
      .examples =
          "ronda trace search 'service = checkout and duration > 200ms'\n"
          "ronda trace search 'status = error' --since 1h --limit 5",
      .positionals = {{.name = "QUERY",
                       .arity = Arity::kAny,
                       .description = "What one span is like.",
                       .suggest = Suggest::kChoices}},
      .options = ApiOptions({{.name = "limit",
                              .type = base::OptionType::kInt,
                              .value_name = "N",
                              .default_text = "20",
                              .min = "1",
                              .max = "1000",
                              .scope = base::OptionScope::kFlagOnly,
                              .description = "How many traces."},
                             {.name = "since",
                              .type = base::OptionType::kDuration,
                              .scope = base::OptionScope::kFlagOnly,
                              .description = "Only spans that began within it."},
                             {.name = "cursor",
                              .type = base::OptionType::kString,
                              .scope = base::OptionScope::kFlagOnly,
                              .description = "Where the page before ended."},
                             JsonOption()}),
      .run = Search};
}

Command TraceTailCommand() {
  return {
      .name = "trace tail",
      .summary = "print traces as they come in",
      .description =
          "Prints each trace of the last minute and then, every second, those that are new, until "
          "Ctrl-C. The query says what one span of them is like (`ronda help trace-query`). A "
          "trace is printed when its first such span is found, as far as it has come in by then.",
      .examples = "ronda trace tail\nronda trace tail 'service = checkout and status = error'",
      .positionals = {{.name = "QUERY",
                       .arity = Arity::kAny,
                       .description = "What one span is like.",
                       .suggest = Suggest::kChoices}},
      .options = ApiOptions({}),
      .run = Tail};
}

Command TraceShowCommand() {
  return {.name = "trace show",
          .summary = "draw a trace",
          .description =
              "Draws a trace as a waterfall: level paths, the two halves of a call together with "
              "the time on the network, the critical path, errors, and by how much clocks were "
              "corrected.",
          .examples = "ronda trace show 4bf92f3577b34da6a3ce929d0e0e4736",
          .positionals = {{.name = "ID",
                           .description = "The trace id, 32 hex digits.",
                           .suggest = Suggest::kChoices}},
          .options = ApiOptions({JsonOption()}),
          .run = Show};
}

Command TraceServicesCommand() {
  return {.name = "trace services",
          .summary = "list services, or a service's operations",
          .description = "Lists the services that sent spans, or the operations of one.",
          .examples = "ronda trace services\nronda trace services checkout",
          .positionals = {{.name = "SERVICE",
                           .arity = Arity::kOptional,
                           .description = "The service whose operations are listed.",
                           .suggest = Suggest::kChoices}},
          .options = ApiOptions({}),
          .run = ListServices};
}

Command TraceLinkCommand() {
  return {.name = "trace link",
          .summary = "show what the requests of an entry do, all together",
          .description =
              "Adds the newest traces of an entry up: every branch that any request took, in which "
              "share of the requests, how often and how long a call took as its caller saw it. One "
              "trace never shows every branch.",
          .examples =
              "ronda trace link checkout 'POST /orders'\n"
              "ronda trace link checkout 'POST /orders' --since 1h --traces 1000",
          .positionals = {{.name = "SERVICE",
                           .description = "The service that has the entry.",
                           .suggest = Suggest::kChoices},
                          {.name = "OPERATION",
                           .description = "The name of its span; `ronda trace services SERVICE` "
                                          "lists them.",
                           .suggest = Suggest::kChoices}},
          .options = ApiOptions({{.name = "traces",
                                  .type = base::OptionType::kInt,
                                  .value_name = "N",
                                  .default_text = "200",
                                  .min = "1",
                                  .max = "1000",
                                  .scope = base::OptionScope::kFlagOnly,
                                  .description = "Of how many traces, the newest."},
                                 {.name = "since",
                                  .type = base::OptionType::kDuration,
                                  .scope = base::OptionScope::kFlagOnly,
                                  .description = "Only requests that began within it."},
                                 JsonOption()}),
          .run = ShowLink};
}

Command TraceDecodeCommand() {
  return {
      .name = "trace decode",
      .summary = "say where a trace id was born",
      .description =
          "Takes a trace id that Ronda made apart: when, in which process, on which machine and "
          "in which environment the trace began. Asks nobody.",
      .examples = "ronda trace decode 66ddb6aa1ec03039c0a801012007002a",
      .positionals = {{.name = "ID",
                       .description = "The trace id, 32 hex digits.",
                       .suggest = Suggest::kChoices}},
      .run = DecodeId};
}

}  // namespace ronda::cli
