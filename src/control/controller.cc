#include "control/controller.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/json_writer.h"
#include "store/definitions.h"
#include "store/patrols.h"
#include "store/triggers.h"

namespace ronda::control {
namespace {

constexpr char kRole[] = "control";
constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kNever = ~std::uint64_t{0};
constexpr std::uint64_t kTryEveryNs = kSecond / 2;
constexpr std::uint64_t kCleanEveryNs = 60 * kSecond;
// Events that another server took in are looked for so often.
constexpr std::uint64_t kEventsEveryNs = kSecond;
constexpr std::int64_t kClockJumpNs = 2'000'000'000;
constexpr std::int64_t kCleanBatch = 500;
// How long what is counted is kept: minutes, hours, days.
constexpr std::pair<std::int64_t, std::int64_t> kKeepRollups[] = {
    {60, 2ll * 86'400}, {3600, 40ll * 86'400}, {86'400, 800ll * 86'400}};

std::string LabelsJson(const std::map<std::string, std::string>& labels) {
  base::JsonWriter json;
  json.Object();
  for (const auto& [key, value] : labels) json.Field(key, value);
  json.EndObject();
  return std::move(json.out);
}

}  // namespace

Controller::Controller(Options options, Parts parts)
    : options_(std::move(options)), parts_(std::move(parts)) {
  journal_ = std::make_unique<Journal>(*parts_.database);
  fleet_ = std::make_unique<Fleet>();
  paths_ = std::make_unique<PathBook>(*journal_, *parts_.events, *parts_.clock);
  runs_ = std::make_unique<RunBook>(
      RunBook::Parts{.journal = journal_.get(),
                     .fleet = fleet_.get(),
                     .port = nullptr,
                     .events = parts_.events,
                     .clock = parts_.clock,
                     .on_end = [this](const ActiveRun& run) { OnRunEnd(run); }});
  planner_ = std::make_unique<Planner>(*journal_, *runs_, *parts_.clock, *parts_.log);
}

Controller::~Controller() { Stop(); }

void Controller::Start() {
  runs_->set_port(port_);
  clock_difference_ns_ =
      static_cast<std::int64_t>(parts_.clock->WallNs() - parts_.clock->MonotonicNs());
  thread_ = std::thread([this] { Run(); });
  loader_ = std::thread([this] { RunLoader(); });
}

void Controller::Stop() {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
  }
  wake_.notify_all();
  wake_loader_.notify_all();
  if (loader_.joinable()) loader_.join();
  if (thread_.joinable()) thread_.join();
}

Controller::Standing Controller::standing() const {
  const std::lock_guard lock(mutex_);
  return standing_;
}

void Controller::Post(std::function<void()> message) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    queue_.push_back(std::move(message));
  }
  wake_.notify_one();
}

base::Status Controller::NotLeading() const {
  const std::lock_guard lock(mutex_);
  return base::Unavailable(standing_.leader_address.empty()
                               ? "no server leads at the moment; ask again"
                               : "the server at " + standing_.leader_address + " leads; ask there");
}

// ---- the control thread

void Controller::Run() {
  std::uint64_t due = 0;
  for (;;) {
    std::deque<std::function<void()>> messages;
    {
      std::unique_lock lock(mutex_);
      const std::uint64_t now = parts_.clock->MonotonicNs();
      if (queue_.empty() && !stopping_ && due > now) {
        wake_.wait_for(lock, std::chrono::nanoseconds(std::min(due - now, kSecond)));
      }
      messages.swap(queue_);
      if (stopping_ && messages.empty()) break;
    }
    for (const auto& message : messages) message();
    messages.clear();
    due = TurnOnce();
  }
  if (!leading_) return;
  Commit();
  const base::Status left = parts_.database->Write(
      [&](store::Transaction& t) { return store::LeaveLead(t, kRole, epoch_); });
  if (!left.ok()) parts_.log->Warning("the lead was not given back: " + left.message());
  leading_ = false;
}

