#include "stats/recorder.h"

#include <utility>

namespace ronda::stats {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
// Intervals that may wait for a slow reader; then the open one goes on instead.
constexpr std::uint32_t kMaxWaiting = 64;

std::uint64_t Since(std::uint64_t from_ns, std::uint64_t to_ns) {
  return to_ns > from_ns ? to_ns - from_ns : 0;
}

std::uint64_t Mix(std::uint64_t h, std::uint64_t v) {
  h = (h ^ v) * 0x9e3779b97f4a7c15u;
  return h ^ (h >> 32);
}

// A run of digits counts as one, whichever they are: "order 17 not found" and "order 4 not found" are
// one group. Long messages are told apart by their beginning.
std::uint64_t HashMessage(std::string_view message) {
  std::uint64_t h = 0xcbf29ce484222325u;
  bool in_digits = false;
  for (const char c : message.substr(0, 256)) {
    const bool digit = c >= '0' && c <= '9';
    if (digit && in_digits) continue;
    in_digits = digit;
    h = (h ^ static_cast<std::uint8_t>(digit ? '0' : c)) * 0x100000001b3u;
  }
  return h;
}

std::uint64_t KeyOf(const Failure& f) {
  const std::uint64_t where =
      (static_cast<std::uint64_t>(f.step) << 8) | static_cast<std::uint8_t>(f.kind);
  const std::uint64_t key = Mix(Mix(Mix(0, where), f.code), HashMessage(f.message));
  return key == 0 ? 1 : key;
}

}  // namespace

// The error groups that this thread has met: open addressing, never removed from.
struct Recorder::Groups {
  static constexpr std::size_t kSlots = 1024;
  static constexpr std::size_t kMost = 512;
  struct Slot {
    std::uint64_t key = 0;  // 0: free
    std::uint64_t round = 0;  // the interval that `index` belongs to
    std::size_t index = 0;  // in Interval::failures
  };

  std::array<Slot, kSlots> slots;
  std::size_t used = 0;
  std::uint64_t round = 1;

  // The slot of `key`, a free one for it, or null when there is no room for a new one.
  Slot* Find(std::uint64_t key) {
    for (std::size_t i = key % kSlots;; i = (i + 1) % kSlots) {
      if (slots[i].key == key) return &slots[i];
      if (slots[i].key == 0) return used < kMost ? &slots[i] : nullptr;
    }
  }
};

Recorder::Recorder(const Shape& shape, std::uint64_t start_ns)
    : shape_(shape), start_ns_(start_ns), groups_(std::make_unique<Groups>()) {
  Open(0);
}

Recorder::~Recorder() {
  for (Interval* list : {full_.load(), spare_.load(), spare_taken_}) {
    while (list != nullptr) {
      const std::unique_ptr<Interval> interval(list);
      list = interval->next;
    }
  }
}

void Recorder::RecordExchange(const Exchange& e) {
  Advance(e.end_ns);
  StepCounters& step = open_->Step(e.step);
  const std::uint64_t service = Since(e.start_ns, e.end_ns);
  step.RecordDurations(service, e.intended_ns == 0 ? service : Since(e.intended_ns, e.end_ns));
  ++step.requests;
  step.bytes_in += e.bytes_in;
  step.bytes_out += e.bytes_out;
  if (e.status != 0) step.CountStatus(e.status, 1);
  if (e.error != 0) step.CountError(e.error, 1);
  if (e.outcome == Outcome::kFailed) ++step.failed;
  auto& phases = step.Phases();
  for (std::size_t i = 0; i < kPhases; ++i) {
    if (e.phases[i] != 0) phases[i].Record(e.phases[i]);
  }
}

void Recorder::RecordStep(StepId step, std::uint64_t start_ns, std::uint64_t end_ns,
                          Outcome outcome) {
  Advance(end_ns);
  StepCounters& counters = open_->Step(step);
  counters.service.Record(Since(start_ns, end_ns));
  if (outcome == Outcome::kFailed) ++counters.failed;
}

void Recorder::RecordCheck(CheckId check, CheckResult result) {
  CheckCounters& counters = open_->checks[check];
  ++(result == CheckResult::kPassed ? counters.passed : counters.failed);
}

