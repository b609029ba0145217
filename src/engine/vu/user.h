#pragma once

#include <cstdint>
#include <memory>

#include "base/core/ids.h"
#include "engine/program/program.h"
#include "engine/vu/slots.h"
#include "engine/vu/strand.h"
#include "net/codec/cookie.h"
#include "net/http_client.h"

namespace ronda::engine {

class UserThread;
struct UserAuth;  // actions/http: digest state

// Who is told when a user's iteration is over.
class IterationObserver {
 public:
  virtual ~IterationObserver() = default;
  // May call User::StartIteration of this user at once.
  virtual void OnIterationEnd(std::uint32_t user) = 0;
};

// One virtual user: its values, cookies and connections, and the strand that walks the program. A few
// hundred bytes while it thinks without a connection. Lives on one reactor thread.
class User : private net::Timer {
 public:
  // `index`: the number by which its observer knows it. `number`: unique in the run, from 1 (`user.id`).
  User(UserThread& thread, IterationObserver& observer, std::uint32_t index, std::uint64_t number);
  ~User() override;

  // Begins an iteration of that flow; the observer is told of its end, never from inside unless the
  // call itself came from OnIterationEnd's own chain. `intended_ns`: 0 in closed models.
  void StartIteration(std::uint32_t flow, std::uint64_t intended_ns);
  // The same for a list of steps outside of any flow (setup, finally).
  void StartSteps(const std::vector<StepPlan>& steps);
  // Ends the iteration now; the observer is told.
  void Interrupt();
  [[nodiscard]] bool busy() const { return busy_; }

  [[nodiscard]] UserThread& thread() { return thread_; }
  [[nodiscard]] Slots& slots() { return slots_; }
  [[nodiscard]] net::HttpSession& session() { return *session_; }
  // Takes part in another user's connections from now on; before the first iteration.
  void ShareConnections(const User& other) { session_ = other.session_; }
  [[nodiscard]] net::CookieJar& cookies() { return cookies_; }
  [[nodiscard]] std::unique_ptr<UserAuth>& auth() { return auth_; }
  [[nodiscard]] std::uint64_t number() const { return number_; }
  [[nodiscard]] std::uint64_t iteration() const { return iteration_; }
  [[nodiscard]] const base::TraceId& trace() const { return trace_; }
  [[nodiscard]] std::uint64_t root_span() const { return root_span_; }
  [[nodiscard]] bool interrupted() const { return interrupted_; }
  // False for the user of setup and finally.
  [[nodiscard]] bool under_load() const { return steps_ == nullptr; }
  [[nodiscard]] std::uint32_t failures() const { return failures_; }

  // --- for its strands ---
  void CountFailure() { ++failures_; }
  // When the iteration should have begun: until its first exchange is over, then 0.
  [[nodiscard]] std::uint64_t intended_ns() const { return intended_ns_; }
  [[nodiscard]] std::uint64_t TakeIntended() {
    const std::uint64_t ns = intended_ns_;
    intended_ns_ = 0;
    return ns;
  }
  // Its main strand came to its end by an event.
  void OnStrandDone();

  // --- for its thread ---
  // Goes on until it waits for something.
  void Pump();

 private:
  void OnTimer() override;
  void Begin();
  // A row of each feed of the flow, held until the iteration ends (or for good, of per-user feeds).
  enum class Rows : std::uint8_t { kTaken, kWait, kEnded };
  [[nodiscard]] Rows TakeRows(const FlowPlan& flow);
  void ReadRows(const FlowPlan& flow);
  void ReturnRows(const FlowPlan& flow);
  // A feed has come to its end: the iteration does not begin.
  void OnFeedEnd(const FlowPlan& flow, const FeedTable& feed);
  void End();

  UserThread& thread_;
  IterationObserver& observer_;
  const std::uint32_t index_;
  bool busy_ = false;
  bool pumping_ = false;
  bool start_requested_ = false;
  bool interrupted_ = false;
  bool began_ = false;  // the iteration counts as one
  std::uint32_t failures_ = 0;  // in this iteration
  std::uint32_t flow_ = 0;
  const std::uint64_t number_;
  std::uint64_t iteration_ = 0;  // how many have begun
  std::uint64_t intended_ns_ = 0;
  std::uint64_t requested_ns_ = 0;  // what StartIteration was given
  std::uint64_t start_ns_ = 0;
  std::uint64_t pace_ns_ = 0;  // not before: pacing
  const std::vector<StepPlan>* steps_ = nullptr;  // outside of a flow
  base::TraceId trace_;
  std::uint64_t root_span_ = 0;
  std::shared_ptr<net::HttpSession> session_ = std::make_shared<net::HttpSession>();
  net::CookieJar cookies_;
  std::unique_ptr<UserAuth> auth_;
  std::vector<std::uint32_t> rows_;  // by feed, those it holds; empty without feeds
  Slots slots_;
  Strand strand_;
};

}  // namespace ronda::engine
