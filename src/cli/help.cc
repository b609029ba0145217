#include "cli/help.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "cli/command_line.h"
#include "cli/topics.h"
#include "model/catalog/catalog.h"

namespace ronda::cli {
namespace {

using base::OptionSpec;
using base::OptionType;

constexpr std::size_t kWidth = 80;
constexpr std::size_t kLabelColumn = 26;  // where descriptions begin, unless the label is longer

// "  label      text", the text wrapped into its column.
void AppendRow(std::string& out, std::string_view label, std::string_view text, Color color) {
  out += "  ";
  out += Paint(color, Tone::kBold, label);
  if (label.size() + 3 > kLabelColumn) {
    out += '\n';
    out.append(kLabelColumn, ' ');
  } else {
    out.append(kLabelColumn - 2 - label.size(), ' ');
  }
  out += Wrap(text, kLabelColumn, kWidth);
  out += '\n';
}

void AppendHeading(std::string& out, std::string_view heading, Color color) {
  out += '\n';
  out += Paint(color, Tone::kYellow, heading);
  out += '\n';
}

void AppendOptions(std::string& out, std::span<const OptionSpec> options, Color color) {
  for (const OptionSpec& spec : options) AppendRow(out, LabelOf(spec), DescribeOption(spec), color);
}

}  // namespace

std::string Wrap(std::string_view text, std::size_t indent, std::size_t width) {
  std::string out;
  std::size_t column = indent;
  bool fresh = true;  // nothing on this line yet
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '\n') {
      out += '\n';
      out.append(i + 1 < text.size() && text[i + 1] != '\n' ? indent : 0, ' ');
      column = indent;
      fresh = true;
      ++i;
      continue;
    }
    if (text[i] == ' ' && !fresh) {
      ++i;
      continue;
    }
    const bool verbatim = text[i] == ' ';
    const auto end = std::min(text.find_first_of(verbatim ? "\n" : " \n", i), text.size());
    const std::string_view word = text.substr(i, end - i);
    if (!fresh && column + 1 + word.size() > width) {
      out += '\n';
      out.append(indent, ' ');
      column = indent;
      fresh = true;
    }
    if (!fresh) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
    fresh = false;
    i = end;
  }
  return out;
}

std::string LabelOf(const OptionSpec& spec) {
  std::string label = spec.letter == 0 ? "    " : fmt::format("-{}, ", spec.letter);
  label += fmt::format("--{}", spec.name);
  if (spec.type == OptionType::kSwitch) return label;
  std::string value(spec.value_name);
  if (value.empty()) {
    std::ranges::transform(base::NameOf(spec.type), std::back_inserter(value),
                           [](char c) { return static_cast<char>(c - 'a' + 'A'); });
  }
  return fmt::format("{} {}", label, value);
}

std::string DescribeOption(const OptionSpec& spec) {
  std::string text(spec.description);
  std::vector<std::string> facts;
  if (!spec.choices.empty()) facts.push_back(fmt::format("{}", fmt::join(spec.choices, ", ")));
  if (!spec.min.empty() && !spec.max.empty()) {
    facts.push_back(fmt::format("{} to {}", spec.min, spec.max));
  } else if (!spec.min.empty()) {
    facts.push_back(fmt::format("at least {}", spec.min));
  } else if (!spec.max.empty()) {
    facts.push_back(fmt::format("at most {}", spec.max));
  }
  if (!spec.unit.empty()) facts.push_back(std::string(spec.unit));
  if (spec.type == OptionType::kList) facts.push_back("may be repeated");
  if (!spec.default_text.empty()) facts.push_back(fmt::format("default {}", spec.default_text));
  if (!facts.empty()) text += fmt::format(" [{}]", fmt::join(facts, "; "));
  return text;
}

std::string UsageOf(const Command& command) {
  std::string usage = fmt::format("ronda {}", command.name);
  if (!command.options.empty()) usage += " [options]";
  for (const Positional& positional : command.positionals) {
    switch (positional.arity) {
      case Arity::kOne: usage += fmt::format(" {}", positional.name); break;
      case Arity::kOptional: usage += fmt::format(" [{}]", positional.name); break;
      case Arity::kAny: usage += fmt::format(" [{}...]", positional.name); break;
      case Arity::kAtLeastOne: usage += fmt::format(" {}...", positional.name); break;
    }
  }
  return usage;
}

std::string RenderOverview(std::span<const Command> commands, Color color) {
  std::string out =
      "Ronda walks the core paths of a business with real traffic, and finds out how\n"
      "much they can take.\n\nusage: ronda COMMAND [options] [arguments]\n";
  AppendHeading(out, "commands", color);
  for (const Command& command : commands) {
    if (command.visibility == Visibility::kShown) {
      AppendRow(out, command.name, command.summary, color);
    }
  }
  AppendHeading(out, "topics", color);
  for (const Topic& topic : Topics()) AppendRow(out, topic.name, topic.title, color);
  AppendHeading(out, "actions", color);
  for (const model::ActionSchema& action : model::Catalog::BuiltIn().all())
    AppendRow(out, action.code, action.title, color);
  out += "\n'ronda help NAME' tells more of each.\n";
  return out;
}

std::string RenderCommandHelp(const Command& command, Color color) {
  std::string out =
      fmt::format("usage: {}\n\n{}\n", UsageOf(command), Wrap(command.description, 0, kWidth));
  if (!command.positionals.empty()) {
    AppendHeading(out, "arguments", color);
    for (const Positional& positional : command.positionals) {
      AppendRow(out, positional.name, positional.description, color);
    }
  }
  if (!command.options.empty()) {
    AppendHeading(out, "options", color);
    AppendOptions(out, command.options, color);
  }
  AppendHeading(out, "options of every command", color);
  AppendOptions(out, CommonOptions(), color);
  AppendRow(out, "-h, --help", "This text.", color);
  if (!command.examples.empty()) {
    AppendHeading(out, "examples", color);
    std::string_view rest = command.examples;
    while (!rest.empty()) {
      const auto end = rest.find('\n');
      out += fmt::format("  {}\n", rest.substr(0, end));
      rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
  }
  return out;
}

std::string RenderTopic(std::string_view markdown, Color color) {
  std::string out;
  bool code = false;
  while (!markdown.empty()) {
    const auto end = std::min(markdown.find('\n'), markdown.size());
    const std::string_view line = markdown.substr(0, end);
    markdown.remove_prefix(std::min(end + 1, markdown.size()));
    if (line.starts_with("```")) {
      code = !code;
      continue;
    }
    if (code) {
      out += "    " + Paint(color, Tone::kCyan, line);
    } else if (line.starts_with("#")) {
      out += Paint(color, Tone::kBold,
                   line.substr(std::min(line.find_first_not_of("# "), line.size())));
    } else {
      out += line;
    }
    out += '\n';
  }
  return out;
}

}  // namespace ronda::cli
