#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/core/clock.h"
#include "base/core/ids.h"
#include "base/core/random.h"
#include "engine/extract/extractor.h"
#include "engine/load/executor.h"
#include "engine/program/program.h"
#include "engine/vu/user.h"
#include "net/http_client.h"
#include "net/reactor.h"
#include "stats/recorder.h"
#include "stats/samples.h"

namespace ronda::engine {

class MeetingPoints;
class HttpScratch;  // actions/http
class SpanSink;     // run/spans.h

// One attempt at a step with its whole exchange, for `--once -v` and for evidence. Texts have their
// secrets taken out. What it points to is borrowed for the call.
struct StepReport {
  std::string_view step;
  std::string_view action;
  std::uint64_t user = 0;
  int attempt = 1;
  enum class Verdict : std::uint8_t {
    kOk,
    kFailed,  // an error, a status, a check
    kTimedOut,
    kAgain,  // another attempt follows
  } verdict = Verdict::kOk;
  std::uint64_t duration_ns = 0;
  std::uint64_t end_wall_ns = 0;
  stats::PhaseTimes phases{};
  const net::TlsInfo* tls = nullptr;  // of the connection; null: plain, or no response
  std::string_view error;  // empty: none
  const stats::Example* exchange = nullptr;  // null: a local step
  struct Note {
    std::string text;  // "status == 200", "token = ***"
    bool ok = true;
  };
  std::vector<Note> checks;
  std::vector<Note> values;
  std::string detail;  // of failed checks: what they read
};

// Watches single steps; only where a person looks on (never under load).
class StepObserver {
 public:
  virtual ~StepObserver() = default;
  virtual void OnStep(const StepReport& report) = 0;
};

// What all threads of a run share. Thread-safe.
class RunShared {
 public:
  virtual ~RunShared() = default;
  [[nodiscard]] virtual const Program& program() const = 0;
  // Program::initial_slots, and what setup left behind.
  [[nodiscard]] virtual std::span<const model::Value> initial_slots() const = 0;
  [[nodiscard]] virtual bool TakeSharedIteration(std::uint32_t load) = 0;
  // Ends the run (a feed ended, a meeting was missed); `why` for the report. The first one counts.
  enum class EndKind : std::uint8_t { kStop, kAbort };
  virtual void RequestEnd(EndKind kind, std::string why) = 0;
  [[nodiscard]] virtual MeetingPoints& meetings() = 0;
  // A line of the action `log`, secrets masked.
  virtual void Log(std::string_view step, std::string_view level, std::string_view text) = 0;
};

// One reactor thread of a run and its users: everything that its steps need, owned by it or lent to
// it. Calls belong to the reactor's thread unless said otherwise.
class UserThread {
 public:
  struct Parts {
    RunShared* run = nullptr;
    net::Reactor* reactor = nullptr;
    net::HttpClient* client = nullptr;
    stats::Recorder* recorder = nullptr;
    StepObserver* observer = nullptr;  // may be null
    SpanSink* spans = nullptr;  // may be null
    stats::SampleChannel* samples = nullptr;  // may be null
    Share share;  // of all threads of all processes
    std::uint32_t thread = 0;  // in this process
    std::uint64_t seed = 0;
    base::Environment environment = base::Environment::kUnknown;
    // Called when all loads have come to their end here, or one has more to do after all.
    std::function<void(bool finished)> on_finished;
  };
  explicit UserThread(Parts parts);
  ~UserThread();

  // --- the run's commands ---
  void StartLoads(std::uint64_t start_ns);
  void StopStarting();
  void InterruptAll();
  void Pause(std::uint64_t at_ns);
  void Resume(std::uint64_t at_ns);
  void Scale(std::uint64_t at_ns, double factor);
  void Limit(std::uint64_t at_ns, double per_second);
  bool SetRate(std::uint64_t at_ns, double per_second);
  bool SetUsers(std::uint64_t at_ns, std::uint32_t users);
  [[nodiscard]] bool finished() const;
  [[nodiscard]] bool started() const { return !loads_.empty(); }
  // One user that runs `steps` once, and tells `done` whether a step failed and what its slots hold.
  void RunOnce(const std::vector<StepPlan>& steps,
               std::function<void(bool failed, std::span<const model::Value> slots)> done);
  // Where samples go from now on: setup and finally are kept apart from the load.
  void SetRecorder(stats::Recorder& recorder) { parts_.recorder = &recorder; }
  // Everything up to now handed to the aggregator.
  void Flush(stats::Recorder::Flush flush);

  // --- for users and actions ---
  [[nodiscard]] RunShared& run() { return *parts_.run; }
  [[nodiscard]] const Program& program() const { return program_; }
  [[nodiscard]] net::Reactor& reactor() { return *parts_.reactor; }
  [[nodiscard]] net::HttpClient& client() { return *parts_.client; }
  [[nodiscard]] stats::Recorder& recorder() { return *parts_.recorder; }
  [[nodiscard]] StepObserver* observer() { return parts_.observer; }
  [[nodiscard]] SpanSink* spans() { return parts_.spans; }
  [[nodiscard]] stats::SampleChannel* samples() { return parts_.samples; }
  [[nodiscard]] std::uint32_t thread_number() const { return parts_.thread; }
  [[nodiscard]] model::Arena& arena() { return arena_; }
  [[nodiscard]] base::Random& random() { return random_; }
  [[nodiscard]] extract::Reader& reader() { return reader_; }
  [[nodiscard]] HttpScratch& http() { return *http_; }
  [[nodiscard]] std::vector<bool>& check_results() { return check_results_; }
  [[nodiscard]] std::uint64_t wall_ns() const { return parts_.reactor->now_ns() + wall_offset_; }
  [[nodiscard]] base::TraceId NextTrace() { return traces_.Next(wall_ns() / 1'000'000); }
  // Draws a think time.
  [[nodiscard]] std::uint64_t Draw(const model::Wait& wait);
  // No iteration begins here any more; for users, in the middle of whatever runs.
  void BeginNoMore();
  // `user` has something to do as soon as the current call is over.
  void MakeReady(User& user) { ready_.push_back(&user); }

  // --- the meeting points ---
  // `strand` waits for that round; `wake_ns`: when its time is up.
  void WaitAt(std::uint32_t meet, std::uint64_t round, std::uint64_t wake_ns, Strand& strand);
  void StopWaiting(Strand& strand);
  // All that wait for that round go on at `at_ns`.
  void ReleaseAt(std::uint32_t meet, std::uint64_t round, std::uint64_t at_ns);

 private:
  class LoadHost;
  class OnceHost;
  class Tick;
  class Gathering;

  void RunReady();
  void OnLoadTime();
  void OnSecond();
  void ArmStats();
  // Runs the users that an executor has begun, and arms the timer for the next.
  void AfterExecutor();

  Parts parts_;
  const Program& program_;
  const std::uint64_t wall_offset_;
  model::Arena arena_;
  base::Random random_;
  base::TraceIdGenerator traces_;
  extract::Reader reader_;
  std::vector<bool> check_results_;
  std::unique_ptr<HttpScratch> http_;
  std::vector<User*> ready_;
  std::vector<std::unique_ptr<Gathering>> gatherings_;  // users that go take leave of them
  std::vector<std::unique_ptr<LoadHost>> loads_;
  std::unique_ptr<OnceHost> once_;
  std::unique_ptr<Tick> load_timer_;
  std::unique_ptr<Tick> stats_timer_;
  std::uint64_t start_ns_ = 0;
  bool was_finished_ = false;
  bool in_after_executor_ = false;
};

}  // namespace ronda::engine
