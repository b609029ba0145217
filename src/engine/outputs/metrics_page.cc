#include "engine/outputs/metrics_page.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <vector>

#include "engine/report/prometheus.h"

namespace ronda::engine {
namespace {

constexpr std::size_t kLongestHead = 8 * 1024;
constexpr std::size_t kMostClients = 16;
constexpr std::uint64_t kClientLimitNs = 10'000'000'000;

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

base::Status BadAddress(std::string_view text) {
  return base::InvalidArgument("metrics address \"" + std::string(text) +
                               "\": write ADDRESS:PORT, e.g. 127.0.0.1:9464, or a port alone");
}

base::Result<Address> ReadAddress(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  std::string host(colon == std::string_view::npos ? "" : text.substr(0, colon));
  const std::string_view digits = colon == std::string_view::npos ? text : text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size())
    return BadAddress(text);
  if (host.empty() || host == "localhost") host = "127.0.0.1";
  Address address;
  if (host.starts_with('[') && host.ends_with(']')) {
    auto* in6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    if (inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &in6->sin6_addr) != 1)
      return BadAddress(text);
    address.size = sizeof *in6;
    return address;
  }
  auto* in4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  in4->sin_family = AF_INET;
  in4->sin_port = htons(port);
  if (inet_pton(AF_INET, host.c_str(), &in4->sin_addr) != 1) return BadAddress(text);
  address.size = sizeof *in4;
  return address;
}

std::string TextOf(const sockaddr_storage& storage) {
  char host[INET6_ADDRSTRLEN] = "";
  if (storage.ss_family == AF_INET6) {
    const auto* in6 = reinterpret_cast<const sockaddr_in6*>(&storage);
    inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
    return "[" + std::string(host) + "]:" + std::to_string(ntohs(in6->sin6_port));
  }
  const auto* in4 = reinterpret_cast<const sockaddr_in*>(&storage);
  inet_ntop(AF_INET, &in4->sin_addr, host, sizeof host);
  return std::string(host) + ":" + std::to_string(ntohs(in4->sin_port));
}

std::string ResponseOf(std::string_view status, std::string_view type, std::string_view body,
                       bool with_body) {
  std::string out = "HTTP/1.1 " + std::string(status) + "\r\nContent-Type: " + std::string(type) +
                    "\r\nContent-Length: " + std::to_string(body.size()) +
                    "\r\nConnection: close\r\n\r\n";
  return with_body ? out.append(body) : out;
}

}  // namespace

Scrape ReadScrape(std::string_view bytes) {
  const std::size_t head = bytes.find("\r\n\r\n");
  if (head == std::string_view::npos)
    return bytes.size() > kLongestHead ? Scrape::kMalformed : Scrape::kIncomplete;
  const std::string_view line = bytes.substr(0, bytes.find("\r\n"));
  const std::size_t first = line.find(' '), last = line.rfind(' ');
  if (first == std::string_view::npos || first == 0 || last == first) return Scrape::kMalformed;
  if (!line.substr(last + 1).starts_with("HTTP/1.")) return Scrape::kMalformed;
  const std::string_view method = line.substr(0, first);
  std::string_view target = line.substr(first + 1, last - first - 1);
  target = target.substr(0, target.find('?'));
  if (target != "/metrics") return Scrape::kOtherPath;
  return method == "GET"    ? Scrape::kMetrics
         : method == "HEAD" ? Scrape::kHead
                            : Scrape::kOtherMethod;
}

struct MetricsPage::Impl : public net::FdHandler {
  struct Client : public net::FdHandler, public net::Timer {
    Client(Impl& owner, int socket) : impl(owner), fd(socket) {}
    ~Client() override { close(fd); }