void Recorder::RecordIteration(ScenarioId scenario, std::uint64_t intended_ns,
                               std::uint64_t start_ns, std::uint64_t end_ns,
                               IterationOutcome outcome) {
  Advance(end_ns);
  ScenarioCounters& counters = open_->scenarios[scenario];
  switch (outcome) {
    case IterationOutcome::kOk: ++counters.ok; break;
    case IterationOutcome::kFailed: ++counters.failed; break;
    case IterationOutcome::kInterrupted:
      ++counters.interrupted;
      return;  // its duration says nothing
  }
  counters.duration.Record(Since(intended_ns == 0 ? start_ns : intended_ns, end_ns));
}

void Recorder::RecordArrival(ScenarioId scenario, std::uint64_t intended_ns,
                             std::uint64_t start_ns) {
  Advance(start_ns);
  open_->scenarios[scenario].lateness.Record(Since(intended_ns, start_ns));
}

void Recorder::RecordDropped(ScenarioId scenario, std::uint64_t now_ns, std::uint64_t count) {
  Advance(now_ns);
  open_->scenarios[scenario].dropped += count;
}

void Recorder::CountFailure(const Failure& failure, void (*make)(void*, Example&), void* context) {
  const std::uint64_t key = KeyOf(failure);
  Groups::Slot* slot = groups_->Find(key);
  if (slot == nullptr) {
    ++open_->failures_without_group;
    return;
  }
  const bool is_new = slot->key == 0;
  if (is_new) {
    slot->key = key;
    ++groups_->used;
  }
  if (slot->round != groups_->round) {
    slot->round = groups_->round;
    slot->index = open_->failures.size();
    FailureDelta& delta = open_->failures.emplace_back();
    delta.key = key;
    delta.step = failure.step;
    delta.kind = failure.kind;
    delta.code = failure.code;
  }
  FailureDelta& delta = open_->failures[slot->index];
  ++delta.count;
  if (is_new) {
    delta.message = failure.message;
    delta.example = std::make_unique<Example>();
    make(context, *delta.example);
  }
}

void Recorder::Rotate(std::uint64_t now_ns, Flush flush) {
  const std::uint64_t second = Since(start_ns_, now_ns) / kSecond;
  if (flush == Flush::kEnded) {
    if (now_ns < open_end_ns_) return;
    if (waiting_.load(std::memory_order_relaxed) >= kMaxWaiting) {
      SetOpenSecond(second);
      return;
    }
  }
  HandOver(second, flush);
  Open(second);
}

void Recorder::HandOver(std::uint64_t told_until, Flush flush) {
  Interval* interval = open_.release();
  interval->gauges = gauges_;
  interval->told_until = told_until;
  interval->final = flush == Flush::kFinal;
  waiting_.fetch_add(1, std::memory_order_relaxed);
  interval->next = full_.load(std::memory_order_relaxed);
  while (!full_.compare_exchange_weak(interval->next, interval, std::memory_order_release,
                                      std::memory_order_relaxed)) {
  }
}

void Recorder::Open(std::uint64_t second) {
  if (spare_taken_ == nullptr) spare_taken_ = spare_.exchange(nullptr, std::memory_order_acquire);
  if (spare_taken_ != nullptr) {
    open_.reset(spare_taken_);
    spare_taken_ = std::exchange(open_->next, nullptr);
  } else {
    open_ = std::make_unique<Interval>(shape_);
  }
  open_->users_peak = gauges_.users;
  ++groups_->round;
  SetOpenSecond(second);
}

void Recorder::SetOpenSecond(std::uint64_t second) {
  open_->second = second;
  open_end_ns_ = start_ns_ + (second + 1) * kSecond;
}

Interval* Recorder::TakeAll() {
  Interval* newest = full_.exchange(nullptr, std::memory_order_acquire);
  Interval* oldest = nullptr;
  std::uint32_t n = 0;
  while (newest != nullptr) {  // the list is newest first
    Interval* next = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = next;
    ++n;
  }
  waiting_.fetch_sub(n, std::memory_order_relaxed);
  return oldest;
}

void Recorder::Recycle(Interval* interval) {
  interval->Clear();
  interval->next = spare_.load(std::memory_order_relaxed);
  while (!spare_.compare_exchange_weak(interval->next, interval, std::memory_order_release,
                                       std::memory_order_relaxed)) {
  }
}

}  // namespace ronda::stats
