#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "net/connection.h"
#include "net/http1/response_parser.h"

namespace ronda::net {

// An HTTP/1.1 connection: one exchange at a time, kept alive between them. The common exchange costs
// one send and one recv and no copy of the response: it is parsed where it was received and its handler
// sees views into the thread's input buffer.
class H1Connection final : public Connection, private Timer, private Deferred {
 public:
  H1Connection(ClientCore& core, HttpSession::Impl& session, Origin origin,
               Established established);
  ~H1Connection() override;

  [[nodiscard]] bool CanTake() const override { return exchange_ == nullptr && !closed_; }
  [[nodiscard]] bool WillTake() const override { return false; }
  [[nodiscard]] bool multiplexes() const override { return false; }
  [[nodiscard]] bool idle() const override { return exchange_ == nullptr; }
  void Start(Exchange& exchange) override;
  void Abandon(Exchange& exchange) override;
  void OnReady(std::uint32_t events) override;

 private:
  // Sending.
  [[nodiscard]] bool WriteHead(std::string& out);
  void SendFirst(std::string& out, std::string_view body);
  void Pump();
  [[nodiscard]] bool RefillFromSource();
  void OnAllSent();
  void WantWrite(bool want);
  void OnTimer() override;  // no 100 (Continue) came

  // Receiving.
  void OnDeferred() override;  // input was left, and no event comes for it
  void Receive();
  void Consume(char* data, std::size_t size);
  void ConsumeHead(char* data, std::size_t size);
  void ConsumeMoreHead(char* data, std::size_t size);
  void ConsumeBody(char* data, std::size_t size);
  // True when the head is an interim one: another follows.
  [[nodiscard]] bool SkipInterim(const ResponseHead& head);
  // The head is final. False: the exchange is over, touch nothing.
  [[nodiscard]] bool BeginBody(const ResponseHead& head);
  [[nodiscard]] bool AddBody(const ResponseParser::Piece& piece, const char* data);
  void KeepHead(const char* data);
  void OnEnd();
  void OnBroken();
  [[nodiscard]] ResponseTo KindOfResponse() const;

  // Ending.
  void FinishWhole(const ResponseHead& head, std::string_view body, bool leftover);
  enum class BodyEnd : std::uint8_t { kComplete, kStopped };  // kStopped: the handler has enough
  void FinishPartial(BodyEnd end, bool leftover);
  void Finish(HttpResponse& response, const ResponseHead& head, bool leftover);
  void FailParse(const Http1Error& error);
  void Fail(const Failure& failure);
  void FailBroken();  // by what the stream says went wrong
  enum class Ending : std::uint8_t { kClosed, kBroken };  // by FIN; by RST or an error
  [[nodiscard]] bool RetryIfStale(Ending how);
  [[nodiscard]] bool MayRepeat(Ending how) const;
  // What else people should know of an exchange that ended without a byte of an answer.
  [[nodiscard]] std::string HintOf() const;

  Exchange* exchange_ = nullptr;
  std::unique_ptr<PartialResponse> partial_;  // null unless a response has come in part
  bool close_after_ = false;  // this exchange is the last
  bool peer_closing_ = false;  // the peer has sent FIN
  bool write_broken_ = false;  // a send failed; what was received may still be a response
  bool want_write_ = false;  // EPOLLOUT is registered
  bool awaiting_continue_ = false;
  bool chunked_ = false;  // the request's body
  // What is still to be sent: `pending_` from `pending_at_`, then `body_left_`, then `source_`.
  std::string pending_;
  std::size_t pending_at_ = 0;
  std::string_view body_left_;
  BodySource* source_ = nullptr;
  std::uint64_t source_left_ = 0;  // announced and not yet read; unless chunked_
};

}  // namespace ronda::net
