#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/core/status.h"

namespace ronda::net {

// Something that wants to know when a descriptor is ready. Borrowed by the reactor while registered.
class FdHandler {
 public:
  virtual ~FdHandler() = default;
  // `events`: EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP, EPOLLRDHUP as epoll gives them.
  virtual void OnReady(std::uint32_t events) = 0;
};

// A timer that its owner embeds: arming and cancelling allocate nothing. Cancelled by its destructor.
class Timer {
 public:
  Timer() = default;
  virtual ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  [[nodiscard]] bool armed() const { return reactor_ != nullptr; }
  // On now_ns()'s scale; means something only while armed.
  [[nodiscard]] std::uint64_t deadline_ns() const { return deadline_ns_; }

 protected:
  // Called on the reactor's thread at or after the deadline, no longer armed.
  virtual void OnTimer() = 0;

 private:
  friend class TimerHeap;
  friend class EpollReactor;
  class Reactor* reactor_ = nullptr;
  std::uint64_t deadline_ns_ = 0;
  std::uint64_t order_ = 0;  // ties fire in the order of arming
  std::uint32_t heap_index_ = 0;
};

// Work for the end of the current wake-up, embedded by its owner: after all ready descriptors were
// handled and before the loop waits again. Withdrawn by its destructor.
class Deferred {
 public:
  Deferred() = default;
  virtual ~Deferred();
  Deferred(const Deferred&) = delete;
  Deferred& operator=(const Deferred&) = delete;
  [[nodiscard]] bool queued() const { return previous_ != nullptr; }

 protected:
  // Called on the reactor's thread, no longer queued. May Defer again: it then runs at the end of the
  // next wake-up, which does not wait.
  virtual void OnDeferred() = 0;

 private:
  friend class EpollReactor;
  void Unlink();
  Deferred** previous_ = nullptr;  // what points to us
  Deferred* next_ = nullptr;
  Deferred*** tail_ = nullptr;  // the reactor's tail pointer, mended when the last leaves
};

// The event loop of one thread: epoll (epoll_pwait2, timer slack 1 ns), timers to the nanosecond,
// tasks from other threads. Everything but Post and Stop is for the thread that calls Run.
class Reactor {
 public:
  [[nodiscard]] static base::Result<std::unique_ptr<Reactor>> Create();
  virtual ~Reactor() = default;

  // Handles events until Stop. Timers that are due run before I/O of the same wake-up. A Stop that
  // came before Run ends it at once; it may be called again afterwards.
  virtual void Run() = 0;
  // One wake-up: waits for something to happen (kNo: does not wait), and handles all of it.
  enum class Wait : std::uint8_t { kNo, kYes };
  virtual void RunOnce(Wait wait) = 0;
  // Thread-safe; async-signal-safe.
  virtual void Stop() = 0;
  // Runs `task` on the loop's thread, in the order of posting. Thread-safe.
  virtual void Post(std::function<void()> task) = 0;

  // CLOCK_MONOTONIC, read once a wake-up: cheap. Fresh() reads the clock now and updates it.
  [[nodiscard]] std::uint64_t now_ns() const { return now_ns_; }
  std::uint64_t Fresh();

  // Level-triggered. The handler is borrowed until Remove.
  [[nodiscard]] virtual base::Status Add(int fd, std::uint32_t events, FdHandler* handler) = 0;
  // Costs a system call only when `events` differ from those registered.
  virtual void Modify(int fd, std::uint32_t events, FdHandler* handler) = 0;
  // After it returns the handler is not called again, not even for an event already fetched.
  virtual void Remove(int fd, FdHandler* handler) = 0;
  // The same for a descriptor that the caller closes next and nobody has a duplicate of: saves the
  // system call, as closing takes it out of epoll.
  virtual void Forget(int fd, FdHandler* handler) = 0;

  // Arms (or re-arms) for a deadline on now_ns()'s scale. A timer that is armed from a timer's
  // callback fires in the next wake-up at the earliest, however early its deadline.
  virtual void Arm(Timer& timer, std::uint64_t deadline_ns) = 0;
  virtual void Cancel(Timer& timer) = 0;

  // Runs OnDeferred at the end of this wake-up (outside Run: of the next, which does not wait); once, if
  // queued twice.
  virtual void Defer(Deferred& deferred) = 0;

 protected:
  std::uint64_t now_ns_ = 0;
};

}  // namespace ronda::net
