// A server that writes down when each request arrived, and can stand still for a while: what a
// constant rate looks like from the other side, and what a stall costs.
//
//   record_server [--port 0] [--stall-at S] [--stall-for S] [--out FILE]
//
// Prints "port N" when it listens. Serves GETs on keepalive connections until SIGTERM or SIGINT;
// then writes the arrival times to FILE (unsigned 64-bit ns, monotonic, one a request) and prints a
// JSON object: requests, stall_start_ns, stall_end_ns (0 when there was none).
//
// An arrival is the kernel's receive time stamp (SO_TIMESTAMPNS), brought to the monotonic clock:
// so a busy server does not colour the measurement. During a stall nothing is read or accepted.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <vector>

#include "../common.h"

namespace ronda::bench {
namespace {

volatile sig_atomic_t stopped = 0;
void Stop(int) { stopped = 1; }

std::string Response() {
  const std::string body(200, 'x');
  return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 200\r\n\r\n" + body;
}

class Server {
 public:
  Server(double stall_at, double stall_for)
      : stall_at_ns_(static_cast<std::uint64_t>(stall_at * 1e9)),
        stall_for_ns_(static_cast<std::uint64_t>(stall_for * 1e9)) {
    arrivals_.reserve(1 << 20);
  }

  // Returns the port, or 0.
  int Listen(int port) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int one = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
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
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    Watch(listener_);
    return ntohs(address.sin_port);
  }

  void Serve() {
    std::array<epoll_event, 512> events;
    while (stopped == 0) {
      MaybeStall();
      const int ready = epoll_wait(epoll_, events.data(), events.size(), 20);
      SampleClocks();
      for (int i = 0; i < ready; ++i) {
        const int fd = events[static_cast<std::size_t>(i)].data.fd;
        if (fd == listener_) {
          Accept();
        } else {
          Read(fd);
        }
      }
    }
  }

  void Report(const std::string& path) const {
    if (!path.empty()) {
      std::FILE* out = std::fopen(path.c_str(), "wb");
      if (out == nullptr) {
        std::perror(path.c_str());
        std::exit(1);
      }
      std::fwrite(arrivals_.data(), sizeof(std::uint64_t), arrivals_.size(), out);
      std::fclose(out);
    }
    std::printf("{\"requests\":%zu,\"stall_start_ns\":%lu,\"stall_end_ns\":%lu}\n",
                arrivals_.size(), stall_start_ns_, stall_end_ns_);
  }

 private:
  void Watch(int fd) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  void Accept() const {
    const int one = 1;
    int fd;
    while ((fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
      Watch(fd);
    }
  }

  // Real minus monotonic time, sampled at each wake-up: the clocks may drift apart.
  void SampleClocks() {
    timespec real{};
    clock_gettime(CLOCK_REALTIME, &real);
    now_ns_ = NowNs();
    real_offset_ns_ =
        real.tv_sec * 1'000'000'000ll + real.tv_nsec - static_cast<long long>(now_ns_);
  }

  void Read(int fd) {
    std::array<char, 65536> buffer;
    alignas(cmsghdr) std::array<char, 256> control;
    iovec piece{buffer.data(), buffer.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t got = recvmsg(fd, &message, 0);
    if (got <= 0) {
      if (got < 0 && errno == EAGAIN) return;
      close(fd);
      return;
    }
    // Requests are small and come whole; anything else is not a client of ours.
    if (got < 4 || std::memcmp(buffer.data() + got - 4, "\r\n\r\n", 4) != 0) return;
    arrivals_.push_back(ArrivalNs(message));
    if (send(fd, response_.data(), response_.size(), MSG_NOSIGNAL) < 0) close(fd);
  }

  std::uint64_t ArrivalNs(msghdr& message) const {
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
         part = CMSG_NXTHDR(&message, part)) {
      if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_TIMESTAMPNS) continue;
      timespec stamp{};
      std::memcpy(&stamp, CMSG_DATA(part), sizeof stamp);
      return static_cast<std::uint64_t>(stamp.tv_sec * 1'000'000'000ll + stamp.tv_nsec -
                                        real_offset_ns_);
    }
    return now_ns_;
  }

  void MaybeStall() {
    if (stall_for_ns_ == 0 || stall_start_ns_ != 0 || arrivals_.empty()) return;
    const std::uint64_t now = NowNs();
    if (now < arrivals_.front() + stall_at_ns_) return;
    stall_start_ns_ = now;
    const std::uint64_t until = now + stall_for_ns_;
    while (NowNs() < until && stopped == 0) usleep(500);
    stall_end_ns_ = NowNs();
  }

  const std::uint64_t stall_at_ns_;
  const std::uint64_t stall_for_ns_;
  std::uint64_t stall_start_ns_ = 0;
  std::uint64_t stall_end_ns_ = 0;
  int listener_ = -1;
  int epoll_ = -1;
  std::uint64_t now_ns_ = 0;
  long long real_offset_ns_ = 0;
  const std::string response_ = Response();
  std::vector<std::uint64_t> arrivals_;
};

}  // namespace
}  // namespace ronda::bench

int main(int argc, char** argv) {
  using namespace ronda::bench;
  const Flags flags(argc, argv);
  struct sigaction action{};
  action.sa_handler = Stop;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  Server server(flags.Number("--stall-at", 0), flags.Number("--stall-for", 0));
  const int port = server.Listen(flags.Int("--port", 0));
  if (port == 0) {
    std::perror("record_server: listen");
    return 1;
  }
  std::printf("port %d\n", port);
  std::fflush(stdout);
  server.Serve();
  server.Report(flags.Text("--out", ""));
  return 0;
}
