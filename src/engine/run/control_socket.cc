#include "engine/run/control_socket.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

namespace ronda::engine {
namespace {

constexpr std::size_t kLongestCommand = 4096;
constexpr std::size_t kMostClients = 16;

base::Result<sockaddr_un> AddressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return base::InvalidArgument("control socket: the path " + path + " is longer than " +
                                 std::to_string(sizeof address.sun_path - 1) +
                                 " bytes; choose a shorter one");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

int Connect(const sockaddr_un& address) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
  const int why = errno;
  close(fd);
  errno = why;
  return -1;
}

}  // namespace

struct ControlSocket::Impl : public net::FdHandler {
  // One client: reads lines, answers each.
  struct Client : public net::FdHandler {
    Client(Impl& owner, int socket) : impl(owner), fd(socket) {}
    ~Client() override { close(fd); }
    void OnReady(std::uint32_t) override {
      char buffer[1024];
      const ssize_t n = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
      if (n <= 0 && !(n < 0 && (errno == EAGAIN || errno == EINTR))) {
        impl.Drop(*this);
        return;
      }
      if (n > 0) text.append(buffer, static_cast<std::size_t>(n));
      for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
        const std::string answer = impl.handle(std::string_view(text).substr(0, end)) + "\n";
        text.erase(0, end + 1);
        // Answers are short; one that the socket does not take means that nobody reads.
        if (send(fd, answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT) !=
            static_cast<ssize_t>(answer.size())) {
          impl.Drop(*this);
          return;
        }
      }
      if (text.size() > kLongestCommand) impl.Drop(*this);
    }
    Impl& impl;
    const int fd;
    std::string text;
  };

  Impl(net::Reactor& r, int socket, std::string file, Handle h)
      : reactor(r), fd(socket), path(std::move(file)), handle(std::move(h)) {}
  ~Impl() override {
    for (const auto& client : clients) reactor.Remove(client->fd, client.get());
    reactor.Remove(fd, this);
    close(fd);
    unlink(path.c_str());
  }
  void OnReady(std::uint32_t) override {
    const int client = accept4(fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0) return;
    auto made = std::make_unique<Client>(*this, client);
    if (clients.size() >= kMostClients || !reactor.Add(client, EPOLLIN, made.get()).ok()) return;
    clients.push_back(std::move(made));
  }
  void Drop(Client& client) {
    reactor.Remove(client.fd, &client);
    std::erase_if(clients, [&](const auto& each) { return each.get() == &client; });
  }

  net::Reactor& reactor;
  const int fd;
  const std::string path;
  const Handle handle;
  std::vector<std::unique_ptr<Client>> clients;
};

ControlSocket::ControlSocket(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ControlSocket::~ControlSocket() = default;

base::Result<std::unique_ptr<ControlSocket>> ControlSocket::Listen(net::Reactor& reactor,
                                                                   const std::string& path,
                                                                   Handle handle) {
  ASSIGN_OR_RETURN(const sockaddr_un address, AddressOf(path));
  if (const int other = Connect(address); other >= 0) {
    close(other);
    return base::FailedPrecondition("control socket " + path +
                                    ": another run listens there; give --control another path");
  }
  struct stat info;
  if (lstat(path.c_str(), &info) == 0) {
    if (!S_ISSOCK(info.st_mode))
      return base::FailedPrecondition("control socket " + path +
                                      ": a file of that name is no socket");
    unlink(path.c_str());
  }
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return base::FromErrno("control socket", errno);
  const mode_t mask = umask(0177);
  const bool bound = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                     listen(fd, 8) == 0;
  const int why = errno;
  umask(mask);
  if (!bound) {
    close(fd);
    return base::FromErrno("control socket " + path, why);
  }
  auto impl = std::make_unique<Impl>(reactor, fd, path, std::move(handle));
  RETURN_IF_ERROR(reactor.Add(fd, EPOLLIN, impl.get()));
  return std::unique_ptr<ControlSocket>(new ControlSocket(std::move(impl)));
}

base::Result<std::string> SendControlCommand(const std::string& path, std::string_view command) {
  ASSIGN_OR_RETURN(const sockaddr_un address, AddressOf(path));
  const int fd = Connect(address);
  if (fd < 0) {
    return base::NotFound("no run listens on " + path + ": " + std::strerror(errno) +
                          "; a run prints the path of its control socket when it starts");
  }
  const timeval limit{.tv_sec = 5, .tv_usec = 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  const std::string line = std::string(command) + "\n";
  std::string answer;
  if (send(fd, line.data(), line.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(line.size())) {
    char buffer[1024];
    while (answer.find('\n') == std::string::npos) {
      const ssize_t n = recv(fd, buffer, sizeof buffer, 0);
      if (n <= 0) break;
      answer.append(buffer, static_cast<std::size_t>(n));
    }
  }
  close(fd);
  const std::size_t end = answer.find('\n');
  if (end == std::string::npos)
    return base::Unavailable("the run at " + path + " did not answer; it may be ending");
  return answer.substr(0, end);
}

}  // namespace ronda::engine
