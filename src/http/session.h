#pragma once

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <functional>
#include <memory>
#include <string>

#include "http/server.h"

namespace ronda::http {

// What the connections of a server share. Outlives them.
struct Shared {
  ServerOptions options;
  Handler handler;
  Refuse refuse;
  std::string id_prefix;  // of the ids of requests: this server's own
  std::atomic<std::uint64_t> next_id{1};
};

// A connection as its server sees it.
class Connection {
 public:
  virtual ~Connection() = default;
  virtual void Run() = 0;
  // No request after the one under way; a connection that waits for one is closed. Any thread.
  virtual void Finish() = 0;
};

// A connection over `socket`, which has a strand of its own. With `tls`: a TLS one. `ended` is called
// when it is no more.
[[nodiscard]] std::shared_ptr<Connection> MakeConnection(boost::asio::ip::tcp::socket socket,
                                                         boost::asio::ssl::context* tls,
                                                         Shared& shared,
                                                         std::function<void()> ended);

}  // namespace ronda::http