std::uint64_t Controller::TurnOnce() {
  const std::uint64_t now = parts_.clock->MonotonicNs();
  {
    const std::lock_guard lock(mutex_);
    ++standing_.turns;
  }
  if (!leading_) {
    if (now >= next_try_ns_) TryLead();
    if (!leading_) return next_try_ns_;
  }
  const auto difference = static_cast<std::int64_t>(parts_.clock->WallNs() - now);
  if (std::abs(difference - clock_difference_ns_) > kClockJumpNs) {
    parts_.log->Warning("the machine's clock was set: triggers are counted from now");
    planner_->OnClockSet();
  }
  clock_difference_ns_ = difference;
  for (FleetWorker* worker : fleet_->Expired(now)) {
    parts_.log->Warning("worker " + worker->id + ": its lease is over");
    runs_->OnLeaseEnd(*worker);
  }
  if (now >= next_events_ns_) HandleEvents();
  planner_->Tick();
  runs_->Tick();
  if (now >= next_clean_ns_) CleanUp();
  // What was decided, or only the lead that has to be kept.
  if (!journal_->empty() || now - lead_kept_ns_ > options_.lead_ns / 4) Commit();
  if (!leading_) return 0;
  std::uint64_t next = std::min(runs_->NextDue(), fleet_->NextExpiry());
  const std::uint64_t wall = planner_->NextDueWall(), now_wall = parts_.clock->WallNs();
  if (wall != kNever) next = std::min(next, now + (wall > now_wall ? wall - now_wall : 0));
  if (!journal_->empty()) next = std::min(next, now + kSecond / 5);
  return std::min({next, lead_kept_ns_ + options_.lead_ns / 4, next_events_ns_, next_clean_ns_});
}

void Controller::TryLead() {
  const std::uint64_t now = parts_.clock->MonotonicNs();
  next_try_ns_ = now + kTryEveryNs;
  const auto wall = static_cast<std::int64_t>(parts_.clock->WallNs());
  std::optional<store::LeaderRow> taken, leader;
  const base::Status status = parts_.database->Write([&](store::Transaction& t) -> base::Status {
    ASSIGN_OR_RETURN(taken, store::TakeLead(t, kRole, options_.server_id, options_.address, wall,
                                            wall + static_cast<std::int64_t>(options_.lead_ns)));
    if (taken) return base::Ok();
    ASSIGN_OR_RETURN(leader, store::FindLeader(t, kRole));
    return base::Ok();
  });
  const auto say = [&](std::string address, std::string trouble) {
    const std::lock_guard lock(mutex_);
    standing_.leading = leading_;
    standing_.leader_address = std::move(address);
    standing_.trouble = std::move(trouble);
  };
  if (!status.ok()) return say("", status.message());
  if (!taken) return say(leader ? leader->address : "", "");
  epoch_ = taken->epoch;
  journal_->SetLead(kRole, epoch_);
  runs_->set_epoch(static_cast<std::uint64_t>(epoch_));
  *fleet_ = {};
  for (const base::Status& loaded : {runs_->Load(*parts_.database), paths_->Load(*parts_.database),
                                     planner_->Load(*parts_.database)}) {
    if (!loaded.ok()) {
      next_try_ns_ = now + kSecond;
      return say("", loaded.message());
    }
  }
  leading_ = true;
  lead_kept_ns_ = now;
  next_events_ns_ = 0;
  parts_.log->Info("leads, epoch " + std::to_string(epoch_));
  say(options_.address, "");
  {
    const std::lock_guard lock(mutex_);
    ++generation_;
    reload_ = true;
  }
  wake_loader_.notify_all();
}

void Controller::LoseLead(const std::string& why) {
  parts_.log->Warning("lost the lead: " + why);
  leading_ = false;
  journal_->Discard();
  runs_->Clear();
  for (const auto& [id, worker] : fleet_->workers()) {
    if (worker.attached()) port_->Close(worker.session);
  }
  *fleet_ = {};
  next_try_ns_ = parts_.clock->MonotonicNs() + kTryEveryNs;
  const std::lock_guard lock(mutex_);
  standing_.leading = false;
  standing_.leader_address.clear();
}

void Controller::Commit() {
  const std::uint64_t now = parts_.clock->MonotonicNs();
  const base::Status status = journal_->Commit(static_cast<std::int64_t>(parts_.clock->WallNs()) +
                                               static_cast<std::int64_t>(options_.lead_ns));
  if (status.ok()) {
    lead_kept_ns_ = now;
    const std::lock_guard lock(mutex_);
    ++standing_.commits;
    standing_.trouble.clear();
    return;
  }
  if (status.code() == base::Code::kAborted) return LoseLead(status.message());
  // Everything is kept and tried again; nothing has happened yet.
  const std::lock_guard lock(mutex_);
  if (standing_.trouble != status.message())
    parts_.log->Warning("nothing can be written: " + status.message());
  standing_.trouble = status.message();
}

