#include "worker/loop.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "base/core/clock.h"
#include "base/core/ids.h"
#include "base/core/random.h"
#include "base/file.h"
#include "wire/worker/part.h"

namespace ronda::worker {
namespace {

using wire::worker::Done;
using wire::worker::FromWorker;
using wire::worker::ToWorker;

constexpr std::uint64_t kSecondNs = 1'000'000'000;
constexpr std::uint64_t kReconcileNs = 30 * kSecondNs;
// What is acknowledged late when the worker leaves is told by its next life.
constexpr std::uint64_t kLastWordsNs = 5 * kSecondNs;
constexpr std::string_view kIdFile = "worker-id";

std::string NewId() {
  std::uint64_t words[2];
  base::FillEntropy(words, sizeof words);
  std::string text;
  for (const std::uint64_t word : words) {
    for (int shift = 60; shift >= 0; shift -= 4) text += "0123456789abcdef"[word >> shift & 15];
  }
  return text;
}

std::uint64_t CpuNs() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto ns = [](const timeval& t) {
    return static_cast<std::uint64_t>(t.tv_sec) * kSecondNs +
           static_cast<std::uint64_t>(t.tv_usec) * 1000;
  };
  return ns(usage.ru_utime) + ns(usage.ru_stime);
}

std::uint64_t ResidentBytes() {
  const auto text = base::ReadFile("/proc/self/statm", 256);
  if (!text.ok()) return 0;
  const std::size_t space = std::min(text->find(' '), text->size());
  return std::strtoull(text->c_str() + space, nullptr, 10) *
         static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::uint32_t Cores() { return std::max(1u, std::thread::hardware_concurrency()); }

std::uint64_t MemoryBytes() {
  struct sysinfo info{};
  return sysinfo(&info) == 0 ? static_cast<std::uint64_t>(info.totalram) * info.mem_unit : 0;
}

std::string MachineName() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "worker";
}

}  // namespace

base::Status Loop::OpenFolder() {
  std::error_code failed;
  std::filesystem::create_directories(options_.folder, failed);
  if (failed)
    return base::FailedPrecondition("cannot make the folder " + options_.folder + ": " +
                                    failed.message());
  std::filesystem::permissions(options_.folder, std::filesystem::perms::owner_all, failed);
  const std::string lock = options_.folder + "/lock";
  lock_ = open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_ < 0) return base::FromErrno("open " + lock, errno);
  if (flock(lock_, LOCK_EX | LOCK_NB) != 0)
    return base::FailedPrecondition("another worker uses " + options_.folder +
                                    ": give this one a folder of its own (--data DIR)");
  ASSIGN_OR_RETURN(files_, disk::OpenFolder(options_.folder));
  if (const auto id = disk::ReadWhole(*files_, std::string(kIdFile)); id.ok() && id->size() == 32) {
    id_ = *id;
  } else {
    id_ = NewId();
    RETURN_IF_ERROR(disk::WriteWhole(*files_, std::string(kIdFile), id_));
  }
  ASSIGN_OR_RETURN(journal_, Journal::Open(*files_));
  return base::Ok();
}

// What earlier lives left to be told.
base::Status Loop::OpenParts() {
  for (const wire::worker::PartId& id : journal_->interrupted()) {
    Part& part = parts_[wire::worker::KeyOf(id)];
    part.id = id;
    part.state = Part::State::kInterrupted;
  }
  for (Done& done : journal_->Finished()) {
    Part& part = parts_[wire::worker::KeyOf(done.part())];
    part.id = done.part();
    part.state = Part::State::kFinished;
    part.done = std::move(done);
  }
  return base::Ok();
}

base::Status Loop::Start() {
  RETURN_IF_ERROR(OpenFolder());
  RETURN_IF_ERROR(OpenParts());
  boot_id_ = NewId();
  ASSIGN_OR_RETURN(reactor_, net::Reactor::Create());
  programs_ = std::make_unique<Programs>(Programs::Options{
      .folder = options_.feeds.empty() ? options_.folder + "/files" : options_.feeds});
  loader_ = std::make_unique<Loader>();
  LoadEvents& events = *this;
  loads_ = std::make_unique<Loads>(events);
  const int threads =
      options_.check_threads > 0 ? options_.check_threads : static_cast<int>((Cores() + 1) / 2);
  ASSIGN_OR_RETURN(checks_, Checks::Create(
                                threads, [this](Done done) { OnDone(std::move(done)); },
                                [this](const wire::worker::PartId& part, std::string_view level,
                                       std::string_view text) { OnLog(part, level, text); }));
  if (!options_.control_path.empty()) {
    ASSIGN_OR_RETURN(
        control_, engine::ControlSocket::Listen(*reactor_, options_.control_path,
                                                [this](std::string_view c) { return Control(c); }));
  }
  reactor_->Fresh();
  cpu_ns_ = CpuNs();
  cpu_at_ns_ = reactor_->now_ns();
  reactor_->Arm(reconcile_, reactor_->now_ns() + kReconcileNs);
  ASSIGN_OR_RETURN(link_, wire::worker::Link::Start(options_.link, *this));
  thread_ = std::thread([this] { reactor_->Run(); });
  return base::Ok();
}

