#include "cli/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <utility>

#include "model/source.h"

namespace ronda::cli {
namespace {

using base::OptionSpec;
using base::OptionType;

// "-c,--connections", as CLI11 wants it.
std::string NamesOf(const OptionSpec& spec) {
  return spec.letter == 0 ? fmt::format("--{}", spec.name)
                          : fmt::format("-{},--{}", spec.letter, spec.name);
}

// What CLI11 collects for one option: every text that was given for it.
using Texts = std::vector<std::string>;

// One option for CLI11. All values are taken as text; Options knows the types.
void AddOption(CLI::App& app, const OptionSpec& spec, Texts& texts) {
  if (spec.type == OptionType::kSwitch) {
    app.add_flag(NamesOf(spec), texts)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    return;
  }
  app.add_option(NamesOf(spec), texts)
      ->type_size(1)
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

// "--conections=5" -> "conections"; "-x" -> "x".
std::string BareName(std::string_view token) {
  token.remove_prefix(std::min(token.find_first_not_of('-'), token.size()));
  return std::string(token.substr(0, token.find('=')));
}

base::Status UnknownOption(const Command& command, std::string_view token,
                           const std::vector<OptionSpec>& table) {
  std::vector<std::string> names = {"help"};
  for (const OptionSpec& spec : table) names.emplace_back(spec.name);
  const std::string nearest = model::Nearest(BareName(token), names);
  std::string message = fmt::format("{} has no option {}", command.name, token);
  if (!nearest.empty()) message += fmt::format("; did you mean --{}?", nearest);
  return base::InvalidArgument(std::move(message));
}

base::Status CheckArguments(const Command& command, const std::vector<std::string>& arguments) {
  std::size_t least = 0;
  bool endless = false;
  for (const Positional& positional : command.positionals) {
    if (positional.arity == Arity::kOne || positional.arity == Arity::kAtLeastOne) ++least;
    if (positional.arity == Arity::kAny || positional.arity == Arity::kAtLeastOne) endless = true;
  }
  if (arguments.size() < least) {
    return base::InvalidArgument(
        fmt::format("{} needs {}", command.name, command.positionals[arguments.size()].name));
  }
  if (!endless && arguments.size() > command.positionals.size()) {
    return base::InvalidArgument(fmt::format("{} takes no argument \"{}\"", command.name,
                                             arguments[command.positionals.size()]));
  }
  for (std::size_t i = 0; i < arguments.size() && i < command.positionals.size(); ++i) {
    const auto& choices = command.positionals[i].choices;
    if (choices.empty() || std::ranges::find(choices, arguments[i]) != choices.end()) continue;
    std::string message =
        fmt::format("there is no {} \"{}\"", command.positionals[i].name, arguments[i]);
    const std::string nearest = model::Nearest(arguments[i], choices);
    message += nearest.empty() ? fmt::format("; there are: {}", fmt::join(choices, ", "))
                               : fmt::format("; did you mean \"{}\"?", nearest);
    return base::InvalidArgument(std::move(message));
  }
  return base::Ok();
}

// CLI11's parse, which throws, as a Status.
base::Status Parse(CLI::App& app, const Command& command, const std::vector<std::string>& tokens,
                   const std::vector<OptionSpec>& table) {
  std::vector<std::string> reversed(tokens.rbegin(), tokens.rend());  // as CLI11 takes them
  try {
    app.parse(std::move(reversed));
  } catch (const CLI::ExtrasError&) {
    const std::vector<std::string> extras = app.remaining();
    return UnknownOption(command, extras.empty() ? "" : extras.front(), table);
  } catch (const CLI::ArgumentMismatch& error) {
    return base::InvalidArgument(fmt::format("a value is missing: {}", error.what()));
  } catch (const CLI::Error& error) {
    return base::InvalidArgument(error.what());
  }
  return base::Ok();
}

}  // namespace

const std::vector<OptionSpec>& CommonOptions() {
  static const std::vector<OptionSpec> kCommon = {
      {.name = "color",
       .type = OptionType::kChoice,
       .value_name = "WHEN",
       .default_text = "auto",
       .choices = {"auto", "always", "never"},
       .description = "Colour: on a terminal, always or never. NO_COLOR turns auto off."},
      {.name = "config",
       .type = OptionType::kString,
       .value_name = "FILE",
       .description = "The configuration file; see ronda help config.",
       .example = "ronda.config.yaml"},
      {.name = "log-level",
       .type = OptionType::kChoice,
       .value_name = "LEVEL",
       .default_text = "info",
       .choices = {"debug", "info", "warning", "error"},
       .description = "The least level of messages on standard error."},
  };
  return kCommon;
}

std::vector<OptionSpec> OptionTableOf(const Command& command) {
  std::vector<OptionSpec> table = command.options;
  table.insert(table.end(), CommonOptions().begin(), CommonOptions().end());
  return table;
}

base::Result<CommandLine> ParseCommandLine(const Command& command,
                                           const std::vector<std::string>& tokens) {
  const std::vector<OptionSpec> table = OptionTableOf(command);
  std::vector<Texts> texts(table.size());
  CommandLine line;
  bool help = false;

  CLI::App app;
  app.set_help_flag();
  app.add_flag("-h,--help", help);
  for (std::size_t i = 0; i < table.size(); ++i) AddOption(app, table[i], texts[i]);
  app.add_option("arguments", line.arguments)->type_size(1)->expected(0, 1 << 20);

  const base::Status parsed = Parse(app, command, tokens, table);
  if (help) {
    line.wants = CommandLine::Wants::kHelp;
    return line;
  }
  RETURN_IF_ERROR(parsed);
  for (std::size_t i = 0; i < table.size(); ++i) {
    for (std::string& text : texts[i]) {
      line.flags.push_back({std::string(table[i].name), std::move(text)});
    }
  }
  RETURN_IF_ERROR(CheckArguments(command, line.arguments));
  return line;
}

}  // namespace ronda::cli
