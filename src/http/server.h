#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/core/byte_budget.h"
#include "base/core/status.h"
#include "http/stream.h"

namespace ronda::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

// A request that was read whole. A value.
struct Request {
  std::string method;  // "POST"
  std::string target;  // as sent: "/api/v1/traces?limit=20"
  Headers headers = {};  // as sent, in order
  std::string body = {};
  base::ByteReservation memory = {};  // of the server's budget, at least body.size()
  // The sender's X-Request-Id when it is one (1 to 64 letters, digits, '.', '_', '-'), or the server's.
  // Every answer carries it.
  std::string id = {};
  std::string peer = {};  // the address of the other side, without its port

  // The first header of that name in any case, or "".
  [[nodiscard]] std::string_view Header(std::string_view name) const;
  // The target up to '?', and what follows it.
  [[nodiscard]] std::string_view path() const;
  [[nodiscard]] std::string_view query() const;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body = {};
  Headers headers = {};  // more of them; Content-Length and Connection are the server's
  // Set: the answer has no `body`; after its head this is called once, by a thread of the server, and
  // what is written to the stream is the body. The connection ends with it.
  std::function<void(Stream)> stream = {};
  StreamOptions stream_options = {};
};

// Sends the answer. To be called once, by any thread, at once or later.
using Reply = std::function<void(Response)>;
// Called by the server's threads, several at a time.
using Handler = std::function<void(Request, Reply)>;
// Answers what the server refuses by itself: 400, 401, 408, 413, 429, 431. `request` has no body, and
// is empty when its head could not be read.
using Refuse = std::function<Response(int status, std::string_view why, const Request& request)>;

struct Tls {
  std::string certificate_file;  // PEM, with its chain
  std::string key_file;  // PEM
};

struct ServerOptions {
  std::string address = "127.0.0.1";  // or an IPv6 address; 0.0.0.0 for all
  std::uint16_t port = 0;  // 0: a free one
  int threads = 2;
  std::size_t header_bytes = 64u << 10;  // past it: 431
  std::size_t body_bytes = 64u << 20;  // as sent; past it: 413
  std::uint32_t connections = 4096;  // more wait to be accepted
  std::chrono::milliseconds idle{120'000};  // a kept connection without a request is closed
  std::chrono::milliseconds slow{60'000};  // a request or answer without progress is given up
  std::chrono::milliseconds drain{10'000};  // Stop waits for answers this long
  base::ByteBudget* memory = nullptr;  // of bodies; exhausted: 429. Null: not counted
  std::string bearer_token = {};  // empty: everybody may
  Tls tls = {};  // no files: plain HTTP
};

// {"code":..., "message":...}, with Retry-After for 429 and 503.
[[nodiscard]] Response RefuseAsJson(int status, std::string_view why, const Request& request);

// An HTTP/1.1 server with its own threads: keep-alive, Expect: 100-continue, chunked bodies, TLS 1.2
// and up. Boost.Beast stands behind it. Start and destroy it from one thread.
class Server {
 public:
  // Unavailable when the address cannot be bound; InvalidArgument for a bad address or certificate.
  [[nodiscard]] static base::Result<std::unique_ptr<Server>> Start(const ServerOptions& options,
                                                                   Handler handler,
                                                                   Refuse refuse = RefuseAsJson);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Accepts no more, lets requests that were begun have their answers, and ends. Streams take no
  // more; what was written to them before is sent. Idempotent.
  void Stop();

  [[nodiscard]] std::uint16_t port() const;
  // "http://127.0.0.1:4318"
  [[nodiscard]] std::string url() const;

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ronda::http