Loop::~Loop() {
  // The loop goes before what it uses. What is posted after it is never run, and goes with the reactor.
  if (thread_.joinable()) {
    reactor_->Stop();
    thread_.join();
  }
  link_.reset();
  loader_.reset();
  checks_.reset();
  loads_.reset();
  control_.reset();
  if (lock_ >= 0) close(lock_);
}

// ---- the link

void Loop::OnUp(const std::string& url) {
  reactor_->Post([this, url] {
    log_.Info("attached to " + url);
    attached_ = true;
    ever_attached_ = true;
    welcomed_ = false;
    SayHello();
  });
}

void Loop::OnMessage(ToWorker message) {
  reactor_->Post([this, message = std::make_shared<const ToWorker>(std::move(message))] {
    reactor_->Fresh();
    Handle(*message);
  });
}

void Loop::OnDown(Was was, const std::string& url, const base::Status& why,
                  std::chrono::milliseconds pause) {
  reactor_->Post([this, was, url, why, pause] {
    attached_ = welcomed_ = false;
    reactor_->Cancel(beat_);
    const std::string again = "; again in " + std::to_string(pause.count()) + " ms";
    log_.Warning((was == Was::kAttached ? "lost " : "cannot attach to ") + url + ": " +
                 why.message() + again);
    if (!ever_attached_ && why.code() == base::Code::kUnauthenticated) SetOver(why);
    LookWhetherDrained();
  });
}

void Loop::Handle(const ToWorker& message) {
  switch (message.message_case()) {
    case ToWorker::kWelcome: OnWelcome(message.welcome()); break;
    case ToWorker::kLease: OnLease(message.lease()); break;
    case ToWorker::kAssign: OnAssign(message.assign()); break;
    case ToWorker::kStartAt: OnStartAt(message.start_at()); break;
    case ToWorker::kCommand: OnCommand(message.command()); break;
    case ToWorker::kStop: OnStop(message.stop()); break;
    case ToWorker::kSamplesAck: OnSamplesAck(message.samples_ack()); break;
    case ToWorker::kDoneAck: Forget(message.done_ack().part()); break;
    case ToWorker::kNotLeader:  // the link's
    case ToWorker::MESSAGE_NOT_SET: break;
  }
}

void Loop::Send(FromWorker message) {
  if (welcomed_) (void)link_->Send(std::move(message));
}

void Loop::SayHello() {
  FromWorker message;
  wire::worker::Hello& hello = *message.mutable_hello();
  hello.set_worker_id(id_);
  hello.set_boot_id(boot_id_);
  hello.set_name(Utf8(options_.name.empty() ? MachineName() : options_.name));
  hello.set_zone(Utf8(options_.zone));
  for (const auto& [key, value] : options_.labels)
    (*hello.mutable_labels())[Utf8(key)] = Utf8(value);
  hello.set_version(options_.version);
  hello.mutable_capacity()->set_cores(Cores());
  hello.mutable_capacity()->set_memory_bytes(MemoryBytes());
  hello.mutable_capacity()->set_parts(options_.capacity);
  for (const auto& [key, part] : parts_) {
    wire::worker::Holding& holding = *hello.add_holding();
    *holding.mutable_part() = part.id;
    holding.set_state(part.state == Part::State::kFinished      ? wire::worker::Holding::FINISHED
                      : part.state == Part::State::kInterrupted ? wire::worker::Holding::INTERRUPTED
                                                                : wire::worker::Holding::RUNNING);
  }
  hello_ns_ = reactor_->Fresh();
  (void)link_->Send(std::move(message));
}

void Loop::OnWelcome(const wire::worker::Welcome& welcome) {
  const std::uint64_t now = reactor_->now_ns();
  if (welcome.epoch() < epoch_) {
    log_.Warning("the server leads no longer: epoch " + std::to_string(welcome.epoch()) +
                 " after " + std::to_string(epoch_));
    link_->Reset();
    return;
  }
  epoch_ = welcome.epoch();
  lease_.Begin(hello_ns_, welcome.lease_ns());
  clock_.Learn(hello_ns_, now, welcome.wall_ns());
  if (welcome.heartbeat_ns() != 0) heartbeat_ns_ = welcome.heartbeat_ns();
  welcomed_ = true;
  for (const wire::worker::PartId& id : welcome.forget()) Forget(id);
  for (const wire::worker::PartId& id : welcome.stop()) {
    Part* part = Find(id);
    if (part != nullptr)
      Interrupt(*part, Done::INTERRUPTED, "the server does not want it any more");
  }
  for (const auto& [key, part] : parts_) Tell(part);
  ArmLease();
  Beat();
}

