#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ronda::stats {

// Dense numbers, given by whoever compiles the run: indexes into Shape's lists.
using StepId = std::uint32_t;
using CheckId = std::uint32_t;
using ScenarioId = std::uint32_t;
using ErrorId = std::uint16_t;  // 0: no error; else Shape::errors[id]

enum class StepKind : std::uint8_t {
  kExchange,  // talks to the network: has requests, latency, phases
  kLocal,     // wait, assert, log, group: has a duration only
};

struct StepInfo {
  std::string id;        // the path within its scenario: "login", "browse.item"
  ScenarioId scenario = 0;
  std::string action;    // "http.request"
  StepKind kind = StepKind::kExchange;
};

struct CheckInfo {
  std::string name;      // the check's text or its given name
  StepId step = 0;
};

struct ScenarioInfo {
  std::string name;
  std::string executor;  // "constant-arrival-rate"; empty for a single iteration
};

// What a run measures: the names behind the numbers. Made once when the run is compiled; const and
// shared by all threads from then on.
struct Shape {
  std::vector<ScenarioInfo> scenarios;
  std::vector<StepInfo> steps;
  std::vector<CheckInfo> checks;
  std::vector<std::string> errors = {""};  // names of error kinds, "connect-refused"; [0] is none
};

}  // namespace ronda::stats
