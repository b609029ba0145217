#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/vu/user_thread.h"
#include "stats/shape.h"
#include "wire/worker/worker.pb.h"

namespace ronda::worker {

// The text with every byte that is no UTF-8 replaced: a protobuf string is UTF-8, what came from outside
// may be anything.
[[nodiscard]] std::string Utf8(std::string_view text);

// What a single iteration shows of its steps, gathered for the Done: one result a step of the program,
// with the exchange as evidence where the policy asks for it. A step that ran several times (a loop) is
// told once: its first failure, else its last time. Lives on the thread of the iteration.
class Evidence : public engine::StepObserver {
 public:
  struct Policy {
    wire::worker::Assign::Keep keep = wire::worker::Assign::FAILURES;
    std::size_t body_bytes = 0;  // what is kept of a body
  };
  static std::size_t LimitOf(const wire::worker::Assign& assign) {
    return assign.body_bytes() == 0 ? stats::Example::kBodyLimit
                                    : static_cast<std::size_t>(assign.body_bytes());
  }
  // So much more of a body is looked at than is kept: a secret that the limit cuts in two is still found,
  // and it shows that something was cut.
  static constexpr std::size_t kMargin = 1024;

  // `shape` outlives it.
  Evidence(const stats::Shape& shape, Policy policy) : shape_(shape), policy_(policy) {}

  void OnStep(const engine::StepReport& report) override;

  // Why steps may be missing.
  enum class Ended : std::uint8_t { kByItself, kStopped };
  // Every step of the program, in its order. A group has what its steps have.
  [[nodiscard]] std::vector<wire::worker::StepResult> Take(Ended ended);

 private:
  [[nodiscard]] bool Keeps(wire::worker::StepResult::State state) const;

  const stats::Shape& shape_;
  const Policy policy_;
  std::map<std::string, wire::worker::StepResult, std::less<>> results_;  // by path
};

}  // namespace ronda::worker
