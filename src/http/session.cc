#include "http/session.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <optional>
#include <type_traits>
#include <utility>

#include "http/stream_state.h"

namespace ronda::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using Error = beast::error_code;
using PlainStream = beast::tcp_stream;
using TlsStream = beast::ssl_stream<beast::tcp_stream>;

// What is read and thrown away after a refusal, so that the sender sees the answer and no reset.
constexpr auto kLinger = std::chrono::seconds(2);

bool IsBearer(std::string_view header, std::string_view token) {
  constexpr std::string_view kScheme = "bearer ";
  if (header.size() != kScheme.size() + token.size()) return false;
  if (!beast::iequals(beast::string_view(header.data(), kScheme.size()),
                      beast::string_view(kScheme.data(), kScheme.size()))) {
    return false;
  }
  return CRYPTO_memcmp(header.data() + kScheme.size(), token.data(), token.size()) == 0;
}

bool IsRequestId(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '_' || c == '-';
  });
}

// One connection: a request is read, handled and answered before the next. Lives as long as something
// is pending on it; everything but Finish and a reply runs on its strand.
template <typename Transport>
class Session : public Connection, public std::enable_shared_from_this<Session<Transport>> {
 public:
  Session(Transport stream, Shared& shared, std::function<void()> ended)
      : stream_(std::move(stream)), shared_(shared), ended_(std::move(ended)) {}
  ~Session() override {
    if (body_) body_->Close();
    ended_();
  }

  void Run() override {
    asio::dispatch(stream_.get_executor(), [self = this->shared_from_this()] { self->Begin(); });
  }
  void Finish() override {
    asio::post(stream_.get_executor(), [self = this->shared_from_this()] {
      self->last_ = true;
      // A request whose first bytes were read already has its answer all the same.
      if (self->waiting_) tcp(self->stream_).cancel();
      if (self->body_) self->EndStream();
    });
  }

 private:
  static PlainStream& tcp(PlainStream& stream) { return stream; }
  static PlainStream& tcp(TlsStream& stream) { return stream.next_layer(); }

  template <void (Session::*kThen)(Error)>
  auto Then() {
    return [self = this->shared_from_this()](Error error, std::size_t = 0) {
      (self.get()->*kThen)(error);
    };
  }

  void Begin() {
    Error ignored;
    tcp(stream_).socket().set_option(asio::ip::tcp::no_delay(true), ignored);
    peer_ = tcp(stream_).socket().remote_endpoint(ignored).address().to_string();
    if constexpr (std::is_same_v<Transport, TlsStream>) {
      tcp(stream_).expires_after(shared_.options.slow);
      stream_.async_handshake(asio::ssl::stream_base::server, Then<&Session::OnHandshake>());
    } else {
      Await();
    }
  }
  void OnHandshake(Error error) {
    if (!error) Await();
  }

  // Waits for the first byte of a request, so that an idle connection and a slow one differ.
  void Await() {
    if (last_) return Close();
    if (buffer_.size() > 0) return ReadHead();
    waiting_ = true;
    tcp(stream_).expires_after(shared_.options.idle);
    stream_.async_read_some(buffer_.prepare(4096),
                            [self = this->shared_from_this()](Error error, std::size_t size) {
                              self->waiting_ = false;
                              if (error) return;
                              self->buffer_.commit(size);
                              self->ReadHead();
                            });
  }

