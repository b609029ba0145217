#include "http/session.h"

#include <openssl/crypto.h>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <optional>
#include <type_traits>

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

// One connection: a request is read, handled and answered before the next. Lives as long as something
// is pending on it; everything but Finish and a reply runs on its strand.
template <typename Stream>
class Session : public Connection, public std::enable_shared_from_this<Session<Stream>> {
 public:
  Session(Stream stream, Shared& shared, std::function<void()> ended)
      : stream_(std::move(stream)), shared_(shared), ended_(std::move(ended)) {}
  ~Session() override { ended_(); }

  void Run() override {
    asio::dispatch(stream_.get_executor(), [self = this->shared_from_this()] { self->Begin(); });
  }
  void Finish() override {
    asio::post(stream_.get_executor(), [self = this->shared_from_this()] {
      self->last_ = true;
      // A request whose first bytes were read already has its answer all the same.
      if (self->waiting_) tcp(self->stream_).cancel();
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
    if constexpr (std::is_same_v<Stream, TlsStream>) {
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
    Send(shared_.refuse(status, why, request_), false);
  }

  void Send(Response response, bool keep_alive) {
    response_ = {};
    response_.version(version_);
    response_.result(static_cast<unsigned>(response.status));
    if (!response.content_type.empty()) {
      response_.set(bhttp::field::content_type, response.content_type);
    }
    for (const auto& [name, value] : response.headers) response_.insert(name, value);
    response_.body() = std::move(response.body);
    response_.keep_alive(keep_alive);
    response_.prepare_payload();
    tcp(stream_).expires_after(shared_.options.slow);
    bhttp::async_write(stream_, response_, Then<&Session::OnSent>());
  }
  void OnSent(Error error) {
    if (error) return;
    if (response_.keep_alive()) return Await();
    Close();
  }

  void Close() {
    if constexpr (std::is_same_v<Stream, TlsStream>) {
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

  Stream stream_;
  Shared& shared_;
  std::function<void()> ended_;
  beast::flat_buffer buffer_;
  std::optional<bhttp::request_parser<bhttp::string_body>> parser_;
  bhttp::response<bhttp::empty_body> continue_;
  bhttp::response<bhttp::string_body> response_;
  Request request_;
  unsigned version_ = 11;
  bool keep_alive_ = false;
  bool waiting_ = false;  // for a request to begin
  bool last_ = false;  // the server ends
  bool refused_ = false;
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
