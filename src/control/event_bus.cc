#include "control/event_bus.h"

#include <utility>

namespace ronda::control {

void EventBus::Publish(std::string type, std::string json) {
  const std::lock_guard lock(mutex_);
  events_.push_back({next_++, std::move(type), std::move(json)});
  if (events_.size() > kept_) events_.pop_front();
  for (const auto& [handle, listener] : listeners_) listener(events_.back());
}

std::uint64_t EventBus::Subscribe(std::uint64_t after, Listener listener) {
  const std::lock_guard lock(mutex_);
  if (after > 0) {
    for (const Event& event : events_) {
      if (event.id > after) listener(event);
    }
  }
  listeners_[next_handle_] = std::move(listener);
  return next_handle_++;
}

void EventBus::Unsubscribe(std::uint64_t handle) {
  const std::lock_guard lock(mutex_);
  listeners_.erase(handle);
}

std::uint64_t EventBus::newest() const {
  const std::lock_guard lock(mutex_);
  return next_ - 1;
}

std::uint64_t EventBus::oldest() const {
  const std::lock_guard lock(mutex_);
  return events_.empty() ? next_ : events_.front().id;
}

}  // namespace ronda::control