    void OnReady(std::uint32_t) override {
      if (!out.empty()) {
        Write();
        return;
      }
      char buffer[4096];
      const ssize_t n = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
      if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (n <= 0) {
        impl.Drop(*this);
        return;
      }
      if (waiting) return;  // what comes after the head is not read
      in.append(buffer, static_cast<std::size_t>(n));
      asked = ReadScrape(in);
      switch (asked) {
        case Scrape::kIncomplete: return;
        case Scrape::kMetrics:
        case Scrape::kHead:
          waiting = true;
          impl.on_wanted();
          return;
        case Scrape::kOtherPath:
          Send(ResponseOf("404 Not Found", "text/plain", "metrics are at /metrics\n", true));
          return;
        case Scrape::kOtherMethod:
          Send(ResponseOf("405 Method Not Allowed", "text/plain", "GET is what is answered\n",
                          true));
          return;
        case Scrape::kMalformed:
          Send(ResponseOf("400 Bad Request", "text/plain", "this is no HTTP request\n", true));
          return;
      }
    }
    void OnTimer() override { impl.Drop(*this); }

    void Send(std::string text) {
      waiting = false;
      out = std::move(text);
      impl.reactor.Modify(fd, EPOLLOUT, this);
    }
    void Write() {
      while (sent < out.size()) {
        const ssize_t n =
            send(fd, out.data() + sent, out.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) break;
        sent += static_cast<std::size_t>(n);
      }
      impl.Drop(*this);
    }

    Impl& impl;
    const int fd;
    std::string in, out;
    std::size_t sent = 0;
    bool waiting = false;
    Scrape asked = Scrape::kIncomplete;
  };

  Impl(net::Reactor& r, int socket, std::function<void()> wanted)
      : reactor(r), fd(socket), on_wanted(std::move(wanted)) {}
  ~Impl() override {
    for (const auto& client : clients) reactor.Remove(client->fd, client.get());
    reactor.Remove(fd, this);
    close(fd);
  }

  void OnReady(std::uint32_t) override {
    const int socket = accept4(fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (socket < 0) return;
    auto client = std::make_unique<Client>(*this, socket);
    if (clients.size() >= kMostClients || !reactor.Add(socket, EPOLLIN, client.get()).ok()) return;
    reactor.Arm(*client, reactor.now_ns() + kClientLimitNs);
    clients.push_back(std::move(client));
  }
  void Drop(Client& client) {
    reactor.Remove(client.fd, &client);
    std::erase_if(clients, [&](const auto& each) { return each.get() == &client; });
  }

  net::Reactor& reactor;
  const int fd;
  const std::function<void()> on_wanted;
  std::string address;
  std::vector<std::unique_ptr<Client>> clients;
};

MetricsPage::MetricsPage(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MetricsPage::~MetricsPage() = default;

const std::string& MetricsPage::address() const { return impl_->address; }

void MetricsPage::Answer(std::string_view page) {
  for (const auto& client : impl_->clients) {
    if (!client->waiting) continue;
    client->Send(ResponseOf("200 OK", report::kPrometheusContentType, page,
                            client->asked == Scrape::kMetrics));
  }
}

base::Result<std::unique_ptr<MetricsPage>> MetricsPage::Listen(net::Reactor& reactor,
                                                               std::string_view address,
                                                               std::function<void()> on_wanted) {
  ASSIGN_OR_RETURN(const Address at, ReadAddress(address));
  const int fd = socket(at.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return base::FromErrno("metrics page", errno);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (bind(fd, reinterpret_cast<const sockaddr*>(&at.storage), at.size) != 0 ||
      listen(fd, 16) != 0 || getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
    const int why = errno;
    close(fd);
    return base::FromErrno("cannot serve metrics at " + TextOf(at.storage), why);
  }
  auto impl = std::make_unique<Impl>(reactor, fd, std::move(on_wanted));
  impl->address = TextOf(bound);
  RETURN_IF_ERROR(reactor.Add(fd, EPOLLIN, impl.get()));
  return std::unique_ptr<MetricsPage>(new MetricsPage(std::move(impl)));
}

}  // namespace ronda::engine
