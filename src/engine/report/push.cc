#include "engine/report/push.h"

namespace ronda::engine::report {
namespace {

bool WorthAnotherTry(const PostResult& result) {
  return result.status == 0 || result.status == 429 || result.status >= 500;
}

}  // namespace

struct PushQueue::State {
  Options options;
  mutable std::mutex mutex;
  std::deque<Body> waiting;       // guarded by mutex, as all below
  bool under_way = false;
  Body sent;                      // the body that is under way, kept for another try
  std::uint64_t pause_until_ns = 0;
  std::uint64_t now_ns = 0;       // of the last Tick
  bool given_up = false;
  Counters counters;

  void Drop(const Body& body) { counters.dropped += body.items; }

  void Done(const PostResult& result) {
    const std::lock_guard lock(mutex);
    under_way = false;
    Body body = std::move(sent);
    if (result.status >= 200 && result.status < 300) {
      counters.sent += body.items;
      pause_until_ns = 0;
      return;
    }
    counters.last_error = result.error;
    if (result.status != 0) {
      counters.last_error = "HTTP status " + std::to_string(result.status) +
                            (result.error.empty() ? "" : ": " + result.error);
    }
    if (!WorthAnotherTry(result) || ++body.tries >= kMostTries || given_up) {
      Drop(body);
      return;
    }
    pause_until_ns = now_ns + (options.first_pause_ns << (body.tries - 1));
    waiting.push_front(std::move(body));
  }
};

PushQueue::PushQueue(Poster& poster, Options options)
    : state_(std::make_shared<State>()), poster_(poster) {
  state_->options = options;
}

PushQueue::~PushQueue() { GiveUp(); }

bool PushQueue::Offer(PostRequest request, std::uint64_t items) {
  const std::lock_guard lock(state_->mutex);
  if (state_->waiting.size() >= state_->options.most_bodies || state_->given_up) {
    state_->counters.dropped += items;
    return false;
  }
  state_->waiting.push_back({std::move(request), items, 0});
  return true;
}

void PushQueue::Tick(std::uint64_t now_ns) {
  PostRequest request;
  {
    const std::lock_guard lock(state_->mutex);
    state_->now_ns = now_ns;
    if (state_->under_way || state_->waiting.empty() || now_ns < state_->pause_until_ns) return;
    state_->under_way = true;
    state_->sent = std::move(state_->waiting.front());
    state_->waiting.pop_front();
    request = state_->sent.request;
  }
  poster_.Post(std::move(request), [state = state_](PostResult result) { state->Done(result); });
}

bool PushQueue::idle() const {
  const std::lock_guard lock(state_->mutex);
  return state_->waiting.empty() && !state_->under_way;
}

void PushQueue::GiveUp() {
  const std::lock_guard lock(state_->mutex);
  state_->given_up = true;
  for (const Body& body : state_->waiting) state_->Drop(body);
  state_->waiting.clear();
}

PushQueue::Counters PushQueue::counters() const {
  const std::lock_guard lock(state_->mutex);
  return state_->counters;
}

}  // namespace ronda::engine::report
