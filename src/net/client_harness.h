#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/http_client.h"
#include "net/reactor.h"

namespace ronda::net {

// How an exchange ended, copied. For tests only.
struct Outcome {
  bool done = false;
  bool failed = false;
  int status = 0;
  HttpVersion version = HttpVersion::k11;
  std::string reason;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  bool body_truncated = false;
  std::uint64_t body_bytes = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  bool reused = false;
  std::string remote;
  bool tls = false;
  TlsInfo tls_info;
  Phases phases;
  std::uint64_t start_ns = 0, end_ns = 0;
  ErrorKind kind = ErrorKind::kOther;
  std::string detail;
};

// A handler that remembers.
class Remember : public ExchangeHandler {
 public:
  void OnResponse(const HttpResponse& response) override;
  void OnError(const ExchangeError& error) override;
  void OnHead(const HttpResponse& response) override;
  bool OnBody(std::string_view piece) override;

  Outcome outcome;
  int calls = 0;  // of OnResponse and OnError
  int head_status = 0;
  std::string streamed;
  std::function<void()> then;        // at the end of OnResponse and OnError
  std::function<void()> on_head;
  std::function<bool()> on_body;
};

// A reactor and a client, and ways to run them until something has happened. One thread.
class ClientHarness {
 public:
  explicit ClientHarness(HttpClient::Options options = {});

  // A GET of / at 127.0.0.1.
  [[nodiscard]] HttpRequest Request(std::uint16_t port) const;
  // Sends and runs until it has ended.
  Outcome Fetch(HttpSession& session, const HttpRequest& request);
  Outcome Fetch(const HttpRequest& request) {
    HttpSession session;
    return Fetch(session, request);
  }
  // Runs until `condition` holds; it is looked at after every wake-up. Fails the test after 20 s.
  void RunUntil(const std::function<bool()>& condition);

  std::unique_ptr<Reactor> reactor;
  std::unique_ptr<HttpClient> client;
  Transport transport;
};

}  // namespace ronda::net
