#include "net/h2_connection.h"

#include <strings.h>
#include <sys/epoll.h>

#include <charconv>
#include <utility>

namespace ronda::net {
namespace {

constexpr std::size_t kCollectAtOnce = 64 * 1024;
constexpr std::size_t kKeepCapacity = 256 * 1024;
constexpr int kReadsAtOnce = 4;
constexpr int kRetries = 3;

std::string_view Find(std::span<const HeaderView> headers, std::string_view lower_case_name) {
  for (const HeaderView& header : headers) {
    if (header.name == lower_case_name) return header.value;
  }
  return {};
}

}  // namespace

// What one exchange is to the session. Reused within its connection.
class H2Connection::Stream final : public Http2Stream {
 public:
  explicit Stream(H2Connection& connection) : connection_(connection) {}

  void Begin(Exchange& exchange) {
    exchange_ = &exchange;
    head_done_ = false;
  }
  // The exchange is no longer ours.
  void Let() { exchange_ = nullptr; }

  void OnHead(int status, std::span<const HeaderView> headers, EndStream) override {
    if (exchange_ == nullptr) return;
    Exchange& exchange = *exchange_;
    if (exchange.first_byte_ns == 0) exchange.MarkFirstByte(connection_.core_.reactor().now_ns());
    if (status < 200) return;
    Keep(headers);
    exchange.bytes_received += text_.size();
    exchange.status = status;
    head_done_ = true;
    std::uint64_t length = 0;
    const std::string_view announced = Find(headers_, "content-length");
    std::from_chars(announced.data(), announced.data() + announced.size(), length);
    const bool no_body = exchange.request.method == "HEAD" || status == 204 || status == 304;
    if (exchange.body.Start(exchange.request, *exchange.handler,
                            no_body ? std::string_view() : Find(headers_, "content-encoding"),
                            no_body ? 0 : length) != ResponseBody::Verdict::kOk) {
      return connection_.FailExchange(exchange, exchange.body.TakeFailure());
    }
    if (!exchange.request.stream) return;
    HttpResponse response;
    Describe(response);
    response.start_ns = exchange.start_ns;
    response.phases = exchange.phases;
    exchange.handler->OnHead(response);
  }

  void OnData(std::string_view piece) override {
    if (exchange_ == nullptr) return;
    Exchange& exchange = *exchange_;
    exchange.bytes_received += piece.size();
    switch (exchange.body.Add(piece)) {
      case ResponseBody::Verdict::kOk:
      case ResponseBody::Verdict::kGone: return;
      case ResponseBody::Verdict::kFailed:
        return connection_.FailExchange(exchange, exchange.body.TakeFailure());
      case ResponseBody::Verdict::kStop:
        connection_.http2_->Reset(*this);
        connection_.Complete(exchange, *this);
    }
  }

  void OnSent() override {
    if (exchange_ != nullptr && exchange_->sent_ns == 0) {
      exchange_->MarkSent(connection_.core_.reactor().now_ns());
    }
  }

  void OnClose(const Http2Close& close) override {
    if (Exchange* exchange = exchange_) {
      connection_.OnStreamClosed(*exchange, *this, close);
    } else {
      connection_.Free(*this);
    }
  }

  [[nodiscard]] bool head_done() const { return head_done_; }

  void Describe(HttpResponse& response) const {
    response.status = exchange_->status;
    response.version = HttpVersion::k2;
    response.headers = headers_;
    response.reused_connection = exchange_->reused;
    response.remote = connection_.established_.remote;
    response.tls = connection_.established_.tls.get();
  }

 private:
  // Copies the headers: they are the session's only during its call.
  void Keep(std::span<const HeaderView> headers) {
    text_.clear();
    headers_.clear();
    std::size_t size = 0;
    for (const HeaderView& header : headers) size += header.name.size() + header.value.size();
    text_.reserve(size);
    for (const HeaderView& header : headers) {
      headers_.push_back({Append(header.name), Append(header.value)});
    }
  }
  std::string_view Append(std::string_view piece) {
    const std::size_t at = text_.size();
    text_.append(piece);
    return std::string_view(text_).substr(at);
  }