  void ReadHead() {
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(shared_.options.header_bytes));
    parser_->body_limit(shared_.options.body_bytes);
    request_ = Request();
    request_.peer = peer_;
    id_ = shared_.id_prefix + std::to_string(shared_.next_id.fetch_add(1));
    if (shared_.options.memory != nullptr) {
      request_.memory = base::ByteReservation(*shared_.options.memory);
    }
    tcp(stream_).expires_after(shared_.options.slow);
    bhttp::async_read_header(stream_, buffer_, *parser_, Then<&Session::OnHead>());
  }

  void OnHead(Error error) {
    if (error == bhttp::error::end_of_stream) return Close();
    if (error == bhttp::error::header_limit) return RefuseRequest(431, "the header is too large");
    if (error == bhttp::error::body_limit) {
      TakeHead();
      return RefuseTooLarge();
    }
    if (error) return RefuseBroken(error);
    TakeHead();
    const std::string& token = shared_.options.bearer_token;
    if (!token.empty() && !IsBearer(request_.Header("authorization"), token)) {
      return RefuseRequest(401, "a bearer token is needed: Authorization: Bearer TOKEN");
    }
    const auto size = parser_->content_length();
    if (size && !request_.memory.GrowTo(static_cast<std::size_t>(*size))) return RefuseOverload();
    if (beast::iequals(parser_->get()[bhttp::field::expect], "100-continue")) return Continue();
    ReadBody();
  }

  void Continue() {
    continue_ = {bhttp::status::continue_, parser_->get().version()};
    bhttp::async_write(stream_, continue_, Then<&Session::OnContinued>());
  }
  void OnContinued(Error error) {
    if (!error) ReadBody();
  }

  void ReadBody() {
    if (parser_->is_done()) return Handle();
    tcp(stream_).expires_after(shared_.options.slow);
    bhttp::async_read_some(stream_, buffer_, *parser_, Then<&Session::OnBody>());
  }
  void OnBody(Error error) {
    if (error == bhttp::error::body_limit) return RefuseTooLarge();
    if (error) return RefuseBroken(error);
    if (!request_.memory.GrowTo(parser_->get().body().size())) return RefuseOverload();
    ReadBody();
  }

  void TakeHead() {
    const auto& head = parser_->get();
    request_.method = std::string(head.method_string());
    request_.target = std::string(head.target());
    for (const auto& field : head) {
      request_.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
    }
    const std::string_view sent = request_.Header("x-request-id");
    if (IsRequestId(sent)) id_ = sent;
    request_.id = id_;
    head_only_ = request_.method == "HEAD";
  }

  void Handle() {
    tcp(stream_).expires_never();
    request_.body = std::move(parser_->get().body());
    keep_alive_ = parser_->get().keep_alive();
    version_ = parser_->get().version();
    parser_.reset();
    shared_.handler(std::move(request_), [self = this->shared_from_this()](Response response) {
      asio::dispatch(self->stream_.get_executor(),
                     [self, response = std::move(response)]() mutable {
                       self->Send(std::move(response), self->keep_alive_ && !self->last_);
                     });
    });
  }

  void RefuseTooLarge() {
    RefuseRequest(413, "the body is larger than " + std::to_string(shared_.options.body_bytes) +
                           " bytes: send smaller batches");
  }
  void RefuseOverload() {
    RefuseRequest(429, "too much is being worked on: send it again a little later");
  }
  void RefuseBroken(Error error) {
    if (error == beast::error::timeout) return RefuseRequest(408, "the request did not come");
    // A peer that is gone hears nothing.
    if (error.category() != bhttp::make_error_code(bhttp::error::bad_method).category()) return;
    RefuseRequest(400, "no HTTP request: " + error.message());
  }

  // Answers without having read the request to its end: the connection cannot go on.
  void RefuseRequest(int status, std::string_view why) {
    version_ = 11;
    refused_ = true;
    parser_.reset();
    request_.memory.Release();
    request_.id = id_;
    Send(shared_.refuse(status, why, request_), false);
  }

  template <typename Body>
  void PutHead(const Response& response, bool keep_alive, bhttp::response<Body>& head) {
    head = {};
    head.version(version_);
    head.result(static_cast<unsigned>(response.status));
    if (!response.content_type.empty()) {
      head.set(bhttp::field::content_type, response.content_type);
    }
    head.set("X-Request-Id", id_);
    for (const auto& [name, value] : response.headers) head.insert(name, value);
    head.keep_alive(keep_alive);
  }

  void Send(Response response, bool keep_alive) {
    if (response.stream) return SendStream(std::move(response));
    PutHead(response, keep_alive, response_);
    response_.body() = std::move(response.body);
    response_.prepare_payload();
    if (head_only_) response_.body().clear();  // its length stays
    tcp(stream_).expires_after(shared_.options.slow);
    bhttp::async_write(stream_, response_, Then<&Session::OnSent>());
  }
  void OnSent(Error error) {
    if (error) return;
    if (response_.keep_alive()) return Await();
    Close();
  }

  // The head of an answer that is produced over time; its end is the connection's.
  void SendStream(Response response) {
    PutHead(response, false, stream_head_);
    stream_head_.set(bhttp::field::cache_control, "no-store");
    stream_head_.chunked(version_ >= 11);
    heartbeat_ = response.stream_options.heartbeat;
    heartbeat_text_ = std::move(response.stream_options.heartbeat_text);
    if (!head_only_) {
      auto wake = [weak = this->weak_from_this(), executor = stream_.get_executor()] {
        asio::post(executor, [weak] {
          if (const auto self = weak.lock()) self->Pump();
        });
      };
      body_ = std::make_shared<Stream::State>(response.stream_options.pending_bytes, wake);
      start_ = std::move(response.stream);
    }
    serializer_.emplace(stream_head_);
    writing_ = true;
    tcp(stream_).expires_after(shared_.options.slow);
    bhttp::async_write_header(stream_, *serializer_, Then<&Session::OnStreamHead>());
  }
  void OnStreamHead(Error error) {
    writing_ = false;
    if (!body_) return error ? void() : Close();
    std::exchange(start_, nullptr)(Stream(body_));
    if (error) return GiveUp();
    if (last_) body_->End();
    tcp(stream_).expires_never();
    Watch({});
    Pump();
  }
  // Reads on, to see the client go; what it sends is of no use any more.
  void Watch(Error error) {
    if (error) return GiveUp();
    buffer_.clear();
    stream_.async_read_some(buffer_.prepare(4096), Then<&Session::Watch>());
  }
  void EndStream() {
    body_->End();
    Pump();
  }
  // Sends what waits; when nothing does, the end or, after a while, a heartbeat.
  void Pump() {
    if (writing_ || closed_) return;
    chunk_ = body_->Take();
    if (!chunk_.empty()) return WriteChunk();
    if (body_->ended()) return WriteEnd();
    if (heartbeat_text_.empty()) return;
    idle_.expires_after(heartbeat_);
    idle_.async_wait([weak = this->weak_from_this()](Error error) {
      const auto self = weak.lock();
      if (error || !self || self->writing_ || self->closed_) return;
      self->chunk_ = self->heartbeat_text_;
      self->WriteChunk();
    });
  }
  void WriteChunk() {
    writing_ = true;
    idle_.cancel();
    tcp(stream_).expires_after(shared_.options.slow);
    const auto bytes = asio::buffer(chunk_);
    if (version_ >= 11) {
      asio::async_write(stream_, bhttp::make_chunk(bytes), Then<&Session::OnChunk>());
    } else {
      asio::async_write(stream_, bytes, Then<&Session::OnChunk>());
    }
  }
  void OnChunk(Error error) {
    writing_ = false;
    if (error) return GiveUp();
    Pump();
  }
  void WriteEnd() {
    if (version_ < 11) return GiveUp();
    writing_ = true;
    idle_.cancel();
    tcp(stream_).expires_after(shared_.options.slow);
    asio::async_write(stream_, bhttp::make_chunk_last(), Then<&Session::OnEnd>());
  }
  void OnEnd(Error) {
    writing_ = false;
    GiveUp();
  }
  // The stream is over, or nobody reads it: what is pending on the connection ends too.
  void GiveUp() {
    if (closed_) return;
    closed_ = true;
    idle_.cancel();
    body_->Close();
    Error ignored;
    tcp(stream_).socket().shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
    tcp(stream_).close();
  }

  void Close() {
    if constexpr (std::is_same_v<Transport, TlsStream>) {
      tcp(stream_).expires_after(kLinger);
      stream_.async_shutdown([self = this->shared_from_this()](Error) {});
    } else {
      Error ignored;
      stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
      if (!refused_) return;
      stream_.expires_after(kLinger);
      Drain({});
    }
  }
  void Drain(Error error) {
    if (error) return;
    buffer_.clear();
    stream_.async_read_some(buffer_.prepare(64u << 10), Then<&Session::Drain>());
  }

  Transport stream_;
  Shared& shared_;
  std::function<void()> ended_;
  beast::flat_buffer buffer_;
  std::optional<bhttp::request_parser<bhttp::string_body>> parser_;
  bhttp::response<bhttp::empty_body> continue_;
  bhttp::response<bhttp::string_body> response_;
  Request request_;
  std::string peer_;
  std::string id_;  // of the request under way
  unsigned version_ = 11;
  bool head_only_ = false;
  bool keep_alive_ = false;
  bool waiting_ = false;  // for a request to begin
  bool last_ = false;  // the server ends
  bool refused_ = false;

  // Of an answer that is produced over time.
  std::shared_ptr<Stream::State> body_;
  std::function<void(Stream)> start_;
  bhttp::response<bhttp::empty_body> stream_head_;
  std::optional<bhttp::response_serializer<bhttp::empty_body>> serializer_;
  std::string chunk_;  // being written
  asio::steady_timer idle_{stream_.get_executor()};
  std::chrono::milliseconds heartbeat_{};
  std::string heartbeat_text_;
  bool writing_ = false;
  bool closed_ = false;
};

}  // namespace

std::shared_ptr<Connection> MakeConnection(asio::ip::tcp::socket socket, asio::ssl::context* tls,
                                           Shared& shared, std::function<void()> ended) {
  if (tls == nullptr) {
    return std::make_shared<Session<PlainStream>>(PlainStream(std::move(socket)), shared,
                                                  std::move(ended));
  }
  return std::make_shared<Session<TlsStream>>(TlsStream(std::move(socket), *tls), shared,
                                              std::move(ended));
}

}  // namespace ronda::http
