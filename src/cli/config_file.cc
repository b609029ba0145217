#include "cli/config_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/file.h"
#include "cli/command_line.h"
#include "model/node.h"

namespace ronda::cli {
namespace {

using model::Diagnostics;
using model::Node;

std::string PlaceOf(const Node& node) {
  return fmt::format("{}:{}:{}", node.where.source->name, node.where.line, node.where.column);
}

std::string HintFor(std::string_view name, const std::vector<std::string>& known) {
  const std::string nearest = model::Nearest(name, known);
  return nearest.empty() ? "" : fmt::format("did you mean \"{}\"?", nearest);
}

bool ReadableFromFile(const base::OptionSpec& spec) {
  return spec.scope == base::OptionScope::kEverywhere && spec.name != "config";
}

// The option names of some commands that a file may set.
std::vector<std::string> NamesOf(std::span<const Command> commands) {
  std::vector<std::string> names;
  for (const Command& command : commands) {
    for (const base::OptionSpec& spec : OptionTableOf(command)) {
      if (ReadableFromFile(spec)) names.emplace_back(spec.name);
    }
  }
  return names;
}

// One call of ApplyConfig.
class Applier {
 public:
  Applier(const Command& command, std::span<const Command> commands, base::Options& options,
          Diagnostics& diagnostics)
      : command_(command), commands_(commands), options_(options), diagnostics_(diagnostics) {}

  void Apply(const Node& root) {
    if (root.kind != Node::Kind::kMap) {
      return diagnostics_.Error(root.where, "a configuration is a map from options to values");
    }
    const std::vector<std::string> known = NamesOf(commands_);
    // General values first: those of the command's own section replace them.
    for (const auto& [key, value] : root.members) {
      if (FindCommand(commands_, key.scalar) == nullptr) SetOne(key, value, known);
    }
    for (const auto& [key, value] : root.members) {
      const Command* section = FindCommand(commands_, key.scalar);
      if (section != nullptr) ApplySection(*section, value);
    }
  }

 private:
  void ApplySection(const Command& section, const Node& node) {
    if (node.kind != Node::Kind::kMap) {
      return diagnostics_.Error(node.where,
                                fmt::format("{} is a command: a map of its options", section.name));
    }
    const std::vector<std::string> known = NamesOf({&section, 1});
    for (const auto& [key, value] : node.members) {
      if (section.name == command_.name) {
        SetOne(key, value, known);
      } else if (std::ranges::find(known, key.scalar) == known.end()) {
        ReportUnknown(key, known);
      }
    }
  }

  void ReportUnknown(const Node& key, std::vector<std::string> known) {
    for (const Command& command : commands_) known.emplace_back(command.name);
    diagnostics_.Error(key.where, fmt::format("there is no option \"{}\"", key.scalar),
                       HintFor(key.scalar, known), static_cast<int>(key.scalar.size()));
  }

  void SetOne(const Node& key, const Node& value, const std::vector<std::string>& known) {
    if (std::ranges::find(known, key.scalar) == known.end()) return ReportUnknown(key, known);
    const base::OptionSpec* spec = options_.Find(key.scalar);
    if (spec == nullptr) return;  // another command's
    if (spec->type == base::OptionType::kList && value.kind == Node::Kind::kList) {
      for (const Node& item : value.items) SetText(*spec, item);
      return;
    }
    SetText(*spec, value);
  }

  void SetText(const base::OptionSpec& spec, const Node& value) {
    if (value.kind != Node::Kind::kScalar) {
      return diagnostics_.Error(
          value.where, fmt::format("{} takes one value, a {}", spec.name, base::NameOf(spec.type)));
    }
    const base::Status status =
        options_.Set(spec.name, value.scalar, {base::OptionSource::kFile, PlaceOf(value)});
    if (status.ok()) return;
    std::string_view message = status.message();
    const std::string place = PlaceOf(value) + ": ";
    if (message.starts_with(place)) message.remove_prefix(place.size());
    diagnostics_.Error(value.where, std::string(message), "",
                       std::max<int>(1, static_cast<int>(value.scalar.size())));
  }

  const Command& command_;
  std::span<const Command> commands_;
  base::Options& options_;
  Diagnostics& diagnostics_;
};

// InvalidArgument when it cannot be read; `asked_by` says what named it.
base::Result<std::shared_ptr<const model::Source>> ReadFile(const std::string& path,
                                                            std::string_view asked_by) {
  auto text = base::ReadFile(path, model::kMaxSourceBytes + 1);
  if (!text.ok()) {
    return base::InvalidArgument(
        fmt::format("the configuration of {}: {}", asked_by, text.status().message()));
  }
  return std::make_shared<const model::Source>(model::Source{path, *std::move(text)});
}

}  // namespace

std::string DefaultConfigPath(const std::function<const char*(const char*)>& getenv) {
  const char* config = getenv("XDG_CONFIG_HOME");
  if (config != nullptr && *config != '\0') return fmt::format("{}/ronda/config.yaml", config);
  const char* home = getenv("HOME");
  if (home == nullptr || *home == '\0') return "";
  return fmt::format("{}/.config/ronda/config.yaml", home);
}

base::Status ApplyConfig(std::shared_ptr<const model::Source> source, const Command& command,
                         std::span<const Command> commands, base::Options& options) {
  Diagnostics diagnostics;
  const std::vector<Node> documents = model::ParseYaml(source, diagnostics);
  if (documents.size() > 1) {
    diagnostics.Error(documents[1].where, "a configuration is one YAML document");
  } else if (documents.size() == 1) {
    Applier(command, commands, options, diagnostics).Apply(documents.front());
  }
  return diagnostics.ToStatus();
}

base::Status ReadSources(const Command& command, std::span<const Command> commands,
                         const std::function<const char*(const char*)>& getenv,
                         base::Options& options) {
  RETURN_IF_ERROR(options.ReadEnvironment(getenv));
  if (options.Has("config")) {
    const std::string& path = options.String("config");
    ASSIGN_OR_RETURN(auto source, ReadFile(path, options.OriginOf("config").place));
    return ApplyConfig(std::move(source), command, commands, options);
  }
  const std::string path = DefaultConfigPath(getenv);
  if (path.empty() || access(path.c_str(), F_OK) != 0) return base::Ok();
  ASSIGN_OR_RETURN(auto source, ReadFile(path, "the default path"));
  return ApplyConfig(std::move(source), command, commands, options);
}

}  // namespace ronda::cli
