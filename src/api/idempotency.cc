#include "api/idempotency.h"

namespace ronda::api {
namespace {

constexpr std::uint64_t kKeptNs = 86'400'000'000'000;

}  // namespace

base::Result<std::optional<http::Response>> IdempotencyInMemory::Begin(const Key& key) {
  const std::lock_guard lock(mutex_);
  DropOld();
  const Name name(key.user, key.key);
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    const auto place = oldest_first_.insert(oldest_first_.end(), name);
    entries_[name] = {key.request, std::nullopt, clock_.MonotonicNs(), place};
    return std::optional<http::Response>();
  }
  if (found->second.request != key.request) {
    return base::InvalidArgument("Idempotency-Key was used for another request: take a new one");
  }
  if (!found->second.answer) {
    return base::Aborted("the request with this Idempotency-Key is still being worked on");
  }
  return found->second.answer;
}

void IdempotencyInMemory::Finish(const Key& key, const http::Response& answer) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find({key.user, key.key});
  if (found != entries_.end()) found->second.answer = answer;
}

void IdempotencyInMemory::Forget(const Key& key) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find({key.user, key.key});
  if (found == entries_.end()) return;
  oldest_first_.erase(found->second.place);
  entries_.erase(found);
}

void IdempotencyInMemory::DropOld() {
  const std::uint64_t now = clock_.MonotonicNs();
  while (!oldest_first_.empty()) {
    const auto oldest = entries_.find(oldest_first_.front());
    if (entries_.size() < most_ && now - oldest->second.begun_ns < kKeptNs) return;
    oldest_first_.pop_front();
    entries_.erase(oldest);
  }
}

}  // namespace ronda::api