void Controller::OnRunEnd(const ActiveRun& run) {
  if (run.row.kind != "Patrol") return;
  // One that never began, or that somebody stopped, says nothing about the path.
  if (run.row.verdict.empty()) return;
  PathResult result{.patrol = run.row.name,
                    .scenario = run.row.scenario,
                    .environment = run.row.environment,
                    .run_id = run.row.id,
                    .failed = {},
                    .duration_ns = run.row.started_ns == 0
                                       ? 0
                                       : static_cast<std::uint64_t>(std::max<std::int64_t>(
                                             0, run.row.ended_ns - run.row.started_ns))};
  for (const RunPart& part : run.parts) {
    if (part.row.outcome == "passed") result.failed.push_back(false);
    if (part.row.outcome == "failed" || part.row.outcome == "interrupted")
      result.failed.push_back(true);
  }
  const PatrolPlan* plan = planner_->Find(run.row.name);
  paths_->Take(result, plan == nullptr ? PathRule{} : plan->rule);
}

void Controller::HandleEvents() {
  next_events_ns_ = parts_.clock->MonotonicNs() + kEventsEveryNs;
  std::vector<store::EventRow> events;
  const base::Status status = parts_.database->Read([&](store::Transaction& t) -> base::Status {
    ASSIGN_OR_RETURN(events, store::OpenEvents(t, 1000));
    return base::Ok();
  });
  if (!status.ok()) return;
  for (const store::EventRow& event : events) {
    planner_->OnEvent(event);
    // With the runs that it started, in one transaction.
    journal_->Write(
        [dedup = event.dedup](store::Transaction& t) { return store::MarkEventHandled(t, dedup); });
  }
  if (!events.empty()) Commit();
}

