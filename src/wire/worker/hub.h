#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/core/status.h"
#include "wire/worker/tls_files.h"
#include "wire/worker/worker.pb.h"

namespace ronda::wire::worker {

// One worker's stream, from its Attach to its end. Never used again in the hub's life.
using Session = std::uint64_t;

// Who is at the other end.
struct Peer {
  std::string address;      // "ipv4:10.0.0.7:51112", as gRPC says it
  std::string certificate;  // the subject's common name that mTLS proved; empty: none
};

// What happens to sessions. Called by gRPC's threads: of one session one call at a time, in this order;
// of different sessions at the same time. A session is read on when OnMessage returns: whoever is slow
// here slows that worker.
class HubEvents {
 public:
  virtual ~HubEvents() = default;
  virtual void OnAttach(Session session, const Peer& peer) = 0;
  virtual void OnMessage(Session session, FromWorker message) = 0;
  // Its last call. `why`: ok when the worker left by itself.
  virtual void OnDetach(Session session, const base::Status& why) = 0;
};

struct HubOptions {
  std::string address = "127.0.0.1";  // or an IPv6 address; 0.0.0.0 for all
  std::uint16_t port = 0;  // 0: a free one
  TlsFiles tls = {};  // no files: plain HTTP/2
  // Whether a worker that shows this token may attach. Any thread of gRPC; may block for a moment.
  std::function<base::Status(std::string_view token)> authorise = {};
  std::size_t queue_bytes = 32u << 20;  // not yet sent to one worker; past it its session is closed
  std::size_t message_bytes =
      16u << 20;  // of one message of a worker; past it its session is closed
  std::chrono::milliseconds keepalive{5'000};  // a ping on a silent connection
  std::chrono::milliseconds keepalive_timeout{5'000};  // a ping without an answer: it is gone
};

// The server's side of the stream: accepts workers, hands over what they say. gRPC C++ stands behind
// it, with its own threads.
class Hub {
 public:
  // `events` outlives it. InvalidArgument for bad files of `tls`; Unavailable when the address cannot
  // be bound.
  [[nodiscard]] static base::Result<std::unique_ptr<Hub>> Start(HubOptions options,
                                                                HubEvents& events);
  ~Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  // Puts a message into the session's queue. Any thread, never blocks, also from inside of events.
  // False: the session has ended, or ends now because its worker did not take what was sent before.
  bool Send(Session session, ToWorker message);
  // Ends a session once what was sent before is on its way; `why` is what the worker is told. Any thread.
  void Close(Session session, const base::Status& why);
  // Ends every session and returns once the last OnDetach did. Idempotent. Not from inside of events.
  void Stop();
  [[nodiscard]] std::uint16_t port() const;

 private:
  class Impl;
  explicit Hub(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ronda::wire::worker
