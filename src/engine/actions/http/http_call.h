#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/actions/action.h"
#include "engine/actions/http/http_plan.h"
#include "engine/vu/strand.h"
#include "net/codec/auth.h"
#include "net/codec/multipart.h"
#include "net/codec/sse.h"
#include "net/codec/url.h"
#include "net/http_client.h"

namespace ronda::engine {

// One http.request under way: builds the request, follows redirects and challenges, hands the
// response to the strand. Reused by its thread (HttpScratch); its buffers keep their memory.
class HttpCall : public ActionCall,
                 private net::ExchangeHandler,
                 private net::SseHandler,
                 private net::Timer {
 public:
  HttpCall();
  ~HttpCall() override;

  // True when it is under way; false when it could not be sent: `error()` says why.
  [[nodiscard]] bool Begin(Strand& strand, const HttpPlan& plan);
  [[nodiscard]] std::string_view error() const { return error_; }
  [[nodiscard]] std::uint64_t start_ns() const { return start_ns_; }
  void Cancel() override;
  // Gives everything of the exchange up, and the call back to its thread.
  void Release();
  // Puts the request into an example.
  void DescribeRequest(stats::Example& example) const;
  // How much of a body is shown.
  [[nodiscard]] std::size_t evidence_bytes() const;

 private:
  // A header whose value lies in head_text_ or elsewhere.
  struct Piece {
    std::string_view name;
    std::string_view fixed;  // without a place: head_text_[offset, offset + size)
    std::size_t offset = 0;
    std::size_t size = 0;
  };

  bool BuildUrl(model::EvalContext& context);
  bool BuildBody(model::EvalContext& context);
  bool BuildMultipart(model::EvalContext& context);
  bool BuildHeaders(model::EvalContext& context);
  bool BuildCookies(model::EvalContext& context);
  bool AddCredentials(model::EvalContext& context);
  bool AddSignature(model::EvalContext& context);
  void AddPiece(std::string_view name, std::size_t from) {
    pieces_.push_back({name, {}, from, head_text_.size() - from});
  }
  bool Compress();
  bool ParseUrl();
  void Send();
  void SendAgain();
  enum class Cookies : std::uint8_t { kNo, kYes };
  void AddHopHeaders(Cookies cookies);
  void UnfoldHeaders();

  void OnResponse(const net::HttpResponse& response) override;
  void OnError(const net::ExchangeError& error) override;
  void OnHead(const net::HttpResponse& response) override;
  bool OnBody(std::string_view piece) override;
  void OnEvent(const net::SseEvent& event) override;
  void OnTimer() override;

  bool FollowRedirect(const net::HttpResponse& response);
  bool AnswerChallenge(const net::HttpResponse& response);
  // Before the same body goes out once more.
  bool RewindBody();
  void LeaveOrigin();
  void TakeCookies(const net::HttpResponse& response);
  void SetOutputs(const net::HttpResponse& response);
  [[nodiscard]] model::Value Output(const OutputUse& use, const net::HttpResponse& response);
  void SaveBody(std::string_view body);
  void Finish(const ActionResult& result);
  void AddSpan(int status, std::string_view error, std::uint64_t end_ns);
  bool CountEvent(std::string_view type, std::string_view data, std::string_view id);
  net::DigestAuth* Digest();

  Strand* strand_ = nullptr;
  const HttpPlan* plan_ = nullptr;
  net::HttpRequest request_;
  net::Url url_;
  std::string method_;
  std::string url_text_, url_storage_, authorization_, cookie_text_;
  std::string own_cookies_;  // of the step
  std::string head_text_;
  std::string body_;
  std::string error_;
  bool constant_headers_ = false;  // the plan's are used as they are, and pieces_ is empty
  std::vector<Piece> pieces_;
  std::vector<net::HeaderView> headers_;
  std::unique_ptr<net::MultipartBody> multipart_;
  std::vector<std::unique_ptr<net::BodySource>> files_;
  std::vector<std::string> file_texts_;
  std::vector<extract::HeaderField> fields_;
  std::uint64_t start_ns_ = 0;
  std::uint64_t span_ = 0;
  int redirects_ = 0;
  int challenges_ = 0;
  // A redirect has left the origin: credentials, cookies of the step and a Host stay behind.
  bool away_ = false;
  std::size_t sign_from_ = 0;  // of pieces_: where the signature's headers begin
  std::string digest_user_, digest_password_;
  // sums over hops
  net::Phases phases_;
  std::uint64_t bytes_in_ = 0, bytes_out_ = 0;
  // of a stream
  net::SseParser sse_;
  std::string line_;
  std::uint64_t events_ = 0;
  std::uint64_t first_event_ns_ = 0;
  bool stream_over_ = false;
  // Of a stream that `for` may end: its head, which the client shows only for a moment.
  struct StreamHead;
  std::unique_ptr<StreamHead> stream_head_;
  const net::HttpResponse* current_ = nullptr;  // while the strand settles
  friend void DescribeExchange(void* context, stats::Example& example);
};

}  // namespace ronda::engine
