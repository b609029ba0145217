#include "worker/loads.h"

#include <optional>
#include <utility>

#include "base/json_writer.h"
#include "model/source.h"
#include "stats/interval_codec.h"
#include "wire/worker/part.h"
#include "worker/evidence.h"

namespace ronda::worker {
namespace {

using wire::worker::Done;

// What a part's intervals do not tell (docs/formats/worker-protocol.md, "Result of a load").
std::string ResultOf(const engine::RunResult& result) {
  base::JsonWriter json;
  json.Object()
      .Field("end", NameOf(result.end))
      .Field("reason", Utf8(result.reason))
      .Field("passed", result.passed)
      .Field("verdict", Utf8(result.verdict))
      .Field("duration_ns", result.duration_ns)
      .Field("threads", result.threads)
      .Key("warnings")
      .List();
  for (const std::string& warning : result.warnings) json.Text(Utf8(warning));
  json.EndList().EndObject();
  return std::move(json.out);
}

}  // namespace

// One load, from Prepare until Forget.
struct Loads::Running {
  Load load;
  std::unique_ptr<engine::LoadRun> run;
  bool begun = false;
  // How it was told to end; set by Stop, read by its thread once it is over.
  std::mutex mutex;
  std::optional<Done::Outcome> stopped;
  std::string reason;
  std::thread thread;
};

Loads::Loads(LoadEvents& events) : events_(events) {}

Loads::~Loads() {
  for (const auto& [key, running] : running_) {
    if (!running->thread.joinable()) continue;
    running->run->Interrupt();
    running->run->Interrupt();
    running->thread.join();
  }
}

Loads::Running* Loads::Find(const wire::worker::PartId& part) {
  const auto found = running_.find(wire::worker::KeyOf(part));
  return found == running_.end() ? nullptr : found->second.get();
}

base::Status Loads::Prepare(Load load) {
  auto running = std::make_unique<Running>();
  running->load = std::move(load);
  Running* it = running.get();
  engine::RunOptions options;
  options.process = {it->load.share_index, std::max(1u, it->load.share_count)};
  options.environment = it->load.prepared->environment;
  options.on_interval = [this, it](std::size_t recorder, const stats::Interval& interval) {
    std::string bytes;
    stats::EncodeInterval(interval, bytes);
    events_.OnInterval(it->load.part, static_cast<std::uint32_t>(recorder), std::move(bytes));
  };
  options.on_log = [this, it](std::string_view level, std::string_view text) {
    events_.OnLog(it->load.part, level, text);
  };
  model::Diagnostics diagnostics;
  auto run = engine::LoadRun::Create(*it->load.prepared->program, std::move(options), diagnostics);
  if (diagnostics.has_errors()) return diagnostics.ToStatus();
  if (!run.ok()) return run.status();
  it->run = *std::move(run);
  running_[wire::worker::KeyOf(it->load.part)] = std::move(running);
  return base::Ok();
}

void Loads::Start(const wire::worker::PartId& part, std::uint64_t start_ns) {
  Running* running = Find(part);
  if (running == nullptr || running->begun) return;
  running->begun = true;
  running->run->SetStart(start_ns);
  running->thread = std::thread([this, running] { Execute(*running); });
}

void Loads::Execute(Running& running) {
  const engine::RunResult result = running.run->Execute();
  Done done;
  *done.mutable_part() = running.load.part;
  done.set_start_wall_ns(result.start_wall_ns);
  done.set_end_wall_ns(result.start_wall_ns + result.duration_ns);
  const bool told =
      result.end == engine::RunEnd::kInterrupted ||
      (result.end == engine::RunEnd::kAborted && result.reason == "interrupted twice");
  {
    const std::lock_guard lock(running.mutex);
    const bool stopped = running.stopped.has_value() && told;
    done.set_outcome(stopped ? *running.stopped : result.passed ? Done::PASSED : Done::FAILED);
    done.set_reason(Utf8(stopped                  ? running.reason
                         : !result.reason.empty() ? result.reason
                                                  : result.verdict));
  }
  done.set_result(ResultOf(result));
  events_.OnDone(std::move(done));
}

bool Loads::Stop(const wire::worker::PartId& part, How how, Done::Outcome outcome,
                 const std::string& reason) {
  Running* running = Find(part);
  if (running == nullptr) return false;
  if (!running->begun) {
    Forget(part);
    return false;
  }
  {
    const std::lock_guard lock(running->mutex);
    // To interrupt is the stronger word.
    if (!running->stopped || how == How::kInterrupt) {
      running->stopped = outcome;
      running->reason = reason;
    }
  }
  running->run->Interrupt();
  if (how == How::kInterrupt) running->run->Interrupt();
  return true;
}

void Loads::Command(const wire::worker::PartId& part, std::string text,
                    std::function<void(std::string)> answer) {
  Running* running = Find(part);
  if (running == nullptr) return answer(R"({"ok":false,"error":"this part does not run here"})");
  running->run->Command(std::move(text), std::move(answer));
}

void Loads::Forget(const wire::worker::PartId& part) {
  const auto found = running_.find(wire::worker::KeyOf(part));
  if (found == running_.end()) return;
  if (found->second->thread.joinable()) found->second->thread.join();
  running_.erase(found);
}

}  // namespace ronda::worker
