// A server that costs less a request than the leanest client, so that it is the client under
// measurement that works without a pause: canned responses over HTTP/1.1 keepalive, one thread, no
// epoll; it asks every connection in turn and never sleeps while one is open.
//
//   lean_server [--port 0] [--cert FILE --key FILE]
//
// With a certificate it speaks TLS instead.
//
// Prints "port N" when it listens; at SIGUSR1 "requests N", the requests answered so far; ends at
// SIGTERM and SIGINT. A path that begins with /api/ or /check/ is answered with the order's JSON, any
// other with 200 bytes of text. Requests are counted by their own framing (head, Content-Length), not
// by what was received at once.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <vector>

#include "../common.h"
#include "tls_side.h"

namespace ronda::bench {
namespace {

volatile sig_atomic_t stopped = 0;
volatile sig_atomic_t asked = 0;
void OnSignal(int signal) { (signal == SIGUSR1 ? asked : stopped) = 1; }

constexpr std::size_t kMostRequest = 64 * 1024;
constexpr int kRoundsAnAccept = 16;

// The head that nginx sends, header by header: a client has to parse what it would meet outside.
std::string Response(std::string_view type, std::string_view body) {
  return "HTTP/1.1 200 OK\r\nServer: lean/1.0.0\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
         "Content-Type: " +
         std::string(type) + "\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\nConnection: keep-alive\r\n\r\n" + std::string(body);
}

std::string Order() {
  return R"({"id":"ord-3141592","state":"accepted","amount":1999,)"
         R"("items":[{"sku":"sku-77","qty":2}],"note":")" +
         std::string(90, 'x') + "\"}";
}

// The size of the request that `data` begins with, 0 if it has not come whole.
std::size_t RequestSize(std::string_view data) {
  static constexpr std::string_view kHeadEnd = "\r\n\r\n";
  static constexpr std::string_view kLength = "\r\ncontent-length:";
  // Most are a head and nothing else, or nothing else but the body.
  if (data.size() < kHeadEnd.size()) return 0;
  const bool get = data.front() == 'G';
  if (get && data.ends_with(kHeadEnd) && data.find(kHeadEnd) == data.size() - kHeadEnd.size()) {
    return data.size();
  }
  const std::size_t head = data.find(kHeadEnd);
  if (head == std::string_view::npos) return 0;
  std::size_t size = head + kHeadEnd.size();
  for (std::size_t at = data.find("\r\n"); at + kLength.size() < head;
       at = data.find("\r\n", at + 2)) {
    if (strncasecmp(data.data() + at, kLength.data(), kLength.size()) != 0) continue;
    size += std::strtoul(data.data() + at + kLength.size(), nullptr, 10);
  }
  return size <= data.size() ? size : 0;
}

class Server {
 public:
  // Speaks TLS from now on; takes `context`.
  void UseTls(SslContext context) { tls_ = std::move(context); }

