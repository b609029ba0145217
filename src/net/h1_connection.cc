#include "net/h1_connection.h"

#include <sys/epoll.h>

#include <algorithm>
#include <utility>

#include "net/http1/request_writer.h"

namespace ronda::net {
namespace {

constexpr std::size_t kBodyWithHead =
    16 * 1024;  // up to this a copy is cheaper than a second piece
constexpr std::size_t kSourcePiece = 64 * 1024;
constexpr std::uint64_t kContinueWaitNs = 1'000'000'000;  // RFC 9110, 10.1.1: no indefinite wait
constexpr std::uint32_t kMaxInterims = 10'000;            // heads of 1xx before the final one
constexpr int kReadsAtOnce = 4;                           // then the others have their turn

bool AnnouncesEmptyBody(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

}  // namespace

H1Connection::H1Connection(ClientCore& core, HttpSession::Impl& session, Origin origin,
                           Established established)
    : Connection(core, session, std::move(origin), std::move(established)) {}

H1Connection::~H1Connection() {
  if (partial_ != nullptr) core_.Recycle(std::move(partial_));
}

void H1Connection::Start(Exchange& exchange) {
  exchange_ = &exchange;
  exchange.state = Exchange::State::kRunning;
  exchange.connection = this;
  exchange.reused = used_;
  used_ = true;
  exchange.begun_ns = core_.reactor().now_ns();
  std::string& out = core_.output();
  out.clear();
  if (!WriteHead(out)) return;
  const std::string_view body = exchange.request.body_source != nullptr || awaiting_continue_
                                    ? std::string_view()
                                    : exchange.request.body;
  if (body.size() <= kBodyWithHead) {
    out.append(body);
    SendFirst(out, {});
  } else {
    SendFirst(out, body);
  }
}

// The head into `out`, and what follows it into the connection's state. False: refused, and idle again.
bool H1Connection::WriteHead(std::string& out) {
  const HttpRequest& request = exchange_->request;
  source_ = request.body_source;
  RequestHead head;
  head.method = request.method;
  head.target_prefix = established_.proxy_prefix;
  head.target = request.target;
  head.authority = request.authority;
  head.headers = request.headers;
  head.close = request.fresh_connection;
  if (source_ != nullptr) {
    const auto size = source_->size();
    head.body = size ? RequestHead::Body::kLength : RequestHead::Body::kChunked;
    head.content_length = source_left_ = size.value_or(0);
  } else if (!request.body.empty() || AnnouncesEmptyBody(request.method)) {
    head.body = RequestHead::Body::kLength;
    head.content_length = request.body.size();
  }
  const HeaderView authorization{"Proxy-Authorization", established_.proxy_authorization};
  if (!established_.proxy_authorization.empty()) head.more_headers = {&authorization, 1};
  const auto facts = AppendRequestHead(head, out);
  if (!facts.ok()) {
    core_.FailLater(*std::exchange(exchange_, nullptr),
                    {ErrorKind::kOther, facts.status().message()});
    source_ = nullptr;
    return false;
  }
  chunked_ = head.body == RequestHead::Body::kChunked;
  close_after_ = facts->close;
  awaiting_continue_ = facts->expect_continue && (source_ != nullptr || !request.body.empty());
  return true;
}

void H1Connection::SendFirst(std::string& out, std::string_view body) {
  const iovec pieces[2] = {{out.data(), out.size()}, {const_cast<char*>(body.data()), body.size()}};
  const Stream::Io io = established_.stream.Write(pieces, body.empty() ? 1 : 2);
  Exchange& exchange = *exchange_;
  const std::size_t sent = io.outcome == Stream::Outcome::kOk ? io.size : 0;
  exchange.bytes_sent = sent;
  const std::uint64_t now = core_.reactor().Fresh();
  if (sent == out.size() + body.size() && source_ == nullptr && !awaiting_continue_) {
    exchange.MarkSent(now);
    return;
  }
  pending_.assign(out, std::min(sent, out.size()));
  pending_at_ = 0;
  body_left_ = body.substr(std::max(sent, out.size()) - out.size());
  if (awaiting_continue_) {
    body_left_ = source_ == nullptr ? exchange.request.body : std::string_view();
    core_.reactor().Arm(*this, now + kContinueWaitNs);
  }
  // A broken connection tells so by an event, where handlers may be called.
  write_broken_ = io.outcome == Stream::Outcome::kFailed || io.outcome == Stream::Outcome::kEnd;
  if (!write_broken_ && (!awaiting_continue_ || !pending_.empty())) WantWrite(true);
}

// Sends what the socket takes.
void H1Connection::Pump() {
  while (exchange_ != nullptr) {
    const bool head_left = pending_at_ < pending_.size();
    if (!head_left && awaiting_continue_) return WantWrite(false);
    if (!head_left && body_left_.empty()) {
      if (source_ == nullptr) return OnAllSent();
      if (!RefillFromSource()) return;
      continue;
    }
    iovec pieces[2];
    int count = 0;
    if (head_left) pieces[count++] = {pending_.data() + pending_at_, pending_.size() - pending_at_};
    if (!body_left_.empty() && !awaiting_continue_) {
      pieces[count++] = {const_cast<char*>(body_left_.data()), body_left_.size()};
    }
    const Stream::Io io = established_.stream.Write(pieces, count);
    if (io.outcome == Stream::Outcome::kAgain) return WantWrite(true);
    if (io.outcome != Stream::Outcome::kOk) {
      write_broken_ = true;
      return WantWrite(false);
    }
    exchange_->bytes_sent += io.size;
    const std::size_t of_pending = std::min(io.size, pending_.size() - pending_at_);
    pending_at_ += of_pending;
    body_left_.remove_prefix(io.size - of_pending);
  }
}

// The next piece of the body source into `pending_`. False: the exchange has failed.
bool H1Connection::RefillFromSource() {
  static constexpr std::size_t kSizeLine = 10;  // "10000\r\n" and room
  pending_.clear();
  pending_at_ = 0;
  std::string& piece = core_.output();
  piece.resize(kSourcePiece);
  exchange_->source_read = true;
  const auto got = source_->Read({piece.data(), piece.size()});
  if (!got.ok()) {
    Fail({ErrorKind::kBodySource, got.status().message()});
    return false;
  }
  const std::string_view data(piece.data(), *got);
  if (chunked_) {
    pending_.reserve(data.size() + kSizeLine);
    if (data.empty()) {
      pending_.append(kLastChunk);
      source_ = nullptr;
    } else {
      AppendChunkHead(data.size(), pending_);
      pending_.append(data).append(kChunkEnd);
    }
    return true;
  }
  if (data.size() > source_left_ || (data.empty() && source_left_ > 0)) {
    Fail({ErrorKind::kBodySource, "the body is not as long as was announced"});
    return false;
  }
  pending_.assign(data);
  source_left_ -= data.size();
  if (source_left_ == 0) source_ = nullptr;
  return true;
}

void H1Connection::OnAllSent() {
  WantWrite(false);
  if (exchange_->sent_ns == 0) exchange_->MarkSent(core_.reactor().Fresh());
}

void H1Connection::WantWrite(bool want) {
  if (want_write_ == want) return;
  want_write_ = want;
  core_.reactor().Modify(fd(), want ? read_events() | EPOLLOUT : read_events(), this);
}

void H1Connection::OnTimer() {
  if (!awaiting_continue_ || exchange_ == nullptr) return;
  awaiting_continue_ = false;
  Pump();
}

void H1Connection::Abandon(Exchange& exchange) {
  if (exchange_ != &exchange) return;
  exchange_ = nullptr;
  Close();
}

void H1Connection::OnReady(std::uint32_t events) {
  if (events & EPOLLRDHUP) peer_closing_ = true;
  if (events & kEndEvents) end_announced_ = true;
  if (events & EPOLLOUT && want_write_) Pump();
  if (!closed_ && events & ~static_cast<std::uint32_t>(EPOLLOUT)) Receive();
}

void H1Connection::Receive() {
  for (int reads = 0; reads < kReadsAtOnce; ++reads) {
    const Stream::Io io = established_.stream.Read(core_.input(), ClientCore::kInputSize);
    if (io.outcome == Stream::Outcome::kAgain) return;
    if (io.outcome == Stream::Outcome::kEnd) return OnEnd();
    if (io.outcome == Stream::Outcome::kFailed) return OnBroken();
    Consume(core_.input(), io.size);
    if (closed_) return;
    if (established_.stream.ended()) return OnEnd();
    if (io.size < ClientCore::kInputSize && !end_announced_) return;
  }
  core_.reactor().Defer(*this);
}

void H1Connection::OnDeferred() {
  if (!closed_) Receive();
}

void H1Connection::Consume(char* data, std::size_t size) {
  const std::uint64_t now = core_.reactor().Fresh();
  // Bytes that nobody asked for: what comes next could not be told from an answer.
  if (exchange_ == nullptr) return Close();
  exchange_->bytes_received += size;
  if (exchange_->first_byte_ns == 0) exchange_->MarkFirstByte(now);
  if (partial_ == nullptr) return ConsumeHead(data, size);
  if (!partial_->head_done) return ConsumeMoreHead(data, size);
  ConsumeBody(data, size);
}

// A response begins with `data`; the common case is that it is all there.
void H1Connection::ConsumeHead(char* data, std::size_t size) {
  const HttpRequest& request = exchange_->request;
  ResponseParser& parser = core_.parser(*request.transport);
  for (;;) {
    parser.Start(KindOfResponse());
    const auto progress = parser.ParseHead({data, size});
    if (progress == ResponseParser::Progress::kError) return FailParse(parser.error());
    if (progress == ResponseParser::Progress::kMore) {
      partial_ = core_.KeepParser();
      partial_->bytes.assign(data, size);
      return;
    }
    if (!SkipInterim(parser.head())) break;
    data += parser.head().size;
    size -= parser.head().size;
    if (exchange_ == nullptr || size == 0) return;
  }
  const ResponseHead& head = parser.head();
  char* const body = data + head.size;
  const std::size_t left = size - head.size;
  const bool plain = !request.stream && (head.content_encoding.empty() || !request.decode);
  if (!plain) {
    KeepHead(data);
    if (BeginBody(partial_->parser.head())) ConsumeBody(body, left);
    return;
  }
  const ResponseParser::Piece piece = parser.Feed(body, left);
  if (piece.failed) return FailParse(parser.error());
  if (piece.done && piece.body <= request.max_body) {
    return FinishWhole(head, {body, piece.body}, piece.consumed < left);
  }
  KeepHead(data);
  if (!BeginBody(partial_->parser.head()) || !AddBody(piece, body)) return;
  if (piece.done) FinishPartial(BodyEnd::kComplete, piece.consumed < left);
}

void H1Connection::ConsumeMoreHead(char* data, std::size_t size) {
  std::string& bytes = partial_->bytes;
  bytes.append(data, size);
  ResponseParser& parser = partial_->parser;
  std::size_t at = 0;  // where the head begins, behind those that were skipped
  for (;;) {
    const auto progress = parser.ParseHead(std::string_view(bytes).substr(at));
    if (progress == ResponseParser::Progress::kError) return FailParse(parser.error());
    if (progress == ResponseParser::Progress::kMore) {
      bytes.erase(0, at);
      return;
    }
    if (!SkipInterim(parser.head())) break;
    if (exchange_ == nullptr) return;
    at += parser.head().size;
    parser.Start(KindOfResponse());
  }
  partial_->head_done = true;
  const std::size_t body_at = at + parser.head().size;
  if (!BeginBody(parser.head())) return;
  ConsumeBody(bytes.data() + body_at, bytes.size() - body_at);
}

void H1Connection::ConsumeBody(char* data, std::size_t size) {
  ResponseParser& parser = partial_->parser;
  const ResponseParser::Piece piece = parser.Feed(data, size);
  if (piece.failed) return FailParse(parser.error());
  if (!AddBody(piece, data)) return;
  if (piece.done) FinishPartial(BodyEnd::kComplete, piece.consumed < size);
}

bool H1Connection::SkipInterim(const ResponseHead& head) {
  if (!head.interim()) return false;
  if (++exchange_->interims > kMaxInterims) {
    Fail({ErrorKind::kBadResponse, "the server sent more than " + std::to_string(kMaxInterims) +
                                       " interim (1xx) responses and no final one"});
    return true;
  }
  if (head.status == 100 && awaiting_continue_) {
    awaiting_continue_ = false;
    Pump();
  }
  return true;
}

bool H1Connection::BeginBody(const ResponseHead& head) {
  Exchange& exchange = *exchange_;
  exchange.status = head.status;
  const std::uint64_t expected = head.framing == BodyFraming::kLength ? head.content_length : 0;
  const std::string_view encoding =
      head.framing == BodyFraming::kNone ? std::string_view() : head.content_encoding;
  if (exchange.body.Start(exchange.request, *exchange.handler, encoding, expected) !=
      ResponseBody::Verdict::kOk) {
    Fail(exchange.body.TakeFailure());
    return false;
  }
  if (!exchange.request.stream) return true;
  HttpResponse response;
  response.status = head.status;
  response.version = head.version;
  response.reason = head.reason;
  response.headers = head.headers;
  response.start_ns = exchange.start_ns;
  response.phases = exchange.phases;
  response.reused_connection = exchange.reused;
  response.remote = established_.remote;
  response.tls = established_.tls.get();
  const std::uint32_t generation = exchange.generation;
  exchange.handler->OnHead(response);
  return generation == exchange.generation;
}

bool H1Connection::AddBody(const ResponseParser::Piece& piece, const char* data) {
  switch (exchange_->body.Add({data, piece.body})) {
    case ResponseBody::Verdict::kOk: return true;
    case ResponseBody::Verdict::kStop:
      close_after_ = true;
      FinishPartial(BodyEnd::kStopped, false);
      return false;
    case ResponseBody::Verdict::kFailed: Fail(exchange_->body.TakeFailure()); return false;
    case ResponseBody::Verdict::kGone: return false;
  }
  return false;
}

// The parser has met a head at `data` and the response is not complete: both are needed for longer.
void H1Connection::KeepHead(const char* data) {
  partial_ = core_.KeepParser();
  partial_->bytes.assign(data, partial_->parser.head().size);
  partial_->parser.Rebase(partial_->bytes.data() - data);
  partial_->head_done = true;
}

ResponseTo H1Connection::KindOfResponse() const {
  return exchange_->request.method == "HEAD" ? ResponseTo::kHead : ResponseTo::kAny;
}

void H1Connection::OnEnd() {
  if (exchange_ == nullptr) return Close();
  if (partial_ == nullptr) {
    if (RetryIfStale(Ending::kClosed)) return;
    // A send that failed took the socket's error with it: this end is no FIN but an RST.
    if (write_broken_ && !established_.stream.failure().detail.empty()) return FailBroken();
    return Fail({ErrorKind::kClosedEarly,
                 established_.remote + " closed the connection without an answer" + HintOf()});
  }
  if (partial_->head_done && partial_->parser.Close()) {
    peer_closing_ = true;
    return FinishPartial(BodyEnd::kComplete, false);
  }
  const std::string where = partial_->head_done ? "in the middle of the body, after "
                                                : "in the middle of the head, after ";
  Fail({ErrorKind::kClosedEarly, established_.remote + " closed the connection " + where +
                                     std::to_string(exchange_->bytes_received) + " bytes"});
}

void H1Connection::OnBroken() {
  if (exchange_ == nullptr) return Close();
  if (partial_ == nullptr && RetryIfStale(Ending::kBroken)) return;
  FailBroken();
}

void H1Connection::FailBroken() {
  const Failure& failure = established_.stream.failure();
  Fail({failure.kind,
        established_.remote + ": " + failure.detail + ", " + StageOf(*exchange_) + HintOf()});
}

// An idle connection that the server closed while the request was on its way: the server has not
// answered a byte, so the request goes out once more (RFC 9112, 9.3.1), unless it may have been
// acted on and doing so twice would matter.
bool H1Connection::RetryIfStale(Ending how) {
  Exchange& exchange = *exchange_;
  if (!exchange.reused || exchange.bytes_received > 0 || exchange.retries > 0 ||
      !exchange.repeatable() || !MayRepeat(how)) {
    return false;
  }
  exchange_ = nullptr;
  Close();
  core_.Retry(exchange, Reuse::kNo);
  return true;
}

// A FIN acknowledges all that had come before it: what it does not, came too late to be seen by
// anybody. An RST tells nothing, as acknowledgements are delayed.
bool H1Connection::MayRepeat(Ending how) const {
  if (exchange_->idempotent() || exchange_->bytes_sent == 0) return true;
  return how == Ending::kClosed && established_.stream.Unacknowledged() >= exchange_->bytes_sent;
}

std::string H1Connection::HintOf() const {
  const Exchange& exchange = *exchange_;
  if (exchange.bytes_received > 0) return "";
  if (!exchange.reused) {
    // TLS 1.3: a server refuses the client's certificate, or the lack of it, only afterwards.
    return established_.tls == nullptr
               ? ""
               : ", right after the TLS handshake: it may want a client certificate";
  }
  if (exchange.idempotent()) return "";
  return "; the connection had been kept from an earlier request, and " +
         std::string(exchange.request.method) +
         " is not sent again because it may have been acted on";
}

void H1Connection::FinishWhole(const ResponseHead& head, std::string_view body, bool leftover) {
  const HttpRequest& request = exchange_->request;
  HttpResponse response;
  response.body_bytes = body.size();
  response.body_truncated = body.size() > request.keep_body;
  response.body = body.substr(0, request.keep_body);
  Finish(response, head, leftover);
}

void H1Connection::FinishPartial(BodyEnd end, bool leftover) {
  ResponseBody& body = exchange_->body;
  if (end == BodyEnd::kComplete && body.Finish() != ResponseBody::Verdict::kOk) {
    return Fail(body.TakeFailure());
  }
  HttpResponse response;
  response.body_bytes = body.wire_bytes();
  response.body_truncated = body.truncated();
  response.body = body.view();
  // The views have to outlive a request that the handler starts on this connection.
  std::unique_ptr<PartialResponse> partial = std::move(partial_);
  ClientCore& core = core_;
  Finish(response, partial->parser.head(), leftover);
  core.Recycle(std::move(partial));
}

void H1Connection::Finish(HttpResponse& response, const ResponseHead& head, bool leftover) {
  Exchange& exchange = *std::exchange(exchange_, nullptr);
  response.status = head.status;
  response.version = head.version;
  response.reason = head.reason;
  response.headers = head.headers;
  response.reused_connection = exchange.reused;
  response.remote = established_.remote;
  response.tls = established_.tls.get();
  const bool all_sent = !want_write_ && !awaiting_continue_ && !write_broken_;
  if (!head.keep_alive || head.status == 101 || close_after_ || peer_closing_ || leftover ||
      !all_sent || established_.stream.ended()) {
    Close();
  }
  core_.Deliver(exchange, response);
}

void H1Connection::FailParse(const Http1Error& error) {
  const bool size =
      error.code == Http1ErrorCode::kHeadTooLarge || error.code == Http1ErrorCode::kTooManyHeaders;
  Fail({size ? ErrorKind::kHeadTooLarge : ErrorKind::kBadResponse,
        error.Message() + " from " + established_.remote});
}

void H1Connection::Fail(const Failure& failure) {
  Exchange& exchange = *std::exchange(exchange_, nullptr);
  Close();
  core_.Fail(exchange, failure);
}

}  // namespace ronda::net
