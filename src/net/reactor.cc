#include "net/reactor.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

#include "base/core/clock.h"
#include "net/timer_heap.h"

namespace ronda::net {

class EpollReactor final : public Reactor {
 public:
  EpollReactor(int epoll_fd, int wake_fd) : epoll_fd_(epoll_fd), wake_fd_(wake_fd) {
    now_ns_ = base::MonotonicNanos();
  }

  ~EpollReactor() override {
    while (deferred_ != nullptr) deferred_->Unlink();
    while (heap_.PopDue(~std::uint64_t{0}, ~std::uint64_t{0}) != nullptr) {
    }
    close(wake_fd_);
    close(epoll_fd_);
  }

  void Run() override {
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    while (!stop_.exchange(false, std::memory_order_acquire)) RunOnce(Wait::kYes);
  }

  void RunOnce(Wait wait) override {
    if (deferred_ != nullptr) wait = Wait::kNo;
    const int ready = WaitForEvents(wait);
    now_ns_ = base::MonotonicNanos();
    RunTimers();
    for (int i = 0; i < ready; ++i) Dispatch(events_[i]);
    RunDeferred();
  }

  void Stop() override {
    stop_.store(true, std::memory_order_release);
    Wake();
  }

  void Post(std::function<void()> task) override {
    bool wake = false;
    {
      const std::lock_guard lock(posted_mutex_);
      wake = posted_.empty();
      posted_.push_back(std::move(task));
    }
    if (wake) Wake();
  }

  base::Status Add(int fd, std::uint32_t events, FdHandler* handler) override {
    const auto index = static_cast<std::size_t>(fd);
    if (index >= slots_.size()) slots_.resize(index + index / 2 + 16);
    Slot& slot = slots_[index];
    epoll_event event{};
    event.events = events;
    event.data.u64 = Key(fd, slot.generation);
    if (epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) != 0) {
      return base::FromErrno("epoll_ctl(add)", errno);
    }
    slot.handler = handler;
    slot.events = events;
    return base::Ok();
  }

