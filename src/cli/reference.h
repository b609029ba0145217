#pragma once

#include <span>
#include <string>
#include <vector>

#include "cli/command.h"

namespace ronda::cli {

// A generated page of docs/reference.
struct Page {
  std::string name;  // "commands.md"
  std::string text;
};

// The reference pages, from the tables alone: commands, configuration, actions, definitions and their
// JSON schema.
[[nodiscard]] std::vector<Page> ReferencePages(std::span<const Command> commands);

}  // namespace ronda::cli
