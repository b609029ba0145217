#include "model/documents.h"

#include <algorithm>

namespace ronda::model {
namespace {

bool IsMarker(std::string_view line, std::string_view marker) {
  return line.starts_with(marker) &&
         (line.size() == 3 || line[3] == ' ' || line[3] == '\t' || line[3] == '\r');
}

// Nothing but blanks and comments.
bool IsEmpty(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t first = line.find_first_not_of(" \t\r");
    if (first != std::string_view::npos && line[first] != '#') return false;
  }
  return true;
}

// Calls `each(line, offset)` for every line, without its end; stops when it returns false.
template <typename F>
void EachLine(std::string_view text, F&& each) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (!each(text.substr(at, end - at), at)) return;
    at = end + 1;
  }
}

// Where the first line with content begins.
std::size_t ContentOf(std::string_view text) {
  std::size_t found = text.size();
  EachLine(text, [&](std::string_view line, std::size_t at) {
    const std::size_t first = line.find_first_not_of(" \t\r");
    if (first == std::string_view::npos || line[first] == '#' || line[first] == '%') return true;
    found = at;
    return false;
  });
  return found;
}

void Add(std::vector<NamedRef>& refs, Kind kind, const Ref& ref) {
  NamedRef named{kind, ref.name, ref.version};
  if (std::ranges::find(refs, named) == refs.end()) refs.push_back(std::move(named));
}

void AddSteps(std::vector<NamedRef>& refs, const std::vector<Step>& steps) {
  for (const Step& step : steps) {
    if (step.kind == StepKind::kUse) Add(refs, Kind::kComponent, step.target);
    if (step.kind == StepKind::kScenario) Add(refs, Kind::kScenario, step.target);
    AddSteps(refs, step.steps);
  }
}

void AddMix(std::vector<NamedRef>& refs, const std::vector<MixEntry>& mix) {
  for (const MixEntry& entry : mix) Add(refs, Kind::kScenario, entry.scenario);
}

}  // namespace

std::vector<DocumentText> SplitDocuments(std::string_view text) {
  std::vector<DocumentText> documents;
  DocumentText current;
  int number = 0;
  const auto close = [&](int next) {
    if (!IsEmpty(current.text)) documents.push_back(std::move(current));
    current = {.text = {}, .line = next};
  };
  EachLine(text, [&](std::string_view line, std::size_t) {
    ++number;
    if (IsMarker(line, "...")) {
      close(number + 1);
    } else if (IsMarker(line, "---")) {
      close(number);
      // What stands behind the marker belongs to the document.
      (current.text += line.substr(3)) += '\n';
    } else {
      (current.text += line) += '\n';
    }
    return true;
  });
  close(number);
  return documents;
}

std::string WithoutVersion(std::string_view text) {
  std::string out;
  EachLine(text, [&](std::string_view line, std::size_t) {
    if (!line.starts_with("version:")) (out += line) += '\n';
    return true;
  });
  return out;
}

std::string WithVersion(std::string_view text, int version) {
  const std::size_t at = ContentOf(text);
  std::string out(text);
  const std::size_t first = out.find_first_not_of(" \t", at);
  const std::string field = "version: " + std::to_string(version);
  if (first != std::string::npos && out[first] == '{') {
    out.insert(first + 1, field + ", ");
  } else {
    out.insert(at, out.substr(at, (first == std::string::npos ? at : first) - at) + field + "\n");
  }
  return out;
}

std::vector<NamedRef> ReferencesOf(const Definition& definition) {
  std::vector<NamedRef> refs;
  if (const auto* scenario = definition.As<Scenario>()) {
    for (const FeedUse& use : scenario->feeds) {
      if (use.ref) Add(refs, Kind::kFeed, *use.ref);
    }
    for (const auto* steps : {&scenario->setup, &scenario->steps, &scenario->finally})
      AddSteps(refs, *steps);
  }
  if (const auto* component = definition.As<Component>()) AddSteps(refs, component->steps);
  if (const auto* drill = definition.As<Drill>()) {
    AddMix(refs, drill->mix);
    for (const Load& load : drill->plan.loads) AddMix(refs, load.mix);
    AddSteps(refs, drill->setup);
    AddSteps(refs, drill->finally);
  }
  if (const auto* patrol = definition.As<Patrol>()) {
    for (const PatrolScenario& each : patrol->scenarios) Add(refs, Kind::kScenario, each.scenario);
    for (const Ref& environment : patrol->environments) Add(refs, Kind::kEnvironment, environment);
  }
  if (const auto* trigger = definition.As<TriggerDefinition>()) {
    Add(refs, trigger->target_kind, trigger->target);
  }
  return refs;
}

}  // namespace ronda::model