void Controller::CleanUp() {
  next_clean_ns_ = parts_.clock->MonotonicNs() + kCleanEveryNs;
  const auto wall = static_cast<std::int64_t>(parts_.clock->WallNs());
  std::int64_t deleted = 0;
  const base::Status status = parts_.database->Write([&](store::Transaction& t) -> base::Status {
    ASSIGN_OR_RETURN(deleted,
                     store::DeleteRuns(t, wall - options_.keep_passed_ns, "passed", kCleanBatch));
    ASSIGN_OR_RETURN(const std::int64_t more,
                     store::DeleteRuns(t, wall - options_.keep_failed_ns, "", kCleanBatch));
    deleted = std::max(deleted, more);
    for (const auto& [width, keep] : kKeepRollups)
      RETURN_IF_ERROR(store::DeleteRollups(t, width, wall / 1'000'000'000 - keep));
    return store::DeleteEvents(t, wall - options_.keep_failed_ns);
  });
  if (!status.ok()) parts_.log->Warning("clean-up: " + status.message());
  // There is more of it.
  if (deleted == kCleanBatch) next_clean_ns_ = parts_.clock->MonotonicNs() + kSecond;
}

// ---- workers

void Controller::OnWorkerMessage(SessionId session, wire_worker::FromWorker message) {
  Post([this, session, message = std::move(message)] { Handle(session, message); });
}

void Controller::OnWorkerGone(SessionId session) {
  Post([this, session] {
    FleetWorker* worker = fleet_->Detach(session);
    if (worker != nullptr && leading_) SaveWorker(*worker, "away");
  });
}

void Controller::SaveWorker(const FleetWorker& worker, std::string_view state) {
  base::JsonWriter capacity;
  capacity.Object().Field("cores", worker.cores).Field("parts", worker.capacity);
  capacity.Field("memoryBytes", worker.memory_bytes).EndObject();
  const store::WorkerRow row{.id = worker.id,
                             .zone = worker.zone,
                             .labels = LabelsJson(worker.labels),
                             .capacity = capacity.out,
                             .version = worker.version,
                             .state = std::string(state),
                             .first_seen_ns = static_cast<std::int64_t>(worker.first_seen_wall_ns),
                             .last_seen_ns = static_cast<std::int64_t>(worker.last_seen_wall_ns),
                             .clock_offset_ns = worker.clock_offset_ns};
  journal_->Write([row](store::Transaction& t) { return store::PutWorker(t, row); });
  base::JsonWriter json;
  json.Object().Field("id", row.id).Field("zone", row.zone).Field("state", row.state).EndObject();
  journal_->Then([this, text = std::move(json.out)] { parts_.events->Publish("worker", text); });
}

void Controller::OnHello(SessionId session, const wire_worker::Hello& hello) {
  SessionId replaced = 0;
  FleetWorker& worker = fleet_->Attach(session, hello, parts_.clock->MonotonicNs(),
                                       parts_.clock->WallNs(), &replaced);
  if (replaced != 0) port_->Close(replaced);
  wire_worker::ToWorker message;
  wire_worker::Welcome& welcome = *message.mutable_welcome();
  welcome.set_server_id(options_.server_id);
  welcome.set_epoch(static_cast<std::uint64_t>(epoch_));
  welcome.set_lease_ns(kLeaseNs);
  welcome.set_heartbeat_ns(kHeartbeatNs);
  welcome.set_wall_ns(parts_.clock->WallNs());
  // The Welcome is the first thing that the worker hears; what it is given comes behind.
  auto first = std::make_shared<wire_worker::ToWorker>();
  journal_->Then([this, session, first] { port_->Send(session, *first); });
  runs_->OnAttach(worker, hello, welcome);
  *first = message;
  SaveWorker(worker, "attached");
}

void Controller::Handle(SessionId session, const wire_worker::FromWorker& message) {
  if (!leading_) {
    wire_worker::ToWorker answer;
    answer.mutable_not_leader();
    port_->Send(session, answer);
    port_->Close(session);
    return;
  }
  if (message.has_hello()) {
    if (message.hello().worker_id().empty()) return port_->Close(session);
    return OnHello(session, message.hello());
  }
  FleetWorker* worker = fleet_->OfSession(session);
  if (worker == nullptr) return port_->Close(session);
  switch (message.message_case()) {
    case wire_worker::FromWorker::kHeartbeat: {
      fleet_->Beat(*worker, message.heartbeat(), parts_.clock->MonotonicNs(),
                   parts_.clock->WallNs());
      wire_worker::ToWorker answer;
      answer.mutable_lease()->set_number(message.heartbeat().number());
      answer.mutable_lease()->set_wall_ns(parts_.clock->WallNs());
      port_->Send(session, answer);
      return;
    }
    case wire_worker::FromWorker::kAccepted: return runs_->OnAccepted(*worker, message.accepted());
    case wire_worker::FromWorker::kRefused: return runs_->OnRefused(*worker, message.refused());
    case wire_worker::FromWorker::kDone: return runs_->OnDone(*worker, message.done());
    default: return;  // what a newer worker says
  }
}

// ---- definitions

void Controller::OnDefinitions() {
  {
    const std::lock_guard lock(mutex_);
    reload_ = true;
  }
  wake_loader_.notify_all();
}

void Controller::OnEvents() {
  Post([this] { next_events_ns_ = 0; });
}

void Controller::OnQuietTimes() {
  Post([this] {
    if (!leading_) return;
    std::vector<store::QuietTimeRow> times;
    const base::Status status = parts_.database->Read([&](store::Transaction& t) -> base::Status {
      ASSIGN_OR_RETURN(times,
                       store::QuietTimes(t, static_cast<std::int64_t>(parts_.clock->WallNs())));
      return base::Ok();
    });
    if (status.ok()) planner_->SetQuietTimes(std::move(times));
  });
}

std::int64_t Controller::LoadChanged(std::int64_t seen) {
  auto changed =
      parts_.library->List({.after_rev = std::max<std::int64_t>(seen, 1) - 1, .limit = 1'000'000});
  if (seen == 0) changed = parts_.library->List({});
  if (!changed.ok() || changed->empty()) return seen;
  std::int64_t newest = seen;
  bool all = false;
  std::vector<std::string> patrols;
  for (const store::DefinitionHead& head : *changed) {
    newest = std::max(newest, head.rev + 1);
    if (head.kind != "Patrol") {
      all = true;
    } else if (head.deleted) {
      Post([this, name = head.name] {
        if (!leading_) return;
        planner_->Remove(name);
        paths_->Forget(name);
      });
    } else {
      patrols.push_back(head.name);
    }
  }
  // Another kind may be part of any patrol.
  if (all && seen != 0) {
    patrols.clear();
    const auto heads = parts_.library->List({.kind = "Patrol"});
    if (!heads.ok()) return seen;
    for (const store::DefinitionHead& head : *heads) patrols.push_back(head.name);
  }
  for (const std::string& name : patrols) {
    Post([this, plan = PlanOf(*parts_.library, parts_.secrets, name)] {
      if (leading_) planner_->Put(plan);
    });
    const std::lock_guard lock(mutex_);
    if (stopping_) return newest;
  }
  return newest;
}

void Controller::RunLoader() {
  std::uint64_t generation = 0;
  std::int64_t seen = 0;
  for (;;) {
    bool leads = false;
    {
      std::unique_lock lock(mutex_);
      wake_loader_.wait_for(lock, std::chrono::seconds(1), [&] { return reload_ || stopping_; });
      if (stopping_) return;
      reload_ = false;
      leads = standing_.leading;
      if (generation != generation_) seen = 0;
      generation = generation_;
    }
    if (leads) seen = LoadChanged(seen);
  }
}

}  // namespace ronda::control
