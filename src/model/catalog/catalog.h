#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/field.h"

namespace ronda::model {

enum class Layer : std::uint8_t { kCommon, kProduct, kNetwork, kApp, kService, kData, kInfra };
enum class Effect : std::uint8_t { kNone, kRead, kWrite, kDestructive };
[[nodiscard]] std::string_view NameOf(Layer layer);
[[nodiscard]] std::string_view NameOf(Effect effect);

// Where an action may stand.
struct UseIn {
  bool patrol = true, drill = true, plan = true;
};

// What kinds of plan it fits.
struct Scenes {
  bool emergency = true, self_recovery = true, disaster_recovery = true;
};

// What an action says about itself: the schema that `with:` is checked against, and what checks,
// extractions and later steps can read. Data only; the code is engine/actions/<folder>.
struct ActionSchema {
  std::string code;            // "http.request"
  int version = 1;
  std::string title;
  std::string description;     // Markdown, a paragraph
  Layer layer = Layer::kCommon;
  UseIn use_in;
  Scenes scenes;
  bool visible = true;  // shown to people who choose an action
  int order = 0;        // among those of its layer; equal ones by code
  // Settings (model/settings.h) without which it cannot work: a server that lacks one hides the action
  // and says which.
  std::vector<std::string> required_settings;
  Effect effect = Effect::kNone;
  bool idempotent = false;  // running it twice is as running it once
  bool supports_dry_run = false;
  std::vector<FieldSpec> params;
  // Which parameters exclude one another; at most one of each list may be given.
  std::vector<std::vector<std::string>> exclusive;
  std::vector<FieldSpec> outputs;
  std::string example;  // YAML of one step
};

// "patrol, drill, plan"; "emergency, self-recovery, disaster-recovery": those that hold.
[[nodiscard]] std::string NamesOf(const UseIn& use_in);
[[nodiscard]] std::string NamesOf(const Scenes& scenes);

// Every action that is known. Immutable; thread-safe.
class Catalog {
 public:
  explicit Catalog(std::vector<ActionSchema> actions);
  // What comes with Ronda: one file an action in model/catalog.
  [[nodiscard]] static const Catalog& BuiltIn();

  [[nodiscard]] const ActionSchema* Find(std::string_view code) const;
  [[nodiscard]] const std::vector<ActionSchema>& all() const { return actions_; }
  [[nodiscard]] std::vector<std::string> Codes() const;

 private:
  std::vector<ActionSchema> actions_;  // by code
};

// One function a file: http_request.cc, wait.cc, assert.cc, log.cc.
[[nodiscard]] ActionSchema HttpRequestSchema();
[[nodiscard]] ActionSchema WaitSchema();
[[nodiscard]] ActionSchema AssertSchema();
[[nodiscard]] ActionSchema LogSchema();

}  // namespace ronda::model
