// What keeps and removes: trace export, trace backup, trace delete.
#include <fmt/format.h>

#include <charconv>
#include <ctime>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "cli/commands/commands.h"
#include "cli/trace_client.h"
#include "engine/report/text.h"
#include "net/codec/url.h"

namespace ronda::cli {
namespace {

using engine::report::PlainText;
using Element = simdjson::dom::element;

// "2026-11-25T10:00:00Z", with a fraction of up to nine digits, or ns since 1970.
std::optional<std::uint64_t> ParseTime(std::string_view text) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  if (const auto [at, error] = std::from_chars(text.data(), end, number);
      error == std::errc() && at == end) {
    return number;
  }
  const std::string copy(text);
  std::tm parts{};
  const char* rest = strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) return std::nullopt;
  std::uint64_t ns = 0;
  if (*rest == '.') {
    std::uint64_t unit = 100'000'000;
    for (++rest; *rest >= '0' && *rest <= '9'; ++rest, unit /= 10) {
      ns += static_cast<std::uint64_t>(*rest - '0') * unit;
    }
  }
  const time_t seconds = timegm(&parts);
  if (std::string_view(rest) != "Z" || seconds < 0) return std::nullopt;
  return static_cast<std::uint64_t>(seconds) * 1'000'000'000 + ns;
}

struct Range {
  std::uint64_t from = 0;
  std::uint64_t to = ~std::uint64_t{0};
};

base::Result<Range> RangeOf(const Invocation& invocation, const Context& context) {
  Range range;
  const auto read = [&](std::string_view name, std::uint64_t& time) -> base::Status {
    if (!invocation.options.Has(name)) return base::Ok();
    const std::string& text = invocation.options.String(name);
    const auto parsed = ParseTime(text);
    if (!parsed) {
      return base::InvalidArgument(fmt::format(
          "--{}: \"{}\" is no time like 2026-11-25T10:00:00Z, and no ns since 1970", name, text));
    }
    time = *parsed;
    return base::Ok();
  };
  RETURN_IF_ERROR(read("from", range.from));
  RETURN_IF_ERROR(read("to", range.to));
  if (const auto since = SinceNs(invocation.options, context.clock)) {
    if (invocation.options.Has("from")) {
      return base::InvalidArgument("--since and --from say the same: leave one out");
    }
    range.from = *since;
  }
  return range;
}

base::Result<base::ExitCode> Export(const Invocation& invocation, Context& context) {
  TraceClient client(invocation.options);
  ASSIGN_OR_RETURN(const Range range, RangeOf(invocation, context));
  simdjson::dom::parser parser;
  std::uint64_t spans = 0;
  for (std::string start = std::to_string(range.from); !start.empty();) {
    RETURN_IF_ERROR(
        client.Ask("GET", "/api/v1/export", {{"start", start}, {"end", std::to_string(range.to)}}));
    // A line about the page, then the page.
    const std::string_view body = client.body();
    const std::size_t line = body.find('\n');
    Element about;
    if (line == body.npos || parser.parse(body.substr(0, line)).get(about) != simdjson::SUCCESS) {
      return base::Unavailable("the server answers with something that is no export");
    }
    PrintNotices(about, context.err);
    context.out << body.substr(line + 1);
    if (!context.out.flush()) return base::Unavailable("the output cannot be written");
    spans += static_cast<std::uint64_t>(NumberOf(about, "spans"));
    start = TextOf(about, "next");
  }
  context.err << spans << " spans\n";
  return base::ExitCode::kOk;
}

base::Result<base::ExitCode> BackUp(const Invocation& invocation, Context& context) {
  TraceClient client(invocation.options);
  std::string path = "/api/v1/backups/";
  net::AppendPercentEncoded(invocation.arguments[0], path);
  ASSIGN_OR_RETURN(const Element made, client.Json("PUT", path));
  context.out << PlainText(TextOf(made, "folder")) << '\n';
  return base::ExitCode::kOk;
}

base::Result<base::ExitCode> Delete(const Invocation& invocation, Context& context) {
  if (!invocation.options.Has("service")) {
    return UsageError(invocation, context, "say whose spans: --service NAME");
  }
  TraceClient client(invocation.options);
  std::string path = "/api/v1/services/";
  net::AppendPercentEncoded(invocation.options.String("service"), path);
  std::int64_t deleted = 0;
  for (bool done = false; !done;) {  // the server stops after a while, and goes on when asked again
    ASSIGN_OR_RETURN(const Element answer, client.Json("DELETE", path + "/spans"));
    deleted += NumberOf(answer, "deleted");
    if (answer["done"].get(done) != simdjson::SUCCESS) {
      return base::Unavailable("the server does not say whether it is done");
    }
  }
  context.out << deleted << " spans and log records deleted\n";
  return base::ExitCode::kOk;
}

base::OptionSpec TimeOption(std::string_view name, std::string_view description) {
  return {.name = name,
          .type = base::OptionType::kString,
          .value_name = "TIME",
          .scope = base::OptionScope::kFlagOnly,
          .description = description,
          .example = "2026-11-25T10:00:00Z"};
}

}  // namespace

Command TraceExportCommand() {
  return {
      .name = "trace export",
      .summary = "write spans as OTLP JSON lines",
      .description =
          "Writes the spans of a range of time to standard output, by their start: each line is "
          "an OTLP/JSON request, which an OTLP receiver takes as it is. Goes page by page: "
          "however much it is, little of it is in memory.",
      .examples =
          "ronda trace export --since 1h > spans.jsonl\n"
          "ronda trace export --from 2026-11-25T10:00:00Z --to 2026-11-25T11:00:00Z",
      .options =
          ApiOptions({TimeOption("from", "Spans that begin at or after it; UTC, or ns since 1970."),
                      TimeOption("to", "Spans that begin before it."),
                      {.name = "since",
                       .type = base::OptionType::kDuration,
                       .scope = base::OptionScope::kFlagOnly,
                       .description = "Spans that began within it, instead of --from."}}),
      .run = Export};
}

Command TraceBackupCommand() {
  return {
      .name = "trace backup",
      .summary = "back traces up while they come in",
      .description =
          "Has `ronda traces` make a copy of everything that was acknowledged up to now, in the "
          "folder backups/NAME of its data, and prints that folder. It takes no room until what "
          "it holds expires elsewhere. `ronda traces restore` makes a data folder of it.",
      .examples = "ronda trace backup before-upgrade",
      .positionals = {{.name = "NAME",
                       .description = "Letters, digits, '.', '_' and '-'.",
                       .suggest = Suggest::kChoices}},
      .options = ApiOptions({}),
      .run = BackUp};
}

Command TraceDeleteCommand() {
  return {.name = "trace delete",
          .summary = "delete a service's spans",
          .description =
              "Removes all spans and log records that a service has sent up to now, from the disk "
              "too. Backups keep theirs. What comes later is kept. The ledger counts what was "
              "deleted.",
          .examples = "ronda trace delete --service checkout",
          .options = ApiOptions({{.name = "service",
                                  .type = base::OptionType::kString,
                                  .value_name = "NAME",
                                  .scope = base::OptionScope::kFlagOnly,
                                  .description = "Whose spans: service.name of the resource."}}),
          .run = Delete};
}

}  // namespace ronda::cli