  // Returns the port, or 0.
  int Listen(int port) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int one = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    // The cheapest there is; its connections inherit it. Where it is missing the default stays.
    static constexpr std::string_view kCongestionControl = "reno";
    setsockopt(listener_, IPPROTO_TCP, TCP_CONGESTION, kCongestionControl.data(),
               kCongestionControl.size());
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        listen(listener_, 4096) != 0) {
      return 0;
    }
    socklen_t size = sizeof address;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
  }

  void Serve() {
    for (int round = 0; stopped == 0; ++round) {
      if (asked != 0) {
        asked = 0;
        std::printf("requests %lu\n", requests_);
        std::fflush(stdout);
      }
      if (connections_.empty()) {
        pollfd wanted{listener_, POLLIN, 0};
        poll(&wanted, 1, 100);
      }
      if (connections_.empty() || round % kRoundsAnAccept == 0) Accept();
      for (std::size_t i = 0; i < connections_.size();) {
        if (Read(connections_[i])) {
          ++i;
          continue;
        }
        SendDue();
        close(connections_[i].fd);
        std::swap(connections_[i], connections_.back());
        connections_.pop_back();
      }
      SendDue();
    }
  }

 private:
  struct Due {
    int fd = -1;
    std::string_view bytes;
    TlsSide* tls = nullptr;  // whose outgoing bytes these are
  };
  struct Connection {
    int fd = -1;
    std::string kept;  // of a request that did not come whole
    std::unique_ptr<TlsSide> tls = nullptr;
  };

  void Accept() {
    const int one = 1;
    int fd;
    while ((fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      connections_.push_back({fd, {}, tls_ ? std::make_unique<TlsSide>(tls_.get()) : nullptr});
    }
  }

  // False: the connection is over.
  bool Read(Connection& connection) {
    const ssize_t got = recv(connection.fd, buffer_.data(), buffer_.size() - 1, 0);
    if (got <= 0) return got < 0 && (errno == EAGAIN || errno == EINTR);
    std::string_view data(buffer_.data(), static_cast<std::size_t>(got));
    if (connection.tls != nullptr) {
      plain_.clear();
      const bool open = connection.tls->Take(data, plain_) && AnswerAll(connection, plain_);
      const std::string_view outgoing = connection.tls->Outgoing();
      if (!outgoing.empty()) due_.push_back({connection.fd, outgoing, connection.tls.get()});
      return open;
    }
    return AnswerAll(connection, data);
  }

  // Answers what these bytes ask for.
  bool AnswerAll(Connection& connection, std::string_view data) {
    if (!connection.kept.empty()) {
      connection.kept.append(data);
      data = connection.kept;
    }
    std::size_t size = 0;
    while (!data.empty() && (size = RequestSize(data)) > 0) {
      Answer(connection, data.substr(0, size));
      data.remove_prefix(size);
    }
    if (data.size() > kMostRequest) return false;
    if (!data.empty() || !connection.kept.empty()) connection.kept = std::string(data);
    return true;
  }

  void Answer(Connection& connection, std::string_view request) {
    ++requests_;
    const std::size_t path = request.find(' ') + 1;
    const bool order =
        request.substr(path).starts_with("/api/") || request.substr(path).starts_with("/check/");
    const std::string& response = order ? order_ : text_;
    if (connection.tls != nullptr) {
      connection.tls->Put(response);
    } else {
      due_.push_back({connection.fd, response});
    }
  }

  // All answers of a round at once: the client then finds many when it looks, and does not go to
  // sleep in between.
  void SendDue() {
    for (const Due& due : due_) {
      // A client that is gone or does not read shows at the next recv, or never asks again.
      (void)send(due.fd, due.bytes.data(), due.bytes.size(), MSG_NOSIGNAL);
      if (due.tls != nullptr) due.tls->Sent();
    }
    due_.clear();
  }

  int listener_ = -1;
  std::uint64_t requests_ = 0;
  std::vector<Connection> connections_;
  std::vector<Due> due_;  // of this round
  const std::string text_ = Response("text/plain", std::string(200, 'x'));
  const std::string order_ = Response("application/json", Order());
  SslContext tls_;  // null in the clear
  std::string plain_;
  std::array<char, kMostRequest> buffer_;
};

}  // namespace
}  // namespace ronda::bench

int main(int argc, char** argv) {
  using namespace ronda::bench;
  const Flags flags(argc, argv);
  struct sigaction action{};
  action.sa_handler = OnSignal;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGUSR1, &action, nullptr);
  Server server;
  const std::string certificate = flags.Text("--cert", "");
  if (!certificate.empty()) {
    SslContext context = MakeSslContext(certificate, flags.Text("--key", ""));
    if (context == nullptr) {
      std::fputs("lean_server: --cert and --key: no certificate and key in PEM\n", stderr);
      return 2;
    }
    server.UseTls(std::move(context));
  }
  const int port = server.Listen(flags.Int("--port", 0));
  if (port == 0) {
    std::perror("lean_server: listen");
    return 1;
  }
  std::printf("port %d\n", port);
  std::fflush(stdout);
  server.Serve();
  return 0;
}
