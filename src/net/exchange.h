#pragma once

#include <cstdint>
#include <string_view>

#include "net/error_kind.h"
#include "net/http_client.h"
#include "net/response_body.h"

namespace ronda::net {

class Connecting;
class Connection;
class Http2Stream;

// One request on its way. Lives in the client's pool (its memory stays for the client's life); linked
// into its session's list from Send until its handler is called or it is cancelled. One thread.
struct Exchange {
  enum class State : std::uint8_t {
    kFree,  // in the pool
    kWaiting,  // for `connecting`, or for room on an HTTP/2 connection
    kRunning,  // on `connection`
    kFailing,  // its OnError comes at the end of this wake-up
  };

  HttpRequest request;
  ExchangeHandler* handler = nullptr;
  HttpSession::Impl* session = nullptr;
  Exchange* next = nullptr;  // the session's list, oldest first
  Exchange* previous = nullptr;
  State state = State::kFree;
  Connecting* connecting = nullptr;
  Connection* connection = nullptr;
  Http2Stream* stream = nullptr;  // on an HTTP/2 connection
  bool unrouted = false;  // counted in the session: waits for room, not for `connecting`
  bool avoid_reuse = false;  // a kept connection was stale: takes a new one

  std::uint64_t start_ns = 0;
  std::uint64_t deadline_ns = 0;  // ~0: none
  std::uint64_t begun_ns = 0;  // a connection took it
  std::uint64_t sent_ns = 0;  // its last byte left; 0: not yet
  std::uint64_t first_byte_ns = 0;  // of the response; 0: not yet
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  Phases phases;
  int status = 0;
  std::uint32_t interims = 0;  // 1xx heads so far
  bool reused = false;  // its connection has carried another exchange before
  bool source_read = false;  // bytes were taken from its BodySource, which cannot be rewound
  std::uint8_t retries = 0;
  std::uint32_t generation = 0;  // goes up when it ends: tells that a callback has ended it
  Failure failure;
  ResponseBody body;

  // Whether it may be sent once more without anybody noticing.
  [[nodiscard]] bool repeatable() const { return !source_read; }
  // Whether doing it twice is as doing it once (RFC 9110, 9.2.2).
  [[nodiscard]] bool idempotent() const {
    const std::string_view method = request.method;
    return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" ||
           method == "OPTIONS" || method == "TRACE";
  }
  // The end of the sending phase.
  void MarkSent(std::uint64_t now_ns) {
    sent_ns = now_ns;
    phases.send = now_ns - begun_ns;
  }
  void MarkFirstByte(std::uint64_t now_ns) {
    first_byte_ns = now_ns;
    // A response may come before the request has left.
    if (sent_ns == 0) MarkSent(now_ns);
    phases.first_byte = now_ns - sent_ns;
  }
  // Forgets what belongs to one attempt.
  void ResetAttempt() {
    connection = nullptr;
    connecting = nullptr;
    stream = nullptr;
    begun_ns = sent_ns = first_byte_ns = 0;
    bytes_sent = bytes_received = 0;
    status = 0;
    interims = 0;
    reused = false;
    body.Reset();
  }
};

}  // namespace ronda::net
