#include "worker/checks.h"

#include <sys/prctl.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/core/random.h"
#include "wire/worker/part.h"

namespace ronda::worker {
namespace {

using wire::worker::Done;

// Clients that are kept for programs nobody executes at the moment: TLS contexts and DNS answers.
constexpr std::size_t kIdleClients = 256;

}  // namespace

// One thread and the iterations on it. Everything but Post is the thread's.
class Checks::Lane {
 public:
  Lane(Checks& checks, std::unique_ptr<net::Reactor> reactor)
      : checks_(checks), reactor_(std::move(reactor)) {
    thread_ = std::thread([this] {
      prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
      reactor_->Run();
      running_.clear();
      clients_.clear();
    });
  }
  ~Lane() {
    reactor_->Stop();
    thread_.join();
  }

  void Post(std::function<void()> task) { reactor_->Post(std::move(task)); }
  void Start(Check check);
  void Stop(const std::string& key, Done::Outcome outcome, std::string reason);

 private:
  // The connections' memory of one program; its transports are the program's, so it goes first.
  struct Client {
    std::shared_ptr<Prepared> prepared;
    std::unique_ptr<net::HttpClient> client;
    std::size_t users = 0;
    std::uint64_t last_used_ns = 0;
  };
  struct Running {
    Client* client = nullptr;
    std::unique_ptr<Evidence> evidence;
    std::optional<Done::Outcome> stopped;
    std::unique_ptr<engine::SingleRun> run;  // last: goes first
  };

  Client& ClientOf(const std::shared_ptr<Prepared>& prepared);
  void ForgetIdle();
  void End(const wire::worker::PartId& part, const engine::SingleResult& result);

  Checks& checks_;
  std::unique_ptr<net::Reactor> reactor_;
  base::Random seeds_ = base::Random::FromEntropy();
  std::map<const Prepared*, Client> clients_;
  std::map<std::string, Running> running_;  // by KeyOf
  std::thread thread_;
};

Checks::Lane::Client& Checks::Lane::ClientOf(const std::shared_ptr<Prepared>& prepared) {
  Client& client = clients_[prepared.get()];
  if (client.client == nullptr) {
    client.prepared = prepared;
    client.client = net::HttpClient::Create(*reactor_, {.collect_chain = true});
  }
  ++client.users;
  client.last_used_ns = reactor_->now_ns();
  return client;
}

void Checks::Lane::ForgetIdle() {
  if (clients_.size() <= running_.size() + kIdleClients) return;
  auto oldest = clients_.end();
  for (auto it = clients_.begin(); it != clients_.end(); ++it) {
    if (it->second.users > 0) continue;
    if (oldest == clients_.end() || it->second.last_used_ns < oldest->second.last_used_ns)
      oldest = it;
  }
  if (oldest == clients_.end()) return;
  // The client before the program that its transports belong to.
  const std::shared_ptr<Prepared> prepared = std::move(oldest->second.prepared);
  clients_.erase(oldest);
}

void Checks::Lane::Start(Check check) {
  ForgetIdle();
  Running& running = running_[wire::worker::KeyOf(check.part)];
  running.client = &ClientOf(check.prepared);
  running.evidence = std::make_unique<Evidence>(check.prepared->program->shape, check.evidence);
  engine::SingleRunOptions options;
  options.run_id = check.part.run_id();
  options.run_mark = check.mark;
  options.timeout_ns = check.timeout_ns;
  options.seed = seeds_();
  options.environment = check.prepared->environment;
  options.observer = running.evidence.get();
  options.on_log = [this, part = check.part](std::string_view level, std::string_view text) {
    checks_.on_log_(part, level, text);
  };
  running.run = engine::SingleRun::Start(
      *check.prepared->program, *reactor_, *running.client->client, std::move(options),
      [this, part = check.part](const engine::SingleResult& result) { End(part, result); });
}

void Checks::Lane::Stop(const std::string& key, Done::Outcome outcome, std::string reason) {
  const auto found = running_.find(key);
  if (found == running_.end() || found->second.stopped) return;
  found->second.stopped = outcome;
  found->second.run->Interrupt(std::move(reason));
}

void Checks::Lane::End(const wire::worker::PartId& part, const engine::SingleResult& result) {
  const auto found = running_.find(wire::worker::KeyOf(part));
  Running& running = found->second;
  using End = engine::SingleResult::End;
  Done done;
  *done.mutable_part() = part;
  const bool stopped = running.stopped && result.end == End::kInterrupted;
  done.set_outcome(stopped                       ? *running.stopped
                   : result.end == End::kAborted ? Done::ERROR
                   : result.passed               ? Done::PASSED
                                                 : Done::FAILED);
  if (!result.passed) done.set_reason(Utf8(result.reason));
  done.set_start_wall_ns(result.start_wall_ns);
  done.set_end_wall_ns(result.end_wall_ns);
  const auto ended =
      result.end == End::kDone ? Evidence::Ended::kByItself : Evidence::Ended::kStopped;
  for (wire::worker::StepResult& step : running.evidence->Take(ended))
    *done.add_steps() = std::move(step);
  --running.client->users;
  running_.erase(found);
  checks_.on_done_(std::move(done));
}

base::Result<std::unique_ptr<Checks>> Checks::Create(int threads, OnDone on_done, OnLog on_log) {
  auto checks = std::unique_ptr<Checks>(new Checks(std::move(on_done), std::move(on_log)));
  for (int i = 0; i < std::max(threads, 1); ++i) {
    ASSIGN_OR_RETURN(auto reactor, net::Reactor::Create());
    checks->lanes_.push_back(std::make_unique<Lane>(*checks, std::move(reactor)));
  }
  return checks;
}

Checks::Checks(OnDone on_done, OnLog on_log)
    : on_done_(std::move(on_done)), on_log_(std::move(on_log)) {}

Checks::~Checks() = default;

void Checks::Start(Check check) {
  // One program's checks share a lane, and so its client.
  const std::size_t lane = std::hash<const Prepared*>()(check.prepared.get()) / 64 % lanes_.size();
  Lane* it = lanes_[lane].get();
  it->Post([it, check = std::move(check)]() mutable { it->Start(std::move(check)); });
}

void Checks::Stop(const wire::worker::PartId& part, Done::Outcome outcome, std::string reason) {
  for (const auto& lane : lanes_) {
    lane->Post([it = lane.get(), key = wire::worker::KeyOf(part), outcome, reason] {
      it->Stop(key, outcome, reason);
    });
  }
}

}  // namespace ronda::worker
