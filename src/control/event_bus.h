#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ronda::control {

// What happened, for whoever looks on (the console, by server-sent events).
struct Event {
  std::uint64_t id = 0;  // grows by one
  std::string type;  // "run", "patrol", "worker", "gate", "definition"
  std::string json;
};

// Hands events to subscribers and keeps the last ones, so that one who was cut off for a moment misses
// nothing. Thread-safe; a subscriber is called by the publisher's thread and must not block.
class EventBus {
 public:
  using Listener = std::function<void(const Event&)>;

  explicit EventBus(std::size_t kept = 4096) : kept_(kept) {}

  void Publish(std::string type, std::string json);

  // All events after `after`, of those that are kept, are told at once; `after` 0: only what comes. The
  // handle ends it.
  std::uint64_t Subscribe(std::uint64_t after, Listener listener);
  // No call of the listener is running or comes once this has returned.
  void Unsubscribe(std::uint64_t handle);
  // The id of the newest event.
  [[nodiscard]] std::uint64_t newest() const;
  // The oldest event that is kept has this id; who has seen less has a gap.
  [[nodiscard]] std::uint64_t oldest() const;

 private:
  const std::size_t kept_;
  mutable std::mutex mutex_;
  std::deque<Event> events_;
  std::uint64_t next_ = 1;
  std::uint64_t next_handle_ = 1;
  std::map<std::uint64_t, Listener> listeners_;
};

}  // namespace ronda::control
