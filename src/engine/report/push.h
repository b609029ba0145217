#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace ronda::engine::report {

// One HTTP POST to an address that the poster knows.
struct PostRequest {
  std::vector<std::pair<std::string, std::string>> headers;  // Content-Type and the like
  std::string body;
};
struct PostResult {
  int status = 0;           // 0: there was no response
  std::string error;        // then: why; else what an answer that is no success says
};

// Sends to one address. Made by whoever owns a network; this room has none.
class Poster {
 public:
  virtual ~Poster() = default;
  // Sends; calls `done` exactly once, from any thread, possibly at once.
  virtual void Post(PostRequest request, std::function<void(PostResult)> done) = 0;
};

// Bodies on their way to an address: a bounded queue, one request at a time, repeated with growing
// pauses while the other side is busy or away (no response, 429, 5xx). What finds no room, is refused
// or was tried kMostTries times is dropped and counted in items. Thread-safe.
class PushQueue {
 public:
  static constexpr int kMostTries = 5;
  struct Options {
    std::size_t most_bodies = 64;
    std::uint64_t first_pause_ns = 250'000'000;  // doubles with each try
  };
  struct Counters {
    std::uint64_t sent = 0;  // items
    std::uint64_t dropped = 0;  // items
    std::string last_error;
  };

  // `poster` is borrowed, and outlives the queue and every call of `done`.
  PushQueue(Poster& poster, Options options);
  ~PushQueue();

  // `items`: how many spans or series are in it. False when it was dropped.
  bool Offer(PostRequest request, std::uint64_t items);
  // Sends what may be sent at `now_ns` (monotonic). Call about ten times a second.
  void Tick(std::uint64_t now_ns);
  // Nothing waits and nothing is under way.
  [[nodiscard]] bool idle() const;
  // Drops all that waits: the run is over and its time to flush too.
  void GiveUp();
  [[nodiscard]] Counters counters() const;

 private:
  struct Body {
    PostRequest request;
    std::uint64_t items = 0;
    int tries = 0;
  };
  struct State;

  std::shared_ptr<State> state_;  // shared with the calls that are under way
  Poster& poster_;
};

}  // namespace ronda::engine::report
