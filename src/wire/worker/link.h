#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/core/status.h"
#include "wire/worker/tls_files.h"
#include "wire/worker/worker.pb.h"

namespace ronda::wire::worker {

// What happens to a worker's link: one call at a time, by gRPC's threads and the link's own.
class LinkEvents {
 public:
  virtual ~LinkEvents() = default;
  // Attached to the server at `url`. What is sent from inside is the first that it gets.
  virtual void OnUp(const std::string& url) = 0;
  virtual void OnMessage(ToWorker message) = 0;
  // Not attached any more, or an attempt failed: `why` (Unauthenticated: the token). The next attempt
  // comes after `pause`.
  enum class Was : std::uint8_t { kAttached, kAttempt };
  virtual void OnDown(Was was, const std::string& url, const base::Status& why,
                      std::chrono::milliseconds pause) = 0;
};

struct LinkOptions {
  // Servers, tried in turn: "http://HOST:PORT", or "https://HOST:PORT" with TLS. At least one.
  std::vector<std::string> urls;
  std::string token = {};
  TlsFiles tls = {};
  // Between attempts: doubled from one to the other, drawn from the upper half; from the start again
  // after a link that lasted longer than the longest.
  std::chrono::milliseconds shortest_pause{200};
  std::chrono::milliseconds longest_pause{10'000};
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds keepalive{5'000};  // a ping on a silent connection
  std::chrono::milliseconds keepalive_timeout{5'000};  // a ping without an answer: it is gone
  std::size_t queue_bytes = 32u << 20;  // not yet sent; past it nothing more is taken
  std::size_t message_bytes = 64u << 20;  // of one message of the server
};

// The worker's side of the stream: stays attached to one of several servers, again and again. A
// NotLeader leads it on to the next server, or to the one that the message names.
class Link {
 public:
  // `events` outlives it. InvalidArgument for a bad URL or bad files of `tls`; a server that cannot be
  // reached is no error.
  [[nodiscard]] static base::Result<std::unique_ptr<Link>> Start(LinkOptions options,
                                                                 LinkEvents& events);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // Puts a message into the queue of this attachment, which is forgotten when it ends: what has to
  // arrive is sent again after the next OnUp. Any thread, never blocks, also from inside of events.
  // False: not attached, or the queue is full.
  bool Send(FromWorker message);
  // Gives up the present attachment (nothing comes any more, say); the next attempt follows. Any thread.
  void Reset();
  // Says what is queued, at most for `drain`, detaches, and returns after the last event. Idempotent.
  // Not from inside of events.
  void Stop(std::chrono::milliseconds drain = std::chrono::milliseconds(2'000));

 private:
  class Impl;
  explicit Link(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ronda::wire::worker
