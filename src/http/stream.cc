#include "http/stream.h"

#include <algorithm>
#include <utility>

#include "http/stream_state.h"

namespace ronda::http {

Stream::Written Stream::State::Write(std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  if (gone_ || ended_) return Written::kGone;
  if (bytes.size() > most_ - std::min(most_, pending_.size() + in_flight_)) return Written::kFull;
  pending_ += bytes;
  Wake();
  return Written::kYes;
}

void Stream::State::End() {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  Wake();
}

bool Stream::State::gone() const {
  const std::lock_guard lock(mutex_);
  return gone_;
}

void Stream::State::OnGone(std::function<void()> then) {
  {
    const std::lock_guard lock(mutex_);
    if (!gone_) {
      on_gone_ = std::move(then);
      return;
    }
  }
  then();
}

std::string Stream::State::Take() {
  const std::lock_guard lock(mutex_);
  woken_ = false;
  in_flight_ = pending_.size();
  return std::exchange(pending_, {});
}

bool Stream::State::ended() const {
  const std::lock_guard lock(mutex_);
  return ended_ && pending_.empty();
}

void Stream::State::Close() {
  std::function<void()> then;
  {
    const std::lock_guard lock(mutex_);
    if (gone_) return;
    gone_ = true;
    wake_ = nullptr;
    pending_.clear();
    then = std::exchange(on_gone_, nullptr);
  }
  if (then) then();
}

void Stream::State::Wake() {
  if (woken_ || !wake_) return;
  woken_ = true;
  wake_();
}

Stream::Written Stream::Write(std::string_view bytes) { return state_->Write(bytes); }
void Stream::End() { state_->End(); }
bool Stream::gone() const { return state_->gone(); }
void Stream::OnGone(std::function<void()> then) { state_->OnGone(std::move(then)); }

std::string TextOf(const Event& event) {
  const auto is_bad = [](char c) { return c == '\n' || c == '\r' || c == '\0'; };
  std::string text;
  const auto put = [&](std::string_view field, std::string_view value) {
    if (value.empty()) return;
    text += field;
    std::ranges::remove_copy_if(value, std::back_inserter(text), is_bad);
    text += '\n';
  };
  put("id: ", event.id);
  put("event: ", event.type);
  std::string_view rest = event.data;
  for (bool more = true; more;) {
    const std::size_t end = rest.find_first_of("\r\n");
    text.append("data: ").append(rest.substr(0, end)) += '\n';
    more = end != rest.npos;
    if (more) rest.remove_prefix(end + (rest.substr(end).starts_with("\r\n") ? 2 : 1));
  }
  return text += '\n';
}

}  // namespace ronda::http
