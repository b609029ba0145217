#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace ronda::control {

// The states of a run; what may follow which is MayFollow. Final ones are never left.
//
//   created -> preflight -> gated -> queued -> running <-> paused | halted -> stopping -> finalizing
//           -> succeeded | failed | aborted | abandoned | timed-out | expired
//
// `halted`: what happened cannot be proved, or a step failed with work done; a person decides: resume,
// undo or abandon.
enum class RunState : std::uint8_t {
  kCreated,
  kPreflight,
  kGated,
  kQueued,
  kRunning,
  kPaused,
  kHalted,
  kStopping,
  kFinalizing,
  kSucceeded,
  kFailed,
  kAborted,
  kAbandoned,
  kTimedOut,
  kExpired,
};
inline constexpr int kRunStates = 15;

enum class NodeState : std::uint8_t {
  kPending,
  kSkipped,
  kGated,
  kRunning,
  kPolling,
  kSucceeded,
  kFailed,
  kTimedOut,
  kCancelled,
  kUncertain,  // was running when whoever executed it was lost: not known whether it happened
  kUndoing,
  kUndone,
  kUndoFailed,
};
inline constexpr int kNodeStates = 13;

// Of a worker's part of a run.
enum class PartState : std::uint8_t {
  kSent,  // journaled and handed to the worker, which has not said anything yet
  kReady,  // compiled; waits for the common start
  kRunning,
  kDone,
  kRefused,  // the worker did not begin it
  kLost,  // the worker's lease ended with it: not known how far it came
};
inline constexpr int kPartStates = 6;

// "running", "timed-out": as they are kept and shown.
[[nodiscard]] std::string_view NameOf(RunState state);
[[nodiscard]] std::string_view NameOf(NodeState state);
[[nodiscard]] std::string_view NameOf(PartState state);
[[nodiscard]] std::optional<RunState> RunStateOf(std::string_view name);
[[nodiscard]] std::optional<NodeState> NodeStateOf(std::string_view name);
[[nodiscard]] std::optional<PartState> PartStateOf(std::string_view name);

[[nodiscard]] bool IsFinal(RunState state);
[[nodiscard]] bool IsFinal(NodeState state);
[[nodiscard]] bool IsFinal(PartState state);
[[nodiscard]] bool MayFollow(RunState from, RunState to);
[[nodiscard]] bool MayFollow(NodeState from, NodeState to);

}  // namespace ronda::control
