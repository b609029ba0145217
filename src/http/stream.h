#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace ronda::http {

struct StreamOptions {
  std::size_t pending_bytes = 1u << 20;  // what may wait for a client that reads slowly
  // Sent when nothing else was for `heartbeat`, so that a client that is gone is noticed and nobody
  // between takes the connection for dead. The default is a comment of an event stream; empty: none.
  std::chrono::milliseconds heartbeat{15'000};
  std::string heartbeat_text = ":\n\n";
};

// The body of an answer that is produced over time, by any thread. A handle: copies are the same stream.
// Outlives the connection and the server without harm; then it is gone.
class Stream {
 public:
  enum class Written : std::uint8_t {
    kYes,
    kFull,  // nothing was taken: pending_bytes would be exceeded
    kGone,  // nobody reads any more
  };
  // Sends bytes, behind those that were written before.
  Written Write(std::string_view bytes);
  // No more bytes: the answer ends after those that were written. Idempotent.
  void End();
  // The client has gone, the server stops, or the answer has ended.
  [[nodiscard]] bool gone() const;
  // Calls `then` once, by a thread of the server, when it is gone; at once, by this thread, when it is
  // already. One function a stream.
  void OnGone(std::function<void()> then);

  class State;
  explicit Stream(std::shared_ptr<State> state) : state_(std::move(state)) {}

 private:
  std::shared_ptr<State> state_;
};

// An event of an event stream (WHATWG HTML, "Server-sent events"). Data of several lines is sent as
// several; the client puts them together again.
struct Event {
  std::string_view data;
  std::string_view type = {};  // "message" when empty
  std::string_view id = {};  // comes back as Last-Event-ID after a break; no line ends, no NUL
};
[[nodiscard]] std::string TextOf(const Event& event);

}  // namespace ronda::http