  void Modify(int fd, std::uint32_t events, FdHandler* handler) override {
    Slot& slot = slots_[static_cast<std::size_t>(fd)];
    slot.handler = handler;
    if (slot.events == events) return;
    slot.events = events;
    epoll_event event{};
    event.events = events;
    event.data.u64 = Key(fd, slot.generation);
    CHECK(epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, fd, &event) == 0);
  }

  void Forget(int fd, FdHandler* handler) override {
    Slot& slot = slots_[static_cast<std::size_t>(fd)];
    CHECK(slot.handler == handler);
    slot.handler = nullptr;
    ++slot.generation;
  }

  void Remove(int fd, FdHandler* handler) override {
    Forget(fd, handler);
    epoll_event unused{};
    epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, &unused);
  }

  void Arm(Timer& timer, std::uint64_t deadline_ns) override {
    heap_.Set(timer, this, deadline_ns);
  }
  void Cancel(Timer& timer) override { heap_.Erase(timer); }

  void Defer(Deferred& deferred) override {
    if (deferred.queued()) return;
    deferred.previous_ = deferred_tail_;
    deferred.tail_ = &deferred_tail_;
    *deferred_tail_ = &deferred;
    deferred_tail_ = &deferred.next_;
  }

 private:
  static constexpr int kMaxEvents = 512;
  static constexpr std::uint64_t kWakeKey = ~std::uint64_t{0};

  // Marks the end of what RunDeferred runs.
  class End final : public Deferred {
    void OnDeferred() override {}
  };

  struct Slot {
    FdHandler* handler = nullptr;
    std::uint32_t generation = 0;  // of the registration: tells a stale event from a live one
    std::uint32_t events = 0;
  };

  static std::uint64_t Key(int fd, std::uint32_t generation) {
    return static_cast<std::uint64_t>(generation) << 32 | static_cast<std::uint32_t>(fd);
  }

  void Wake() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = write(wake_fd_, &one, sizeof one);
  }

  int WaitForEvents(Wait wait) {
    const std::uint64_t deadline = heap_.earliest_ns();
    timespec timeout{};
    const timespec* limit = nullptr;
    if (wait == Wait::kNo || stop_.load(std::memory_order_relaxed)) {
      limit = &timeout;
    } else if (deadline != ~std::uint64_t{0}) {
      const std::uint64_t now = base::MonotonicNanos();
      const std::uint64_t left = deadline > now ? deadline - now : 0;
      timeout.tv_sec = static_cast<time_t>(left / 1'000'000'000);
      timeout.tv_nsec = static_cast<long>(left % 1'000'000'000);
      limit = &timeout;
    }
    const int ready = epoll_pwait2(epoll_fd_, events_, kMaxEvents, limit, nullptr);
    return ready < 0 ? 0 : ready;  // EINTR: the loop looks at everything again
  }

  void RunTimers() {
    const std::uint64_t order_limit = heap_.next_order();
    while (Timer* timer = heap_.PopDue(now_ns_, order_limit)) timer->OnTimer();
  }

  void Dispatch(const epoll_event& event) {
    if (event.data.u64 == kWakeKey) {
      RunPosted();
      return;
    }
    const Slot& slot = slots_[static_cast<std::uint32_t>(event.data.u64)];
    if (slot.handler == nullptr) return;
    if (slot.generation != static_cast<std::uint32_t>(event.data.u64 >> 32)) return;
    slot.handler->OnReady(event.events);
  }

  void RunPosted() {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = read(wake_fd_, &count, sizeof count);
    {
      const std::lock_guard lock(posted_mutex_);
      running_.swap(posted_);
    }
    for (auto& task : running_) task();
    running_.clear();
  }

  void RunDeferred() {
    if (deferred_ == nullptr) return;
    Defer(end_);  // what is queued from here on is for the next wake-up
    for (;;) {
      Deferred* deferred = deferred_;
      deferred->Unlink();
      if (deferred == &end_) return;
      deferred->OnDeferred();
    }
  }

  friend class Reactor;

  const int epoll_fd_;
  const int wake_fd_;
  std::vector<Slot> slots_;  // by descriptor
  TimerHeap heap_;
  Deferred* deferred_ = nullptr;
  Deferred** deferred_tail_ = &deferred_;
  End end_;
  epoll_event events_[kMaxEvents];

  std::atomic<bool> stop_ = false;
  std::mutex posted_mutex_;
  std::vector<std::function<void()>> posted_;   // guarded by posted_mutex_
  std::vector<std::function<void()>> running_;  // the loop's own; keeps its capacity
};

Timer::~Timer() {
  if (reactor_ != nullptr) reactor_->Cancel(*this);
}

Deferred::~Deferred() {
  if (queued()) Unlink();
}

void Deferred::Unlink() {
  *previous_ = next_;
  if (next_ != nullptr) {
    next_->previous_ = previous_;
  } else {
    *tail_ = previous_;
  }
  previous_ = nullptr;
  next_ = nullptr;
}

std::uint64_t Reactor::Fresh() { return now_ns_ = base::MonotonicNanos(); }

base::Result<std::unique_ptr<Reactor>> Reactor::Create() {
  const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd < 0) return base::FromErrno("epoll_create1", errno);
  const int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd < 0) {
    const int error = errno;
    close(epoll_fd);
    return base::FromErrno("eventfd", error);
  }
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = EpollReactor::kWakeKey;
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, wake_fd, &event) != 0) {
    const int error = errno;
    close(wake_fd);
    close(epoll_fd);
    return base::FromErrno("epoll_ctl(add)", error);
  }
  // Where the kernel cannot wait with nanoseconds the measured times would lie.
  const timespec zero{};
  if (epoll_pwait2(epoll_fd, &event, 1, &zero, nullptr) < 0) {
    const int error = errno;
    close(wake_fd);
    close(epoll_fd);
    return base::FromErrno("epoll_pwait2 (Linux 5.11 or later is needed)", error);
  }
  return std::unique_ptr<Reactor>(std::make_unique<EpollReactor>(epoll_fd, wake_fd));
}

}  // namespace ronda::net
