#include <algorithm>
#include <utility>

#include "base/core/clock.h"
#include "stats/shape_codec.h"
#include "wire/worker/part.h"
#include "worker/loop.h"

// What becomes of parts, from Assign to DoneAck.
namespace ronda::worker {
namespace {

using wire::worker::Assign;
using wire::worker::Done;
using wire::worker::FromWorker;
using wire::worker::PartId;
using wire::worker::Refused;
using wire::worker::StepResult;

// Samples that no server took: past it the load is interrupted.
constexpr std::size_t kMostSampleBytes = 256u << 20;

}  // namespace

Part* Loop::Find(const PartId& id) {
  const auto found = parts_.find(wire::worker::KeyOf(id));
  return found == parts_.end() ? nullptr : &found->second;
}

std::size_t Loop::ActiveParts() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(parts_, [](const auto& each) { return each.second.active(); }));
}

// ---- from the server

void Loop::OnAssign(const Assign& assign) {
  const PartId& id = assign.part();
  if (id.epoch() < epoch_) {
    return Refuse(
        id, Refused::STALE,
        "epoch " + std::to_string(id.epoch()) + " is over: it is " + std::to_string(epoch_));
  }
  if (Part* known = Find(id); known != nullptr) {
    known->id.set_epoch(id.epoch());
    if (known->state == Part::State::kInterrupted)
      return Refuse(id, Refused::OTHER, "this attempt was being executed when the worker died");
    return Tell(*known);
  }
  for (auto& [key, other] : parts_) {
    if (other.id.run_id() != id.run_id() || other.id.ordinal() != id.ordinal()) continue;
    if (other.id.attempt() > id.attempt())
      return Refuse(id, Refused::STALE,
                    "attempt " + std::to_string(other.id.attempt()) + " came before it");
    Interrupt(other, Done::INTERRUPTED, "a later attempt takes its place");
  }
  if (draining_) return Refuse(id, Refused::BUSY, "the worker is leaving");
  if (!lease_.Holds(reactor_->now_ns()))
    return Refuse(id, Refused::BUSY, "the worker's lease has ended");
  if (ActiveParts() >= options_.capacity)
    return Refuse(id, Refused::BUSY,
                  "it executes " + std::to_string(ActiveParts()) + " parts, which is all it can");
  const std::string key = wire::worker::KeyOf(id);
  Part& part = parts_[key];
  part.id = id;
  part.load = assign.mode() == Assign::LOAD;
  part.barrier = assign.barrier();
  if (auto prepared = programs_->Find(assign))
    return OnPrepared(key, assign, std::move(prepared), PrepareError());
  loader_->Do([this, key, assign] {
    PrepareError error;
    auto prepared = programs_->Prepare(assign, &error);
    reactor_->Post([this, key, assign, prepared = std::move(prepared), error] {
      OnPrepared(key, assign, prepared, error);
    });
  });
}

void Loop::OnPrepared(const std::string& key, const Assign& assign,
                      std::shared_ptr<Prepared> prepared, const PrepareError& error) {
  const auto found = parts_.find(key);
  if (found == parts_.end() || found->second.state != Part::State::kCompiling) return;
  Part& part = found->second;
  if (prepared == nullptr) {
    const PartId id = part.id;
    parts_.erase(found);
    return Refuse(id, error.code, error.message);
  }
  part.prepared = prepared;
  if (!part.load) {
    part.check = {.part = part.id,
                  .prepared = std::move(prepared),
                  .mark = assign.mark(),
                  .timeout_ns = assign.timeout_ns(),
                  .evidence = {.keep = assign.keep(), .body_bytes = Evidence::LimitOf(assign)}};
    return Begin(part);
  }
  stats::EncodeShape(prepared->program->shape, part.shape);
  const base::Status ready = loads_->Prepare({.part = part.id,
                                              .prepared = std::move(prepared),
                                              .share_index = assign.share_index(),
                                              .share_count = std::max(1u, assign.share_count())});
  if (!ready.ok()) {
    const PartId id = part.id;
    parts_.erase(found);
    return Refuse(id, Refused::BAD_DEFINITION, ready.message());
  }
  part.state = Part::State::kReady;
  TellAccepted(part);
  TellReady(part);
  if (!part.barrier) Begin(part);
}