  H2Connection& connection_;
  Exchange* exchange_ = nullptr;
  bool head_done_ = false;
  std::string text_;
  std::vector<HeaderView> headers_;
};

H2Connection::H2Connection(ClientCore& core, HttpSession::Impl& session, Origin origin,
                           Established established)
    : Connection(core, session, std::move(origin), std::move(established)) {
  Http2Session::Options options;
  options.max_streams = origin_.transport->max_streams;
  options.max_header_list = origin_.transport->max_response_head;
  options.memory = &core.frame_memory();
  http2_ = Http2Session::Create(options);
}

H2Connection::~H2Connection() {
  for (auto& stream : streams_) {
    if (stream->open()) http2_->Reset(*stream);
  }
}

bool H2Connection::CanTake() const {
  return !closed_ && !exclusive_ && !retired_ && http2_->Room() > 0;
}

void H2Connection::Start(Exchange& exchange) {
  const HttpRequest& request = exchange.request;
  if (free_streams_.empty()) {
    streams_.push_back(std::make_unique<Stream>(*this));
    free_streams_.push_back(streams_.back().get());
  }
  Stream& stream = *free_streams_.back();
  exchange.state = Exchange::State::kRunning;
  exchange.connection = this;
  exchange.reused = used_;
  used_ = true;
  exclusive_ = request.fresh_connection;
  exchange.begun_ns = core_.reactor().now_ns();
  Http2Request h2;
  h2.method = request.method;
  h2.scheme = request.tls ? "https" : "http";
  h2.authority = request.authority;
  h2.path = request.target;
  h2.headers = request.headers;
  h2.body = request.body;
  h2.body_source = request.body_source;
  const base::Status submitted = http2_->Submit(h2, stream);
  if (!submitted.ok()) {
    core_.FailLater(exchange, {ErrorKind::kOther, submitted.message()});
    if (exclusive_) Close();
    return;
  }
  exchange.source_read = request.body_source != nullptr;
  exchange.bytes_sent = request.body.size();
  for (const HeaderView& header : request.headers) {
    exchange.bytes_sent += header.name.size() + header.value.size();
  }
  free_streams_.pop_back();
  stream.Begin(exchange);
  exchange.stream = &stream;
  FlushSoon();
}

void H2Connection::Abandon(Exchange& exchange) {
  auto* stream = static_cast<Stream*>(std::exchange(exchange.stream, nullptr));
  if (stream == nullptr) return;
  stream->Let();
  if (stream->open()) http2_->Reset(*stream);
  Free(*stream);
  if (closed_) return;
  if (exclusive_ || (retired_ && idle())) return Close();
  FlushSoon();
  core_.RoomSoon(*this);
}

// Not a byte came since it was sent: whatever waits here may wait in vain too, as on a path that
// was cut without a word.
void H2Connection::Expire(Exchange& exchange) {
  if (heard_ns_ <= exchange.begun_ns) retired_ = true;
  Abandon(exchange);
}

void H2Connection::Free(Stream& stream) { free_streams_.push_back(&stream); }

void H2Connection::OnReady(std::uint32_t events) {
  if (events & kEndEvents) end_announced_ = true;
  if (events & ~static_cast<std::uint32_t>(EPOLLOUT)) Receive();
  if (!closed_) Flush();
}

void H2Connection::OnDeferred() {
  if (closed_) return;
  if (std::exchange(more_input_, false)) Receive();
  if (!closed_) Flush();
}

void H2Connection::Receive() {
  receiving_ = true;
  bool drained = false;
  for (int reads = 0; reads < kReadsAtOnce && !drained && !closed_; ++reads) {
    const auto io = established_.stream.Read(core_.input(), ClientCore::kInputSize);
    drained = io.outcome == net::Stream::Outcome::kAgain ||
              (io.size < ClientCore::kInputSize && !end_announced_);
    if (io.outcome == net::Stream::Outcome::kAgain) break;
    if (io.outcome == net::Stream::Outcome::kEnd) {
      Break(EndedBy({ErrorKind::kClosedEarly, "closed the connection"}));
      break;
    }
    if (io.outcome == net::Stream::Outcome::kFailed) {
      Break(EndedBy(established_.stream.failure()));
      break;
    }
    heard_ns_ = core_.reactor().Fresh();
    const base::Status received = http2_->Receive({core_.input(), io.size});
    if (closed_) break;
    if (!received.ok()) {
      SayWhy();
      Break({ErrorKind::kProtocol, established_.remote + ": " + received.message()});
      break;
    }
    if (established_.stream.ended()) break;
  }
  receiving_ = false;
  if (closed_) return;
  if (established_.stream.ended()) {
    return Break(EndedBy({ErrorKind::kClosedEarly, "closed the connection"}));
  }
  if (http2_->closing()) core_.OnNoRoom(session_);
  if (!drained) {
    more_input_ = true;
    core_.reactor().Defer(*this);
  }
}

// What the end of the connection means; a GOAWAY that came before says more than how it ended.
Failure H2Connection::EndedBy(Failure failure) const {
  if (const auto& goaway = http2_->goaway()) {
    std::string detail = established_.remote + " sent GOAWAY " +
                         std::string(Http2ErrorName(goaway->code)) + " (last stream " +
                         std::to_string(goaway->last_stream) + ")";
    if (!goaway->debug.empty()) detail += " \"" + goaway->debug + "\"";
    return {ErrorKind::kGoAway, detail + ", then: " + failure.detail};
  }
  return {failure.kind, established_.remote + ": " + failure.detail};
}

void H2Connection::FlushSoon() {
  if (!receiving_ && !want_write_) core_.reactor().Defer(*this);
}

void H2Connection::Flush() {
  while (!closed_) {
    if (out_at_ == out_.size()) {
      if (out_.capacity() > kKeepCapacity) out_ = std::string();
      out_.clear();
      out_at_ = 0;
      const base::Status collected = http2_->Collect(out_, kCollectAtOnce);
      if (!collected.ok()) {
        return Break({ErrorKind::kProtocol, established_.remote + ": " + collected.message()});
      }
      if (closed_ || out_.empty()) break;
    }
    if (!WriteOut()) return;
  }
  if (closed_) return;
  WantWrite(false);
  if (http2_->finished()) Break(EndedBy({ErrorKind::kClosedEarly, "the connection is over"}));
}

// The connection is about to be broken: the GOAWAY with our reason goes out if the socket takes it.
void H2Connection::SayWhy() {
  static_cast<void>(http2_->Collect(out_, out_.size() + kCollectAtOnce));
  const iovec piece{out_.data() + out_at_, out_.size() - out_at_};
  if (piece.iov_len > 0) static_cast<void>(established_.stream.Write(&piece, 1));
}

bool H2Connection::WriteOut() {
  const iovec piece{out_.data() + out_at_, out_.size() - out_at_};
  const auto io = established_.stream.Write(&piece, 1);
  if (io.outcome == net::Stream::Outcome::kAgain) {
    WantWrite(true);
    return false;
  }
  if (io.outcome != net::Stream::Outcome::kOk) {
    Break(EndedBy(established_.stream.failure()));
    return false;
  }
  out_at_ += io.size;
  return true;
}

void H2Connection::WantWrite(bool want) {
  if (want_write_ == want) return;
  want_write_ = want;
  core_.reactor().Modify(fd(), want ? read_events() | EPOLLOUT : read_events(), this);
}

void H2Connection::Break(Failure failure) {
  if (closed_) return;
  broken_ = std::move(failure);
  Close();
  http2_->Fail(broken_.detail);
  core_.OnNoRoom(session_);
}

void H2Connection::OnStreamClosed(Exchange& exchange, Stream& stream, const Http2Close& close) {
  if (close.end == Http2End::kDone && stream.head_done()) return Complete(exchange, stream);
  if (MayRetry(exchange, close)) {
    stream.Let();
    Free(stream);
    if (exclusive_) Close();
    return core_.Retry(exchange, close.end == Http2End::kConnection ? Reuse::kNo : Reuse::kYes);
  }
  FailExchange(exchange, FailureOf(close));
}

bool H2Connection::MayRetry(const Exchange& exchange, const Http2Close& close) const {
  if (!exchange.repeatable()) return false;
  if (close.end == Http2End::kRefused) return exchange.retries < kRetries;
  return close.end == Http2End::kConnection && exchange.reused && exchange.bytes_received == 0 &&
         exchange.retries == 0 && exchange.idempotent() &&
         (broken_.kind == ErrorKind::kReset || broken_.kind == ErrorKind::kClosedEarly);
}

void H2Connection::Complete(Exchange& exchange, Stream& stream) {
  ResponseBody& body = exchange.body;
  const bool stopped = stream.open();
  if (!stopped && body.Finish() != ResponseBody::Verdict::kOk) {
    return FailExchange(exchange, body.TakeFailure());
  }
  HttpResponse response;
  stream.Describe(response);
  response.body_bytes = body.wire_bytes();
  response.body_truncated = body.truncated();
  response.body = body.view();
  stream.Let();
  exchange.stream = nullptr;
  if (exclusive_) Close();
  // The stream is free only afterwards: the response views its headers.
  core_.Deliver(exchange, response);
  Free(stream);
  AfterStream();
}

void H2Connection::AfterStream() {
  if (closed_) return;
  if (retired_ && idle()) return Close();
  core_.OnRoom(*this);
}

void H2Connection::FailExchange(Exchange& exchange, const Failure& failure) {
  Abandon(exchange);
  core_.Fail(exchange, failure);
}

Failure H2Connection::FailureOf(const Http2Close& close) const {
  const std::string detail(close.detail);
  switch (close.end) {
    case Http2End::kDone: return {ErrorKind::kProtocol, "the stream ended without a response"};
    case Http2End::kRefused:
      return {http2_->goaway() ? ErrorKind::kGoAway : ErrorKind::kStreamReset, detail};
    case Http2End::kReset: return {ErrorKind::kStreamReset, detail};
    case Http2End::kHeadTooLarge: return {ErrorKind::kHeadTooLarge, detail};
    case Http2End::kBodySource: return {ErrorKind::kBodySource, detail};
    case Http2End::kConnection: return broken_;
  }
  return {};
}

}  // namespace ronda::net
