#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cli/command.h"

namespace ronda::cli {

// One thing that could stand at the cursor.
struct Candidate {
  std::string text;
  std::string description;  // one line; may be empty

  bool operator==(const Candidate&) const = default;
};

// What could complete the last of `words` (those after the program's name; the last may be empty).
// Empty: the shell offers files.
[[nodiscard]] std::vector<Candidate> Complete(std::span<const Command> commands,
                                              const std::vector<std::string>& words);

enum class Shell : std::uint8_t { kBash, kZsh, kFish };

// The script that makes `shell` ask `ronda complete -- WORDS...`.
[[nodiscard]] std::string_view CompletionScript(Shell shell);

}  // namespace ronda::cli
