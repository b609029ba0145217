#include "worker/programs.h"

#include <fmt/format.h>

#include <utility>

#include "engine/program/compiler.h"
#include "model/catalog/catalog.h"
#include "model/load.h"
#include "model/node.h"
#include "worker/evidence.h"

namespace ronda::worker {
namespace {

using wire::worker::Assign;
using wire::worker::Refused;

void AddKey(std::string_view text, std::string& key) {
  key += std::to_string(text.size());
  key += ':';
  key += text;
}

// Everything that a single iteration's program is compiled from; the run's id and mark are not. Secrets
// are in it as a digest only.
std::string KeyOf(const Assign& assign) {
  std::string key;
  AddKey(assign.snapshot().digest(), key);
  AddKey(assign.kind(), key);
  AddKey(assign.name(), key);
  key += fmt::format("{},{},{},", assign.version(), assign.traced() ? 1 : 0, assign.body_bytes());
  AddKey(assign.environment(), key);
  // The order of a protobuf map is any.
  const std::map<std::string, std::string> set(assign.set().begin(), assign.set().end());
  for (const auto& [name, value] : set) AddKey(name, key), AddKey(value, key);
  key += '/';
  std::string secrets;
  const std::map<std::string, std::string> values(assign.secrets().begin(), assign.secrets().end());
  for (const auto& [name, value] : values) AddKey(name, secrets), AddKey(value, secrets);
  return key + model::DigestOfText(secrets);
}

std::string Render(const model::Diagnostics& diagnostics) {
  return diagnostics.ToStatus().message();
}

const model::Definition* RootOf(const model::DefinitionSet& set, const Assign& assign) {
  for (const model::Kind kind : {model::Kind::kScenario, model::Kind::kDrill}) {
    if (model::NameOf(kind) == assign.kind())
      return set.Find(kind, {assign.name(), static_cast<int>(assign.version()), {}});
  }
  return nullptr;
}

engine::LoadOverride OverrideOf(const Assign& assign) {
  engine::LoadOverride load;
  load.once = assign.mode() == Assign::ONCE;
  const wire::worker::LoadOverride& said = assign.load();
  if (said.users() != 0) load.users = said.users();
  if (said.rate() != 0) load.rate = said.rate();
  if (said.duration_ns() != 0) load.duration_ns = said.duration_ns();
  if (said.iterations() != 0) load.iterations = said.iterations();
  return load;
}

// The least recently used goes.
template <typename Map>
void Trim(Map& map, std::list<std::string>& ages, std::size_t most) {
  while (map.size() > most) {
    map.erase(ages.front());
    ages.pop_front();
  }
}

}  // namespace

std::shared_ptr<Prepared> Programs::Find(const Assign& assign) {
  if (assign.mode() != Assign::ONCE) return nullptr;
  const std::string key = KeyOf(assign);
  const std::lock_guard lock(mutex_);
  const auto found = programs_.find(key);
  if (found == programs_.end()) return nullptr;
  program_ages_.splice(program_ages_.end(), program_ages_, found->second.age);
  return found->second.prepared;
}

std::shared_ptr<const model::DefinitionSet> Programs::SnapshotOf(const Assign& assign,
                                                                 PrepareError* error) {
  const wire::worker::Snapshot& sent = assign.snapshot();
  {
    const std::lock_guard lock(mutex_);
    const auto found = snapshots_.find(sent.digest());
    if (found != snapshots_.end()) {
      snapshot_ages_.splice(snapshot_ages_.end(), snapshot_ages_, found->second.age);
      return found->second.definitions;
    }
  }
  if (sent.content().empty()) {
    *error = {Refused::NEED_SNAPSHOT, "snapshot " + sent.digest() + " is not here"};
    return nullptr;
  }
  if (model::DigestOfText(sent.content()) != sent.digest()) {
    *error = {Refused::BAD_DEFINITION,
              "the snapshot's content has another digest than " + sent.digest()};
    return nullptr;
  }
  auto definitions = std::make_shared<model::DefinitionSet>();
  model::Diagnostics diagnostics;
  const auto source = std::make_shared<const model::Source>(
      model::Source{"snapshot of " + assign.name(), sent.content()});
  model::LoadDefinitions(source, model::Catalog::BuiltIn(), *definitions, diagnostics);
  if (diagnostics.has_errors()) {
    *error = {Refused::BAD_DEFINITION, Render(diagnostics)};
    return nullptr;
  }
  const std::lock_guard lock(mutex_);
  if (!snapshots_.contains(sent.digest())) {
    const auto age = snapshot_ages_.insert(snapshot_ages_.end(), sent.digest());
    snapshots_.emplace(sent.digest(), Snapshot{definitions, age});
    Trim(snapshots_, snapshot_ages_, options_.snapshots);
  }
  return definitions;
}

std::shared_ptr<Prepared> Programs::Prepare(const Assign& assign, PrepareError* error) {
  if (auto found = Find(assign)) return found;
  auto prepared = std::make_shared<Prepared>();
  prepared->definitions = SnapshotOf(assign, error);
  if (prepared->definitions == nullptr) return nullptr;
  const auto bad = [&](std::string message) {
    *error = {Refused::BAD_DEFINITION, std::move(message)};
    return nullptr;
  };
  const model::DefinitionSet& set = *prepared->definitions;
  const model::Definition* root = RootOf(set, assign);
  if (root == nullptr)
    return bad(fmt::format("the snapshot has no {} \"{}\"", assign.kind(), assign.name()));
  const auto* drill = root->As<model::Drill>();
  if (drill != nullptr && drill->isolation)
    return bad("isolation \"" + drill->isolation->profile.name +
               "\" cannot be enforced: no agent of the profile is connected");
  engine::CompileInput input;
  input.definitions = &set;
  input.root = root;
  if (!assign.environment().empty()) {
    input.environment = set.Find(model::Kind::kEnvironment, {assign.environment(), 0, {}});
    if (input.environment == nullptr)
      return bad("the snapshot has no Environment \"" + assign.environment() + "\"");
  }
  for (const auto& [name, value] : assign.set()) {
    input.set.emplace_back(name.starts_with("params.") ? name.substr(7) : name, value);
  }
  input.secrets = {assign.secrets().begin(), assign.secrets().end()};
  input.folder = options_.folder;
  input.load = OverrideOf(assign);
  if (assign.share_count() > 0) input.process = {assign.share_index(), assign.share_count()};
  input.run_id = assign.part().run_id();
  input.run_mark = assign.mark();
  input.traced = assign.traced();
  if (assign.mode() == Assign::ONCE)
    input.evidence_bytes = Evidence::LimitOf(assign) + Evidence::kMargin;
  model::Diagnostics diagnostics;
  model::CheckReferences(set, *root, diagnostics);
  if (!diagnostics.has_errors()) prepared->program = engine::CompileProgram(input, diagnostics);
  if (prepared->program == nullptr || diagnostics.has_errors()) return bad(Render(diagnostics));
  prepared->environment = base::EnvironmentNamed(assign.environment());
  if (assign.mode() == Assign::ONCE) Keep(KeyOf(assign), prepared);
  return prepared;
}

void Programs::Keep(const std::string& key, std::shared_ptr<Prepared> prepared) {
  const std::lock_guard lock(mutex_);
  if (programs_.contains(key)) return;
  const auto age = program_ages_.insert(program_ages_.end(), key);
  programs_.emplace(key, Kept{std::move(prepared), age});
  Trim(programs_, program_ages_, options_.programs);
}

}  // namespace ronda::worker