void Loop::OnStartAt(const wire::worker::StartAt& start) {
  Part* part = Find(start.part());
  if (part == nullptr) return Refuse(start.part(), Refused::OTHER, "this part is not here");
  if (start.part().epoch() < part->id.epoch()) return;
  if (part->state != Part::State::kReady) return Tell(*part);
  if (start.wall_ns() != 0 && clock_.known()) part->start_ns = clock_.MonotonicOf(start.wall_ns());
  Begin(*part);
}

void Loop::OnStop(const wire::worker::Stop& stop) {
  Part* part = Find(stop.part());
  if (part == nullptr) return Refuse(stop.part(), Refused::OTHER, "this part is not here");
  if (stop.part().epoch() < part->id.epoch()) return;
  if (!part->active()) return Tell(*part);
  if (stop.how() == wire::worker::Stop::INTERRUPT)
    return Interrupt(*part, Done::INTERRUPTED, stop.reason());
  if (part->state != Part::State::kRunning)
    return FinishUnexecuted(*part, Done::STOPPED, stop.reason());
  // A single iteration that is under way may come to its end.
  if (part->load) loads_->Stop(part->id, Loads::How::kDrain, Done::STOPPED, stop.reason());
}

void Loop::OnCommand(const wire::worker::Command& command) {
  loads_->Command(command.part(), command.text(), [this, id = command.id()](std::string text) {
    reactor_->Post([this, id, text = std::move(text)] {
      FromWorker message;
      message.mutable_command_result()->set_command_id(id);
      message.mutable_command_result()->set_text(Utf8(text));
      Send(std::move(message));
    });
  });
}

void Loop::OnSamplesAck(const wire::worker::SamplesAck& ack) {
  Part* part = Find(ack.part());
  if (part == nullptr) return;
  while (!part->samples.empty() && part->samples.front().sequence() <= ack.sequence()) {
    part->sample_bytes -= part->samples.front().interval().size();
    part->samples.pop_front();
  }
}

void Loop::Forget(const PartId& id) {
  const auto found = parts_.find(wire::worker::KeyOf(id));
  if (found == parts_.end() || found->second.active()) return;
  if (const base::Status done = journal_->Forget(id); !done.ok())
    log_.Warning("the journal cannot be written: " + done.message());
  parts_.erase(found);
  LookWhetherDrained();
}

// ---- executing

void Loop::Begin(Part& part) {
  part.state = Part::State::kBeginning;
  beginning_.push_back(wire::worker::KeyOf(part.id));
  reactor_->Defer(*this);
}

void Loop::OnDeferred() {
  std::vector<Part*> parts;
  std::vector<PartId> ids;
  for (const std::string& key : std::exchange(beginning_, {})) {
    const auto found = parts_.find(key);
    if (found == parts_.end() || found->second.state != Part::State::kBeginning) continue;
    parts.push_back(&found->second);
    ids.push_back(found->second.id);
  }
  if (parts.empty()) return;
  const base::Status begun = journal_->Begin(ids);
  if (begun.ok()) {
    for (Part* part : parts) Launch(*part);
    return;
  }
  log_.Error("the journal cannot be written: " + begun.message());
  for (const PartId& id : ids) {
    loads_->Forget(id);
    parts_.erase(wire::worker::KeyOf(id));
    Refuse(id, Refused::OTHER, "the worker's journal cannot be written: " + begun.message());
  }
}

void Loop::Launch(Part& part) {
  part.state = Part::State::kRunning;
  const std::uint64_t at = std::max(part.start_ns, reactor_->Fresh());
  part.start_wall_ns = clock_.WallOf(at);
  if (!part.load) TellAccepted(part);
  TellStarted(part);
  if (part.load) {
    loads_->Start(part.id, part.start_ns);
  } else {
    checks_->Start(std::move(part.check));
  }
}

void Loop::Interrupt(Part& part, Done::Outcome outcome, const std::string& reason) {
  if (!part.active()) return;
  if (part.state != Part::State::kRunning) return FinishUnexecuted(part, outcome, reason);
  if (part.load) {
    loads_->Stop(part.id, Loads::How::kInterrupt, outcome, reason);
  } else {
    checks_->Stop(part.id, outcome, reason);
  }
}

std::size_t Loop::InterruptAll(Done::Outcome outcome, const std::string& reason) {
  std::size_t parts = 0;
  for (auto& [key, part] : parts_) {
    parts += part.active() ? 1 : 0;
    Interrupt(part, outcome, reason);
  }
  return parts;
}

