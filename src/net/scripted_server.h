#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace ronda::net {

// A server for tests: one thread a connection, blocking, doing what its script says. For tests only.
class ScriptedServer {
 public:
  // The server's end of one accepted connection.
  class Peer {
   public:
    explicit Peer(int fd) : fd_(fd) {}
    ~Peer() { SSL_free(ssl_); }
    Peer(const Peer&) = delete;
    // Reads to the blank line; empty when the client has closed.
    std::string ReadHead();
    // Reads exactly so many bytes, or fewer when the client closes.
    std::string ReadExactly(std::size_t size);
    // Reads what is there, at least a byte; empty at the end.
    std::string ReadSome();
    // Blocks until the client has closed.
    void AwaitEnd();
    bool Send(std::string_view bytes);
    // Sends "HTTP/1.1 200 OK" with this body.
    bool Reply(std::string_view body, std::string_view more_headers = "");
    // FIN to the client; reading goes on.
    void ShutDownWrite();
    // Secures the connection from here on.
    bool StartTls(SSL_CTX* context);
    // Ends the connection by RST.
    void Reset();
    [[nodiscard]] int index() const { return index_; }
    [[nodiscard]] std::string client_ip() const;
    [[nodiscard]] SSL* ssl() { return ssl_; }

   private:
    friend class ScriptedServer;
    int fd_;
    SSL* ssl_ = nullptr;
    int index_ = 0;
    std::string buffered_;
  };
  using Script = std::function<void(Peer&)>;

  // Listens on `ip` port 0. With `tls` every connection is secured before the script runs.
  explicit ScriptedServer(Script script, SSL_CTX* tls = nullptr, const char* ip = "127.0.0.1");
  ~ScriptedServer();
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] int accepted() const { return accepted_; }
  // Ports of nobody: bound once and closed.
  [[nodiscard]] static std::uint16_t ClosedPort();

 private:
  void Accept();
  void Serve(int fd, int index);

  Script script_;
  SSL_CTX* const tls_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> accepted_ = 0;
  std::mutex mutex_;
  bool stopping_ = false;  // guarded by mutex_, as all below
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  std::thread accepting_;
};

}  // namespace ronda::net
