#include "http/server.h"

#include <fmt/format.h>
#include <strings.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "base/core/random.h"
#include "http/session.h"

namespace ronda::http {
namespace asio = boost::asio;
using Error = boost::system::error_code;

std::string_view Request::Header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key.size() == name.size() && strncasecmp(key.data(), name.data(), name.size()) == 0) {
      return value;
    }
  }
  return {};
}

std::string_view Request::path() const {
  return std::string_view(target).substr(0, target.find('?'));
}

std::string_view Request::query() const {
  const auto at = target.find('?');
  return at == std::string::npos ? std::string_view() : std::string_view(target).substr(at + 1);
}

Response RefuseAsJson(int status, std::string_view why, const Request&) {
  std::string message;
  for (const char c : why) {
    if (c == '"' || c == '\\') message += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) message += c;
  }
  Response response{.status = status,
                    .body = fmt::format("{{\"code\":{},\"message\":\"{}\"}}", status, message)};
  if (status == 429 || status == 503) response.headers.emplace_back("Retry-After", "1");
  if (status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

namespace {

std::string IdPrefix() {
  std::uint64_t random = 0;
  base::FillEntropy(&random, sizeof random);
  return fmt::format("{:012x}-", random >> 16);
}

}  // namespace

class Server::Impl {
 public:
  Impl(const ServerOptions& options, Handler handler, Refuse refuse)
      : shared_{options, std::move(handler), std::move(refuse), IdPrefix()} {}
  ~Impl() { Stop(); }

  base::Status Start() {
    RETURN_IF_ERROR(ReadTls());
    RETURN_IF_ERROR(Listen());
    asio::post(strand_, [this] { Accept(); });
    for (int i = 0; i < shared_.options.threads; ++i) {
      threads_.emplace_back([this] { loop_.run(); });
    }
    return base::Ok();
  }

  void Stop() {
    if (threads_.empty()) return;
    asio::post(strand_, [this] {
      stopping_ = true;
      Error ignored;
      acceptor_.close(ignored);
      retry_.cancel();
      for (const auto& connection : Connections()) connection->Finish();
      const std::lock_guard lock(mutex_);
      finishing_ = true;
      ended_.notify_all();
    });
    {
      std::unique_lock lock(mutex_);
      ended_.wait_for(lock, shared_.options.drain,
                      [&] { return finishing_ && connections_.empty(); });
    }
    loop_.stop();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string url() const {
    const std::string& address = shared_.options.address;
    const bool six = address.find(':') != std::string::npos;
    return fmt::format("{}://{}{}{}:{}", tls_ ? "https" : "http", six ? "[" : "", address,
                       six ? "]" : "", port_);
  }

 private:
  base::Status ReadTls() {
    const Tls& files = shared_.options.tls;
    if (files.certificate_file.empty()) return base::Ok();
    tls_.emplace(asio::ssl::context::tls_server);
    Error error;
    tls_->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                          asio::ssl::context::no_tlsv1_1,
                      error);
    tls_->use_certificate_chain_file(files.certificate_file, error);
    if (error) {
      return base::InvalidArgument("certificate " + files.certificate_file + ": " +
                                   error.message());
    }
    tls_->use_private_key_file(files.key_file, asio::ssl::context::pem, error);
    if (error) return base::InvalidArgument("key " + files.key_file + ": " + error.message());
    return base::Ok();
  }

  base::Status Listen() {
    Error error;
    const auto address = asio::ip::make_address(shared_.options.address, error);
    if (error) {
      return base::InvalidArgument("\"" + shared_.options.address + "\" is no IP address");
    }
    const asio::ip::tcp::endpoint endpoint(address, shared_.options.port);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) {
      return base::Unavailable(fmt::format("cannot listen on {}:{}: {}", shared_.options.address,
                                           shared_.options.port, error.message()));
    }
    port_ = acceptor_.local_endpoint(error).port();
    return base::Ok();
  }

  // On strand_. At the most connections it pauses; the end of one calls it again.
  void Accept() {
    if (stopping_ || accepting_) return;
    {
      const std::lock_guard lock(mutex_);
      if (connections_.size() >= shared_.options.connections) return;
    }
    accepting_ = true;
    acceptor_.async_accept(asio::make_strand(loop_), [this](Error error, auto socket) {
      accepting_ = false;
      if (stopping_) return;
      if (error) return AcceptLater();
      Take(std::move(socket));
      Accept();
    });
  }

  // The process has no descriptor left, or the like.
  void AcceptLater() {
    retry_.expires_after(std::chrono::milliseconds(100));
    retry_.async_wait([this](Error error) {
      if (!error) Accept();
    });
  }

  void Take(asio::ip::tcp::socket socket) {
    std::shared_ptr<Connection> connection;
    {
      const std::lock_guard lock(mutex_);
      const std::uint64_t id = next_++;
      connection = MakeConnection(std::move(socket), tls_ ? &*tls_ : nullptr, shared_,
                                  [this, id] { Forget(id); });
      connections_[id] = connection;
    }
    connection->Run();
  }

  // Held without the mutex: the end of the last reference takes it.
  std::vector<std::shared_ptr<Connection>> Connections() {
    std::vector<std::shared_ptr<Connection>> all;
    const std::lock_guard lock(mutex_);
    for (const auto& [id, connection] : connections_) {
      if (auto held = connection.lock()) all.push_back(std::move(held));
    }
    return all;
  }

  void Forget(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    const bool full = connections_.size() >= shared_.options.connections;
    connections_.erase(id);
    if (full) asio::post(strand_, [this] { Accept(); });
    if (connections_.empty()) ended_.notify_all();
  }

  Shared shared_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::map<std::uint64_t, std::weak_ptr<Connection>> connections_;  // guarded by mutex_
  std::uint64_t next_ = 0;  // guarded by mutex_
  bool finishing_ = false;  // guarded by mutex_: every connection knows that it ends
  std::optional<asio::ssl::context> tls_;
  asio::io_context loop_;  // its pending handlers own connections: goes before what they use
  asio::strand<asio::io_context::executor_type> strand_ = asio::make_strand(loop_);
  asio::ip::tcp::acceptor acceptor_{strand_};
  asio::steady_timer retry_{strand_};
  asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(loop_);
  bool stopping_ = false;  // on strand_
  bool accepting_ = false;  // on strand_
  std::uint16_t port_ = 0;
  std::vector<std::thread> threads_;
};

base::Result<std::unique_ptr<Server>> Server::Start(const ServerOptions& options, Handler handler,
                                                    Refuse refuse) {
  auto impl = std::make_unique<Impl>(options, std::move(handler), std::move(refuse));
  RETURN_IF_ERROR(impl->Start());
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;
void Server::Stop() { impl_->Stop(); }
std::uint16_t Server::port() const { return impl_->port(); }
std::string Server::url() const { return impl_->url(); }

}  // namespace ronda::http
