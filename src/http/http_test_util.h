#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "http/server.h"

namespace ronda::http {

// A client of bare sockets: sends bytes, reads until the server closes or a text has come.
class Client {
 public:
  explicit Client(const Server& server) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server.port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~Client() { close(fd_); }

  void Send(const std::string& bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
      const ssize_t n = send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) return;
      sent += static_cast<std::size_t>(n);
    }
  }
  std::string ReadUntil(const std::string& text) {
    while (read_.find(text) == std::string::npos && More()) {
    }
    return read_;
  }
  std::string ReadAll() {
    while (More()) {
    }
    return read_;
  }
  bool connected() const { return connected_; }

 private:
  bool More() {
    char bytes[4096];
    const ssize_t n = recv(fd_, bytes, sizeof bytes, 0);
    if (n <= 0) return false;
    read_.append(bytes, static_cast<std::size_t>(n));
    return true;
  }
  int fd_;
  bool connected_;
  std::string read_;
};

}  // namespace ronda::http
