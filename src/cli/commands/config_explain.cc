#include <fmt/format.h>

#include <ostream>

#include "cli/command_line.h"
#include "cli/commands/commands.h"
#include "cli/config_file.h"
#include "model/source.h"

namespace ronda::cli {
namespace {

using base::Options;

std::string JsonString(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string_view RestartOf(const base::OptionSpec& spec) {
  return spec.needs_restart == base::NeedsRestart::kYes ? " (needs a restart)" : "";
}

void PrintText(const Command& command, const Options& options, Color color, std::ostream& out) {
  out << Paint(color, Tone::kBold, command.name) << '\n';
  for (const Options::Explained& explained : options.Explain()) {
    const base::OptionSpec& spec = *explained.spec;
    if (spec.scope == base::OptionScope::kFlagOnly) continue;
    if (explained.layers.empty()) {
      out << fmt::format("  {:<22} {:<16} {}\n", spec.name, "-",
                         Paint(color, Tone::kDim, "not set"));
      continue;
    }
    bool hidden = false;
    for (const Options::Layer& layer : explained.layers) {
      const std::string line = fmt::format(
          "  {:<22} {:<16} {}{}", hidden ? "" : spec.name, layer.text,
          layer.origin.source == base::OptionSource::kDefault
              ? "default"
              : fmt::format("{} {}", base::NameOf(layer.origin.source), layer.origin.place),
          hidden ? " (hidden)" : RestartOf(spec));
      out << (hidden ? Paint(color, Tone::kDim, line) : line) << '\n';
      hidden = true;
    }
  }
}

// One object an option, as a line of NDJSON.
void PrintJson(const Command& command, const Options& options, std::ostream& out) {
  for (const Options::Explained& explained : options.Explain()) {
    if (explained.spec->scope == base::OptionScope::kFlagOnly) continue;
    std::vector<std::string> layers;
    for (const Options::Layer& layer : explained.layers) {
      layers.push_back(fmt::format("{{\"value\":{},\"source\":\"{}\",\"place\":{}}}",
                                   JsonString(layer.text), base::NameOf(layer.origin.source),
                                   JsonString(layer.origin.place)));
    }
    out << fmt::format("{{\"command\":\"{}\",\"option\":\"{}\",\"values\":[{}]}}\n", command.name,
                       explained.spec->name, fmt::join(layers, ","));
  }
}

// The options that `command` would have: this call's --config, the file, the environment, `flags`.
base::Result<Options> OptionsOf(const Command& command, const std::vector<std::string>& flags,
                                const Invocation& invocation, Context& context) {
  Options options(OptionTableOf(command));
  ASSIGN_OR_RETURN(const CommandLine line, ParseCommandLine(command, flags));
  for (const FlagValue& flag : line.flags) {
    RETURN_IF_ERROR(options.Set(flag.name, flag.text,
                                {base::OptionSource::kFlag, fmt::format("--{}", flag.name)}));
  }
  if (invocation.options.IsSet("config") && !options.IsSet("config")) {
    RETURN_IF_ERROR(options.Set("config", invocation.options.String("config"),
                                invocation.options.OriginOf("config")));
  }
  RETURN_IF_ERROR(ReadSources(command, invocation.commands, context.getenv, options));
  return options;
}

// Explains one command. Its positionals do not matter here and may be absent.
base::Status Explain(Command command, const std::vector<std::string>& flags,
                     const Invocation& invocation, Context& context) {
  command.positionals = {{.name = "ARGUMENT", .arity = Arity::kAny, .description = ""}};
  ASSIGN_OR_RETURN(const Options options, OptionsOf(command, flags, invocation, context));
  if (invocation.options.Switch("json")) {
    PrintJson(command, options, context.out);
  } else {
    PrintText(command, options, invocation.out_color, context.out);
  }
  return base::Ok();
}

base::Result<base::ExitCode> Run(const Invocation& invocation, Context& context) {
  if (!invocation.arguments.empty()) {
    const std::string& name = invocation.arguments.front();
    const Command* command = FindCommand(invocation.commands, name);
    if (command == nullptr) {
      std::vector<std::string> names;
      for (const Command& known : invocation.commands) names.emplace_back(known.name);
      const std::string nearest = model::Nearest(name, names);
      return UsageError(
          invocation, context,
          fmt::format("there is no command \"{}\"{}", name,
                      nearest.empty() ? "" : fmt::format("; did you mean \"{}\"?", nearest)));
    }
    const std::vector<std::string> flags(invocation.arguments.begin() + 1,
                                         invocation.arguments.end());
    RETURN_IF_ERROR(Explain(*command, flags, invocation, context));
    return base::ExitCode::kOk;
  }
  for (const Command& command : invocation.commands) {
    if (command.visibility == Visibility::kHidden || command.options.empty()) continue;
    RETURN_IF_ERROR(Explain(command, {}, invocation, context));
  }
  return base::ExitCode::kOk;
}

}  // namespace

Command ConfigExplainCommand() {
  return {.name = "config explain",
          .summary = "show each option's value and where it came from",
          .description =
              "Shows what each option of a command is set to and by what: its default, the "
              "configuration file, the environment or a flag. Values that a stronger source hides "
              "are shown below the one that counts. Without a command it shows all of them.",
          .examples = "ronda config explain\nronda config explain bench -- --connections 8",
          .positionals = {{.name = "COMMAND",
                           .arity = Arity::kAny,
                           .description = "A command; after --, flags as it would be given.",
                           .suggest = Suggest::kCommands}},
          .options = {{.name = "json",
                       .type = base::OptionType::kSwitch,
                       .scope = base::OptionScope::kFlagOnly,
                       .description = "One JSON object a line and option."}},
          .run = Run};
}

}  // namespace ronda::cli
