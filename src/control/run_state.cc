#include "control/run_state.h"

#include <array>
#include <initializer_list>

namespace ronda::control {
namespace {

constexpr std::array<std::string_view, kRunStates> kRunNames = {
    "created",    "preflight", "gated",  "queued",  "running",   "paused",    "halted", "stopping",
    "finalizing", "succeeded", "failed", "aborted", "abandoned", "timed-out", "expired"};
constexpr std::array<std::string_view, kNodeStates> kNodeNames = {
    "pending",   "skipped",   "gated",     "running", "polling", "succeeded",  "failed",
    "timed-out", "cancelled", "uncertain", "undoing", "undone",  "undo-failed"};
constexpr std::array<std::string_view, kPartStates> kPartNames = {"sent", "ready",   "running",
                                                                  "done", "refused", "lost"};

template <typename State, std::size_t N>
std::optional<State> Find(const std::array<std::string_view, N>& names, std::string_view name) {
  for (std::size_t i = 0; i < N; ++i) {
    if (names[i] == name) return static_cast<State>(i);
  }
  return std::nullopt;
}

// A set of states, a bit each.
template <typename State>
constexpr std::uint32_t Set(std::initializer_list<State> states) {
  std::uint32_t set = 0;
  for (const State state : states) set |= 1u << static_cast<int>(state);
  return set;
}

std::uint32_t After(RunState from) {
  using enum RunState;
  // A run that has not begun can be given up, refused or run out of time at any point.
  constexpr std::uint32_t kNotBegun = Set({kFailed, kAborted, kExpired});
  switch (from) {
    case kCreated: return Set({kPreflight}) | kNotBegun;
    case kPreflight: return Set({kGated, kQueued}) | kNotBegun;
    case kGated: return Set({kQueued}) | kNotBegun;
    case kQueued: return Set({kRunning, kGated}) | kNotBegun;
    // Back to the queue: the next attempt of a part waits for a worker.
    case kRunning: return Set({kPaused, kHalted, kStopping, kFinalizing, kQueued});
    case kPaused: return Set({kRunning, kHalted, kStopping, kFinalizing});
    case kHalted: return Set({kRunning, kFinalizing, kAbandoned});
    case kStopping: return Set({kFinalizing, kHalted});
    case kFinalizing: return Set({kSucceeded, kFailed, kAborted, kTimedOut, kHalted});
    default: return 0;
  }
}

std::uint32_t After(NodeState from) {
  using enum NodeState;
  switch (from) {
    case kPending: return Set({kSkipped, kGated, kRunning, kCancelled});
    case kGated: return Set({kRunning, kSkipped, kCancelled, kTimedOut});
    case kRunning:
      return Set({kPolling, kSucceeded, kFailed, kTimedOut, kCancelled, kUncertain, kSkipped});
    case kPolling: return Set({kSucceeded, kFailed, kTimedOut, kCancelled, kUncertain});
    case kUncertain: return Set({kSucceeded, kFailed, kRunning, kUndoing});
    case kSucceeded:
    case kFailed:
    case kTimedOut: return Set({kUndoing, kRunning});  // kRunning: a further attempt
    case kUndoing: return Set({kUndone, kUndoFailed, kUncertain});
    default: return 0;
  }
}

}  // namespace

std::string_view NameOf(RunState state) { return kRunNames[static_cast<std::size_t>(state)]; }
std::string_view NameOf(NodeState state) { return kNodeNames[static_cast<std::size_t>(state)]; }
std::string_view NameOf(PartState state) { return kPartNames[static_cast<std::size_t>(state)]; }

std::optional<RunState> RunStateOf(std::string_view name) {
  return Find<RunState>(kRunNames, name);
}
std::optional<NodeState> NodeStateOf(std::string_view name) {
  return Find<NodeState>(kNodeNames, name);
}
std::optional<PartState> PartStateOf(std::string_view name) {
  return Find<PartState>(kPartNames, name);
}

bool IsFinal(RunState state) { return state >= RunState::kSucceeded; }

bool IsFinal(NodeState state) {
  switch (state) {
    case NodeState::kSkipped:
    case NodeState::kSucceeded:
    case NodeState::kFailed:
    case NodeState::kTimedOut:
    case NodeState::kCancelled:
    case NodeState::kUndone:
    case NodeState::kUndoFailed: return true;
    default: return false;
  }
}

bool IsFinal(PartState state) { return state >= PartState::kDone; }

bool MayFollow(RunState from, RunState to) {
  return (After(from) >> static_cast<int>(to) & 1) != 0;
}
bool MayFollow(NodeState from, NodeState to) {
  return (After(from) >> static_cast<int>(to) & 1) != 0;
}

}  // namespace ronda::control