void Loop::FinishUnexecuted(Part& part, Done::Outcome outcome, const std::string& reason) {
  Done done;
  *done.mutable_part() = part.id;
  done.set_outcome(outcome);
  done.set_reason(Utf8(reason));
  done.set_start_wall_ns(base::RealClock().WallNs());
  done.set_end_wall_ns(done.start_wall_ns());
  Finish(std::move(done));
}

void Loop::Finish(Done done) {
  Part* part = Find(done.part());
  if (part == nullptr || !part->active()) return;
  if (part->load) loads_->Forget(part->id);
  part->state = Part::State::kFinished;
  *done.mutable_part() = part->id;
  done.set_last_sequence(part->last_sequence);
  // By the server's clock, as everything that it compares.
  if (clock_.known()) {
    const std::uint64_t now = clock_.WallOf(reactor_->Fresh());
    const std::uint64_t shift = now - base::RealClock().WallNs();
    done.set_start_wall_ns(done.start_wall_ns() + shift);
    done.set_end_wall_ns(done.end_wall_ns() + shift);
    for (StepResult& step : *done.mutable_steps()) {
      if (step.start_wall_ns() != 0) step.set_start_wall_ns(step.start_wall_ns() + shift);
    }
  }
  part->prepared.reset();
  part->check = {};
  part->done = std::move(done);
  if (const base::Status kept = journal_->Finish(part->done); !kept.ok())
    log_.Warning("the journal cannot be written: " + kept.message());
  TellDone(*part);
  LookWhetherDrained();
}

// ---- what executions say

void Loop::OnDone(Done done) {
  reactor_->Post(
      [this, done = std::make_shared<Done>(std::move(done))] { Finish(std::move(*done)); });
}

void Loop::OnInterval(const PartId& id, std::uint32_t source, std::string interval) {
  reactor_->Post([this, id, source, interval = std::move(interval)] {
    Part* part = Find(id);
    if (part == nullptr) return;
    wire::worker::Samples samples;
    *samples.mutable_part() = part->id;
    samples.set_sequence(++part->last_sequence);
    samples.set_interval(interval);
    samples.set_source(source);
    part->sample_bytes += interval.size();
    part->samples.push_back(samples);
    FromWorker message;
    *message.mutable_samples() = std::move(samples);
    Send(std::move(message));
    if (part->sample_bytes > kMostSampleBytes)
      Interrupt(*part, Done::ERROR, "the server does not take its samples");
  });
}

void Loop::OnLog(const PartId& id, std::string_view level, std::string_view text) {
  reactor_->Post([this, id, level = std::string(level), text = std::string(text)] {
    FromWorker message;
    *message.mutable_log()->mutable_part() = id;
    message.mutable_log()->set_level(level);
    message.mutable_log()->set_text(Utf8(text));
    Send(std::move(message));
  });
}

// ---- to the server

void Loop::Refuse(const PartId& id, Refused::Code code, std::string message) {
  FromWorker out;
  *out.mutable_refused()->mutable_part() = id;
  out.mutable_refused()->set_code(code);
  out.mutable_refused()->set_message(Utf8(message));
  Send(std::move(out));
}

void Loop::Tell(const Part& part) {
  switch (part.state) {
    case Part::State::kCompiling:
    case Part::State::kBeginning:
    case Part::State::kInterrupted: return;
    case Part::State::kReady:
      TellAccepted(part);
      TellReady(part);
      return;
    case Part::State::kRunning:
      TellAccepted(part);
      if (part.load) TellReady(part);
      TellStarted(part);
      break;
    case Part::State::kFinished: break;
  }
  for (const wire::worker::Samples& samples : part.samples) {
    FromWorker message;
    *message.mutable_samples() = samples;
    Send(std::move(message));
  }
  if (part.state == Part::State::kFinished) TellDone(part);
}

void Loop::TellAccepted(const Part& part) {
  FromWorker message;
  *message.mutable_accepted()->mutable_part() = part.id;
  Send(std::move(message));
}

void Loop::TellReady(const Part& part) {
  FromWorker message;
  *message.mutable_ready()->mutable_part() = part.id;
  message.mutable_ready()->set_shape(part.shape);
  Send(std::move(message));
}

void Loop::TellStarted(const Part& part) {
  FromWorker message;
  *message.mutable_started()->mutable_part() = part.id;
  message.mutable_started()->set_wall_ns(part.start_wall_ns);
  Send(std::move(message));
}

void Loop::TellDone(const Part& part) {
  FromWorker message;
  *message.mutable_done() = part.done;
  *message.mutable_done()->mutable_part() = part.id;
  Send(std::move(message));
}

}  // namespace ronda::worker
