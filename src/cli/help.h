#pragma once

#include <span>
#include <string>
#include <string_view>

#include "cli/command.h"

namespace ronda::cli {

// What `ronda` alone prints: the commands and the topics.
[[nodiscard]] std::string RenderOverview(std::span<const Command> commands, Color color);
// What `ronda help run` prints: usage, description, arguments, options, examples.
[[nodiscard]] std::string RenderCommandHelp(const Command& command, Color color);
// "ronda run [options] FILE..."
[[nodiscard]] std::string UsageOf(const Command& command);
// A topic for a terminal: headings and code stand out, the text is as written.
[[nodiscard]] std::string RenderTopic(std::string_view markdown, Color color);

// What the right column says of an option: description, default, range, choices.
[[nodiscard]] std::string DescribeOption(const base::OptionSpec& spec);
// "-c, --connections N"
[[nodiscard]] std::string LabelOf(const base::OptionSpec& spec);
// `text` in lines of at most `width` columns, continued `indent` columns to the right. A line that
// begins with a blank is kept as it is.
[[nodiscard]] std::string Wrap(std::string_view text, std::size_t indent, std::size_t width = 80);

}  // namespace ronda::cli
