#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "model/source.h"

namespace ronda::model {

// The small values that definitions are made of.

struct Duration {
  std::int64_t ns = 0;
  bool operator==(const Duration&) const = default;
};
struct Size {
  std::uint64_t bytes = 0;
  bool operator==(const Size&) const = default;
};
struct Percent {
  double fraction = 0;
  bool operator==(const Percent&) const = default;
};
struct Rate {
  double per_second = 0;
  bool operator==(const Rate&) const = default;
};

// "3 per 1h": at most so many in any span of that length.
struct Quota {
  std::int64_t count = 0;
  Duration per;
  bool operator==(const Quota&) const = default;
};
// "2 of 3": so many of the newest.
struct Share {
  int count = 1;
  int of = 1;
  bool operator==(const Share&) const = default;
};

// A template or an expression, not compiled yet. `where` is its first character.
struct Text {
  std::string text;
  Location where;
  [[nodiscard]] bool empty() const { return text.empty(); }
};
// The place of byte `offset` of the text, where a LoadError points (model/source.h draws the caret).
[[nodiscard]] Location LocationOf(const Text& text, std::size_t offset);

// "buy-one@3"; version 0: not said.
struct Ref {
  std::string name;
  int version = 0;
  Location where;
};

enum class Kind : std::uint8_t {
  kScenario,
  kComponent,
  kFeed,
  kDrill,
  kEnvironment,
  kPatrol,
  kPlan,  // its envelope only, as those marked so
  kAction,  // envelope
  kPackage,  // envelope
  kIsolationProfile,  // envelope
  kTrafficModel,  // envelope
  kRecording,  // envelope
  kTrigger,
  kInitTask,  // envelope
};
[[nodiscard]] std::string_view NameOf(Kind kind);  // "Scenario", as `kind:` says

}  // namespace ronda::model
