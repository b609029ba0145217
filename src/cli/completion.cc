#include "cli/completion.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "cli/command_line.h"
#include "cli/topics.h"
#include "model/catalog/catalog.h"

namespace ronda::cli {
namespace {

using base::OptionSpec;
using base::OptionType;

constexpr std::string_view kBash = R"(# bash completion for ronda
_ronda() {
  local words=("${COMP_WORDS[@]:1:COMP_CWORD}")
  mapfile -t COMPREPLY < <("${COMP_WORDS[0]}" complete -- "${words[@]}" 2>/dev/null | cut -f1)
}
complete -o default -F _ronda ronda
)";

constexpr std::string_view kZsh = R"(#compdef ronda
_ronda() {
  local -a found described
  local line
  found=("${(@f)$(${words[1]} complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  for line in $found; do
    described+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
  done
  if (( ${#described} )); then
    _describe 'ronda' described
  else
    _files
  fi
}
compdef _ronda ronda
)";

constexpr std::string_view kFish = R"(# fish completion for ronda
function __ronda_complete
  set -l words (commandline -opc)
  set -l found ($words[1] complete -- $words[2..-1] (commandline -ct) 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c ronda -f -a '(__ronda_complete)'
)";

// Collects what begins with a prefix, each once.
class Collector {
 public:
  explicit Collector(std::string_view prefix) : prefix_(prefix) {}

  void Offer(std::string_view text, std::string_view description) {
    const bool known = std::ranges::find(found_, text, &Candidate::text) != found_.end();
    if (!text.starts_with(prefix_) || known) return;
    found_.push_back({std::string(text), std::string(description)});
  }

  [[nodiscard]] std::vector<Candidate> Take() { return std::move(found_); }

 private:
  std::string_view prefix_;
  std::vector<Candidate> found_;
};

void OfferCommands(std::span<const Command> commands, Collector& collector) {
  for (const Command& command : commands) {
    if (command.visibility == Visibility::kHidden) continue;
    const auto blank = command.name.find(' ');
    collector.Offer(command.name.substr(0, blank),
                    blank == std::string_view::npos ? command.summary : "");
  }
}

// The second words of the commands whose first word is `group`.
void OfferSubcommands(std::span<const Command> commands, std::string_view group,
                      Collector& collector) {
  for (const Command& command : commands) {
    const auto blank = command.name.find(' ');
    if (blank == std::string_view::npos || command.name.substr(0, blank) != group) continue;
    collector.Offer(command.name.substr(blank + 1), command.summary);
  }
}

void OfferOptions(const std::vector<OptionSpec>& table, Collector& collector) {
  for (const OptionSpec& spec : table) {
    collector.Offer("--" + std::string(spec.name), spec.description);
  }
  collector.Offer("--help", "Explains the command.");
}

// The option that the word names ("--color", "-c"), or null.
const OptionSpec* OptionNamedBy(const std::vector<OptionSpec>& table, std::string_view word) {
  const auto names = [&](const OptionSpec& spec) {
    const bool by_letter = word.size() == 2 && word[0] == '-' && word[1] == spec.letter;
    return by_letter || (word.starts_with("--") && word.substr(2) == spec.name);
  };
  const auto found = std::ranges::find_if(table, names);
  return found == table.end() ? nullptr : &*found;
}

void OfferPositional(const Command& command, std::size_t index, std::span<const Command> commands,
                     Collector& collector) {
  if (command.positionals.empty()) return;
  const Positional& positional =
      command.positionals[std::min(index, command.positionals.size() - 1)];
  for (const std::string& choice : positional.choices) collector.Offer(choice, "");
  if (positional.suggest == Suggest::kCommands ||
      positional.suggest == Suggest::kCommandsAndTopics) {
    OfferCommands(commands, collector);
  }
  if (positional.suggest == Suggest::kCommandsAndTopics) {
    for (const Topic& topic : Topics()) collector.Offer(topic.name, topic.title);
    for (const model::ActionSchema& action : model::Catalog::BuiltIn().all())
      collector.Offer(action.code, action.title);
  }
}

// Completes what follows the command's own words.
std::vector<Candidate> CompleteFor(const Command& command, std::span<const std::string> words,
                                   std::span<const Command> commands) {
  const std::vector<OptionSpec> table = OptionTableOf(command);
  const std::string& current = words.back();
  Collector collector(current);
  if (words.size() > 1) {
    const OptionSpec* before = OptionNamedBy(table, words[words.size() - 2]);
    if (before != nullptr && before->type != OptionType::kSwitch) {
      for (const std::string_view choice : before->choices) collector.Offer(choice, "");
      return collector.Take();
    }
  }
  if (const auto equals = current.find('='); current.starts_with("--") && equals != current.npos) {
    const OptionSpec* spec = OptionNamedBy(table, std::string_view(current).substr(0, equals));
    if (spec == nullptr) return {};
    for (const std::string_view choice : spec->choices) {
      collector.Offer(current.substr(0, equals + 1) + std::string(choice), "");
    }
    return collector.Take();
  }
  if (current.starts_with("-")) {
    OfferOptions(table, collector);
    return collector.Take();
  }
  std::size_t index = 0;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    const OptionSpec* spec = OptionNamedBy(table, words[i]);
    if (spec != nullptr && spec->type != OptionType::kSwitch) {
      ++i;  // and its value
    } else if (!words[i].starts_with("-")) {
      ++index;
    }
  }
  OfferPositional(command, index, commands, collector);
  return collector.Take();
}

}  // namespace

std::vector<Candidate> Complete(std::span<const Command> commands,
                                const std::vector<std::string>& words) {
  if (words.empty()) return {};
  if (words.size() == 1) {
    Collector collector(words[0]);
    OfferCommands(commands, collector);
    return collector.Take();
  }
  const std::span<const std::string> all(words);
  if (words.size() > 2) {
    const Command* two = FindCommand(commands, words[0] + " " + words[1]);
    if (two != nullptr) return CompleteFor(*two, all.subspan(2), commands);
  }
  const Command* one = FindCommand(commands, words[0]);
  if (one != nullptr) return CompleteFor(*one, all.subspan(1), commands);
  Collector collector(words[1]);
  if (words.size() == 2) OfferSubcommands(commands, words[0], collector);
  return collector.Take();
}

std::string_view CompletionScript(Shell shell) {
  switch (shell) {
    case Shell::kBash: return kBash;
    case Shell::kZsh: return kZsh;
    case Shell::kFish: return kFish;
  }
  return "";
}

}  // namespace ronda::cli