// ---- the lease

void Loop::OnLease(const wire::worker::LeaseGranted& lease) {
  const std::uint64_t sent_ns = lease_.Answered(lease.number());
  if (sent_ns == 0) return;
  clock_.Learn(sent_ns, reactor_->now_ns(), lease.wall_ns());
  ArmLease();
}

void Loop::ArmLease() { reactor_->Arm(lease_end_, lease_.end_ns()); }

void Loop::Beat() {
  if (!welcomed_) return;
  const std::uint64_t now = reactor_->Fresh();
  FromWorker message;
  wire::worker::Heartbeat& beat = *message.mutable_heartbeat();
  beat.set_number(++heartbeats_);
  beat.set_wall_ns(base::RealClock().WallNs());
  const std::uint64_t cpu = CpuNs();
  const double span = static_cast<double>(std::max<std::uint64_t>(now - cpu_at_ns_, 1)) * Cores();
  beat.set_cpu(std::min(1.0, static_cast<double>(cpu - cpu_ns_) / span));
  cpu_ns_ = cpu;
  cpu_at_ns_ = now;
  beat.set_memory_bytes(ResidentBytes());
  beat.set_parts(static_cast<std::uint32_t>(ActiveParts()));
  lease_.Sent(heartbeats_, now);
  Send(std::move(message));
  reactor_->Arm(beat_, now + heartbeat_ns_);
}

void Loop::OnLeaseTime() {
  if (lease_.Holds(reactor_->Fresh())) return ArmLease();
  const std::size_t parts =
      InterruptAll(Done::LEASE_LOST, "no server answered for as long as the lease lasts");
  if (parts > 0) log_.Warning("the lease ended: " + std::to_string(parts) + " parts interrupted");
  // Attached to somebody who does not answer is as good as not attached.
  if (attached_) link_->Reset();
}

// Both sides say what they know, in case something was lost that neither noticed.
void Loop::Reconcile() {
  if (welcomed_) SayHello();
  reactor_->Arm(reconcile_, reactor_->now_ns() + kReconcileNs);
}

// ---- control by hand

std::string Loop::Control(std::string_view command) {
  while (!command.empty() && (command.back() == '\r' || command.back() == ' '))
    command.remove_suffix(1);
  if (command == "status") {
    return std::string("{\"ok\":true,\"attached\":") + (attached_ ? "true" : "false") +
           ",\"parts\":" + std::to_string(ActiveParts()) + "}";
  }
  if (command == "stop") {
    const std::size_t parts = InterruptAll(Done::INTERRUPTED, "stopped by hand at the worker");
    log_.Warning("stopped by hand: " + std::to_string(parts) + " parts interrupted");
    return "{\"ok\":true,\"stopped\":" + std::to_string(parts) + "}";
  }
  return R"({"ok":false,"error":"unknown command: status, stop"})";
}

// ---- the end

void Loop::Drain(std::uint64_t patience_ns) {
  reactor_->Post([this, patience_ns] { BeginDrain(patience_ns); });
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return over_; });
  }
  link_->Stop();
}

void Loop::BeginDrain(std::uint64_t patience_ns) {
  if (draining_) return;
  draining_ = true;
  for (auto& [key, part] : parts_) {
    if (!part.active()) continue;
    if (part.state != Part::State::kRunning) {
      FinishUnexecuted(part, Done::STOPPED, "the worker is leaving");
    } else if (part.load) {
      loads_->Stop(part.id, Loads::How::kDrain, Done::STOPPED, "the worker is leaving");
    }
  }
  reactor_->Arm(patience_, reactor_->Fresh() + patience_ns);
  LookWhetherDrained();
}

void Loop::OnPatienceEnd() {
  if (patience_over_) return SetOver(base::Ok());
  patience_over_ = true;
  InterruptAll(Done::STOPPED, "the worker is leaving");
  reactor_->Arm(patience_, reactor_->Fresh() + kLastWordsNs);
  LookWhetherDrained();
}

// Nothing runs, and whoever is there has all results.
void Loop::LookWhetherDrained() {
  if (!draining_ || ActiveParts() > 0) return;
  const bool told = std::ranges::none_of(
      parts_, [](const auto& each) { return each.second.state == Part::State::kFinished; });
  if (told || !attached_) SetOver(base::Ok());
}

void Loop::SetOver(const base::Status& status) {
  const std::lock_guard lock(mutex_);
  over_ = true;
  status_ = status;
  changed_.notify_all();
}

base::Status Loop::Await() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return over_; });
  return status_;
}

base::Result<std::unique_ptr<Worker>> Worker::Start(WorkerOptions options, base::Log& log) {
  auto loop = std::make_unique<Loop>(std::move(options), log);
  RETURN_IF_ERROR(loop->Start());
  return std::unique_ptr<Worker>(std::move(loop));
}

}  // namespace ronda::worker
