#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "net/connection.h"
#include "net/http2/session.h"

namespace ronda::net {

// An HTTP/2 connection: many exchanges at once, each a stream. What all streams have to send in one
// wake-up goes out in one send.
class H2Connection final : public Connection, private Deferred {
 public:
  H2Connection(ClientCore& core, HttpSession::Impl& session, Origin origin,
               Established established);
  ~H2Connection() override;

  [[nodiscard]] bool CanTake() const override;
  [[nodiscard]] bool WillTake() const override {
    return !closed_ && !exclusive_ && !retired_ && !http2_->closing();
  }
  [[nodiscard]] bool multiplexes() const override { return true; }
  [[nodiscard]] bool idle() const override { return http2_->open_streams() == 0; }
  void Start(Exchange& exchange) override;
  void Abandon(Exchange& exchange) override;
  void Expire(Exchange& exchange) override;
  void OnReady(std::uint32_t events) override;

 private:
  class Stream;

  void OnDeferred() override;
  void FlushSoon();
  void Flush();
  void SayWhy();
  // True: all of `out_` has left.
  [[nodiscard]] bool WriteOut();
  void WantWrite(bool want);
  void Receive();
  // The connection is over for all its streams.
  void Break(Failure failure);
  [[nodiscard]] Failure EndedBy(Failure failure) const;
  void Free(Stream& stream);
  // A stream has ended: there is room, or nothing is left to do.
  void AfterStream();
  void OnStreamClosed(Exchange& exchange, Stream& stream, const Http2Close& close);
  void Complete(Exchange& exchange, Stream& stream);
  // Ends the stream from our side and fails its exchange, whose stream it no longer is.
  void FailExchange(Exchange& exchange, const Failure& failure);
  [[nodiscard]] Failure FailureOf(const Http2Close& close) const;
  [[nodiscard]] bool MayRetry(const Exchange& exchange, const Http2Close& close) const;

  std::unique_ptr<Http2Session> http2_;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::vector<Stream*> free_streams_;
  std::string out_;  // taken from the session and not yet written, from out_at_ on
  std::size_t out_at_ = 0;
  bool want_write_ = false;  // EPOLLOUT is registered
  bool exclusive_ = false;  // made for one exchange, and closed with it
  bool receiving_ = false;  // Flush follows anyway
  bool more_input_ = false;  // was left, and no event comes for it
  // It let a request's time pass without sending a byte: takes no more, and closes when idle.
  bool retired_ = false;
  std::uint64_t heard_ns_ = 0;  // when bytes came
  Failure broken_;  // why the connection ended
};

}  // namespace ronda::net
