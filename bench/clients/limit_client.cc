// The limit: what the kernel and the least imaginable client cost, with nothing of a load tool in
// it. Closed loop, a fixed number of keepalive connections, one epoll thread, responses of one known
// length (learnt from the first), no parser and no clock read a request. Any real client is
// measured as a share of this.
//
//   limit_client --port N [--mode get|scenario] [--connections 64] [--seconds 3] [--path /]
//
// get       a constant GET, the response is only counted in bytes
// scenario  a POST whose URL and JSON body are built anew for each request, a header beside it, and
//           a check of the status and of a value in the body: the floor of the scenario figures
//
// Prints one JSON object: requests, seconds, cpu_seconds, failed_checks.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <vector>

#include "../common.h"

namespace ronda::bench {
namespace {

constexpr std::string_view kExpectedId = "\"id\":\"ord-";

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  std::exit(1);
}

int Connect(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) Die("connect");
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

// Builds requests into one buffer.
class GetRequests {
 public:
  GetRequests(const std::string& path, int port) {
    text_ = "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) + "\r\n\r\n";
  }
  std::string_view Next(std::uint64_t) { return text_; }
  static bool Check(const char*, std::size_t) { return true; }

 private:
  std::string text_;
};

class ScenarioRequests {
 public:
  ScenarioRequests(const std::string& path, int port)
      : path_(path),
        host_(" HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
              "\r\nContent-Type: application/json\r\nX-Request-Source: bench\r\n"
              "Content-Length: ") {}

  std::string_view Next(std::uint64_t n) {
    seed_ = seed_ * 1103515245u + 12345u;
    char* body = body_.data();
    body = Put(body, R"({"user":)");
    body = Put(body, n % 10000);
    body = Put(body, R"(,"item":"sku-)");
    body = Put(body, seed_ % 99999);
    body = Put(body, R"(","qty":)");
    body = Put(body, n % 7);
    body = Put(body, "}");
    const auto body_size = static_cast<std::size_t>(body - body_.data());

    char* out = text_.data();
    out = Put(out, "POST ");
    out = Put(out, path_);
    out = Put(out, n);
    out = Put(out, "?u=");
    out = Put(out, seed_ % 100000);
    out = Put(out, host_);
    out = Put(out, body_size);
    out = Put(out, "\r\n\r\n");
    out = Put(out, std::string_view(body_.data(), body_size));
    return {text_.data(), static_cast<std::size_t>(out - text_.data())};
  }

  static bool Check(const char* response, std::size_t size) {
    return size > 12 && std::memcmp(response + 9, "200", 3) == 0 &&
           memmem(response, size, kExpectedId.data(), kExpectedId.size()) != nullptr;
  }

 private:
  static char* Put(char* at, std::string_view text) {
    std::memcpy(at, text.data(), text.size());
    return at + text.size();
  }
  static char* Put(char* at, std::uint64_t number) {
    return std::to_chars(at, at + 20, number).ptr;
  }

  std::string path_;
  std::string host_;
  std::array<char, 256> body_{};
  std::array<char, 1024> text_{};
  unsigned seed_ = 1;
};

void SendAll(int fd, std::string_view request) {
  const ssize_t sent = send(fd, request.data(), request.size(), MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(request.size())) Die("send");
}

// One exchange by itself: how long this server's response is.
std::size_t LearnResponseSize(int port, std::string_view request) {
  const int fd = Connect(port);
  SendAll(fd, request);
  std::string response;
  std::size_t expected = 0;
  std::array<char, 65536> buffer;
  while (expected == 0 || response.size() < expected) {
    const ssize_t got = recv(fd, buffer.data(), buffer.size(), 0);
    if (got <= 0) Die("recv of the first response");
    response.append(buffer.data(), static_cast<std::size_t>(got));
    const std::size_t head_end = response.find("\r\n\r\n");
    const std::size_t length = response.find("Content-Length: ");
    if (head_end == std::string::npos || length == std::string::npos) continue;
    expected = head_end + 4 + std::strtoul(response.c_str() + length + 16, nullptr, 10);
  }
  close(fd);
  return expected;
}

template <typename Requests>
void Run(Requests requests, int port, int connections, double seconds) {
  const std::size_t response_size = LearnResponseSize(port, requests.Next(0));
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  std::vector<std::size_t> received(static_cast<std::size_t>(connections) + 4096);
  for (int i = 0; i < connections; ++i) {
    const int fd = Connect(port);
    if (static_cast<std::size_t>(fd) >= received.size()) received.resize(fd + 1);
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    event.data.fd = fd;
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    SendAll(fd, requests.Next(static_cast<std::uint64_t>(i)));
  }
  const std::uint64_t start = NowNs();
  const std::uint64_t end = start + static_cast<std::uint64_t>(seconds * 1e9);
  std::uint64_t done = 1;  // the learnt one
  std::uint64_t failed = 0;
  std::uint64_t now = start;
  std::array<epoll_event, 512> events;
  std::array<char, 65536> buffer;
  while (now < end) {
    const int ready = epoll_wait(epoll, events.data(), events.size(), 1000);
    now = NowNs();
    for (int i = 0; i < ready; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      const ssize_t got = recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (got <= 0) {
        if (got < 0 && errno == EAGAIN) continue;
        Die("recv");
      }
      std::size_t& so_far = received[static_cast<std::size_t>(fd)];
      so_far += static_cast<std::size_t>(got);
      if (so_far < response_size) continue;
      so_far = 0;
      ++done;
      if (!Requests::Check(buffer.data(), static_cast<std::size_t>(got))) ++failed;
      SendAll(fd, requests.Next(done));
    }
  }
  std::printf("{\"requests\":%lu,\"seconds\":%.6f,\"cpu_seconds\":%.6f,\"failed_checks\":%lu}\n",
              done, static_cast<double>(now - start) / 1e9, CpuSeconds(), failed);
}

}  // namespace
}  // namespace ronda::bench

int main(int argc, char** argv) {
  using namespace ronda::bench;
  const Flags flags(argc, argv);
  const int port = flags.Int("--port", 0);
  const int connections = flags.Int("--connections", 64);
  const double seconds = flags.Number("--seconds", 3);
  if (port == 0) {
    std::fputs("limit_client: --port is missing\n", stderr);
    return 2;
  }
  if (flags.Text("--mode", "get") == "scenario") {
    Run(ScenarioRequests(flags.Text("--path", "/api/order/"), port), port, connections, seconds);
  } else {
    Run(GetRequests(flags.Text("--path", "/"), port), port, connections, seconds);
  }
  return 0;
}
