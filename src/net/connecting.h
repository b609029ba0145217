#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "net/client_core.h"
#include "net/connection.h"
#include "net/dialer.h"

namespace ronda::net {

// Makes one connection: name, TCP, proxy, TLS; then hands it to the core. Owned by its session until
// it is over, which buries it. One thread.
class Connecting final : public Disposable, private DialHandler, private FdHandler, private Timer {
 public:
  Connecting(ClientCore& core, HttpSession::Impl& session, Exchange& first, Shared shared);
  ~Connecting() override;

  void Start();
  [[nodiscard]] bool Serves(const HttpRequest& request) const {
    return shared_ == Shared::kYes && origin_.Serves(request);
  }
  // Where the time went so far.
  void AddPhases(Phases& phases) const;
  // What is under way: "looking the name up", "connecting to ...".
  [[nodiscard]] std::string Describe() const;
  [[nodiscard]] HttpSession::Impl& session() { return session_; }
  [[nodiscard]] const Exchange* owner() const { return owner_; }

  // Gives up; silent.
  void Close();

 private:
  enum class Stage : std::uint8_t { kDial, kProxy, kTls };

  void OnDialed(int fd, const SocketAddress& peer) override;
  void OnDialFailed(Failure failure) override;
  void OnReady(std::uint32_t events) override;
  void OnTimer() override;
  void StartTunnel();
  void SendTunnelRequest();
  void ReceiveTunnelResponse();
  void AfterTunnel();
  void StartTls();
  void DriveTls();
  void OnSecured();
  void Finish(HttpVersion version);
  void Fail(Failure failure);
  void FailProxy(ErrorKind kind, const std::string& detail);
  [[nodiscard]] int fd() const { return made_.stream.fd(); }
  // Waits for `events` on the connection.
  void Await(std::uint32_t events);

  ClientCore& core_;
  HttpSession::Impl& session_;
  Origin origin_;
  const Shared shared_;
  const Exchange* const owner_;  // compared only
  Stage stage_ = Stage::kDial;
  const ProxyServer* proxy_ = nullptr;  // null: none for this origin
  Dialer dialer_;
  Established made_;
  std::string tunnel_out_;  // of the CONNECT request, what is still to be sent
  std::string tunnel_in_;  // of its response
  ResponseParser tunnel_parser_;
  std::uint64_t tls_started_ns_ = 0;
  std::uint64_t tls_ns_ = 0;
  bool closed_ = false;
};

}  // namespace ronda::net
