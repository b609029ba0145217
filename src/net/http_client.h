#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/status.h"
#include "net/message.h"
#include "net/reactor.h"

namespace ronda::net {

// What a request may speak. kAuto: HTTP/1.1 on http, ALPN (h2, http/1.1) on https. kH2: by ALPN alone
// on https; on http as kH2PriorKnowledge.
enum class Protocol : std::uint8_t { kAuto, kHttp1, kH2, kH2PriorKnowledge };

// How TLS is made: one shared const object a profile; the client keeps one SSL_CTX per profile and
// thread (lock contention in OpenSSL 3.0).
struct TlsOptions {
  bool verify = true;
  std::string server_name;  // SNI and the name checked; empty: the URL's host
  std::string ca_file;  // PEM; empty: the system's
  std::string certificate_file;  // client certificate chain, PEM
  std::string key_file;
  std::string key_password;
  std::string min_version;  // "1.2", "1.3"; empty: library default
  std::string ciphers;
  bool session_reuse = true;

  bool operator==(const TlsOptions&) const = default;
};

// What belongs to a target and not to a single request. Shared and const; compared by address, so it
// outlives the clients that it was used with.
struct Transport {
  Protocol protocol = Protocol::kAuto;
  TlsOptions tls;
  std::string proxy;  // "http://[user:password@]host:port"; empty: none
  std::string no_proxy;  // comma-separated hosts and suffixes
  std::vector<std::string> source_addresses;  // taken in turn, one a connection
  // "host:port:address" as curl's --resolve; port "*" matches any.
  std::vector<std::string> resolve;
  enum class Family : std::uint8_t { kAny, kV4, kV6 } family = Family::kAny;
  std::uint64_t connect_timeout_ns = 10'000'000'000;
  std::uint32_t max_response_head = 64 * 1024;  // bytes; more is an error
  std::uint32_t max_streams = 100;  // concurrent on one HTTP/2 connection, at most

  bool operator==(const Transport&) const = default;
};

// One request. Send copies the struct; all that it points to is BORROWED and has to stay until the
// handler is called or Cancel returns.
struct HttpRequest {
  std::string_view method = "GET";
  bool tls = false;
  std::string_view host;  // name, IPv4, or IPv6 without brackets
  std::uint16_t port = 80;
  std::string_view authority;  // Host / :authority as it goes out
  std::string_view target = "/";  // path and query
  std::span<const HeaderView>
      headers;  // Host, Content-Length, Transfer-Encoding, Connection are ours unless given
  std::string_view body;
  BodySource* body_source = nullptr;
  const Transport* transport = nullptr;  // non-null
  std::uint64_t timeout_ns = 60'000'000'000;  // whole exchange, connection included; 0: none
  // Body bytes kept for OnResponse; more are counted and dropped (body_truncated). 0 keeps none and
  // costs nothing.
  std::uint64_t keep_body = 16 * 1024 * 1024;
  // A body longer than this fails the exchange (an endless body must not run for ever).
  std::uint64_t max_body = 1ull << 30;
  bool decode = true;  // undo Content-Encoding gzip, deflate, br, zstd
  bool stream = false;  // deliver OnBody pieces as they come instead of keeping the body
  bool fresh_connection = false;  // do not reuse; close afterwards
};

// Where the time went; all ns. A phase that did not happen is 0.
struct Phases {
  std::uint64_t blocked = 0;  // waiting for a connection or a stream
  std::uint64_t dns = 0;
  std::uint64_t connect = 0;  // TCP
  std::uint64_t tls = 0;
  std::uint64_t send = 0;  // until the last byte of the request left us
  std::uint64_t first_byte = 0;  // from then to the first byte of the response
  std::uint64_t transfer = 0;  // from then to its last byte
};

// The TLS of a connection, for evidence.
struct TlsInfo {
  std::string version, cipher, alpn;
  bool resumed = false;
  std::string peer_subject, peer_issuer, not_after;  // of the leaf
  std::vector<std::string> chain_pem;  // filled only when asked for
};

struct HttpResponse {  // BORROWED: valid during the callback only
  int status = 0;
  HttpVersion version = HttpVersion::k11;
  std::string_view reason;
  std::span<const HeaderView> headers;
  std::string_view body;  // decoded; at least 64 readable bytes follow it (for simdjson)
  bool body_truncated = false;
  std::uint64_t body_bytes = 0;  // on the wire, before decoding
  // Head and body as they went over the connection, TLS not counted; over HTTP/2 the body and the
  // header fields before compression.
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  Phases phases;
  std::uint64_t start_ns = 0;  // monotonic: when Send was called
  std::uint64_t end_ns = 0;  // when the last byte had come
  bool reused_connection = false;
  std::string_view remote;  // "127.0.0.1:8080"
  const TlsInfo* tls = nullptr;

  // The first header of that name (any case), or nothing.
  [[nodiscard]] std::optional<std::string_view> Header(std::string_view name) const;
};

// Why there was no response. The kind groups errors in reports; its name is stable
// ("connect-refused", "reset", ...).
enum class ErrorKind : std::uint8_t {
  kDns,
  kConnectRefused,
  kConnectTimeout,
  kUnreachable,
  kNoLocalPort,
  kTooManyFiles,
  kTls,
  kCertificate,
  kProxy,
  kReset,
  kClosedEarly,
  kTimeout,
  kBadResponse,
  kHeadTooLarge,
  kBodyTooLarge,
  kDecode,
  kProtocol,
  kGoAway,
  kStreamReset,
  kCancelled,
  kBodySource,
  kOther,
};
inline constexpr int kErrorKinds = static_cast<int>(ErrorKind::kOther) + 1;
[[nodiscard]] std::string_view NameOf(ErrorKind kind);

struct ExchangeError {
  ErrorKind kind = ErrorKind::kOther;
  std::string_view detail;  // for people: what and where, e.g. the OpenSSL reason
  int status = 0;  // when the head had come
  Phases phases;
  std::uint64_t start_ns = 0;
  std::uint64_t end_ns = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  bool reused_connection = false;
};

// Told about one exchange, on the reactor's thread. Exactly one of OnResponse and OnError is called,
// never from inside Send (it may be called from inside Cancel of another). It may call Send again.
class ExchangeHandler {
 public:
  virtual ~ExchangeHandler() = default;
  virtual void OnResponse(const HttpResponse& response) = 0;
  virtual void OnError(const ExchangeError& error) = 0;
  // With HttpRequest::stream: the head, then pieces of the decoded body. Returning false ends the
  // exchange there: OnResponse follows with what had come, and the connection is not reused.
  virtual void OnHead(const HttpResponse&) {}
  virtual bool OnBody(std::string_view /*piece*/) { return true; }
};

// The connections of one user (or of several that share). A few words while it has none: 100,000
// thinking users must cost little. Closes its connections when destroyed.
class HttpSession {
 public:
  HttpSession();
  ~HttpSession();
  HttpSession(HttpSession&&) noexcept;
  HttpSession& operator=(HttpSession&&) noexcept;
  // Closes idle connections (the user has ended, or the scenario says `connections: per-iteration`).
  void CloseIdle();
  struct Impl;

 private:
  friend class ClientCore;
  std::unique_ptr<Impl> impl_;  // null while there is no connection
};

// The HTTP client of one reactor thread. Keeps DNS answers, SSL contexts and TLS sessions for all
// users of the thread; connections belong to sessions.
class HttpClient {
 public:
  struct Options {
    // Looks names up off the loop; the default uses getaddrinfo on a helper thread. Answers are kept
    // for dns_ttl_ns and used in turn.
    std::uint64_t dns_ttl_ns = 30'000'000'000;
    bool collect_chain = false;  // TlsInfo::chain_pem
  };
  [[nodiscard]] static std::unique_ptr<HttpClient> Create(Reactor& reactor, Options options);
  virtual ~HttpClient() = default;

  // Starts the exchange. `handler` is borrowed until it was called or Cancel returned.
  virtual void Send(HttpSession& session, const HttpRequest& request, ExchangeHandler& handler) = 0;
  // Ends the exchange of `handler` without calling it; its connection is closed unless it is HTTP/2
  // (then the stream is reset). Nothing happens if it has none.
  virtual void Cancel(HttpSession& session, ExchangeHandler& handler) = 0;

  // What happened so far, for reports.
  struct Counters {
    std::uint64_t connections_opened = 0, connections_open = 0, tls_handshakes = 0, tls_resumed = 0;
    std::uint64_t retries = 0;  // requests sent once more because a kept connection was stale
  };
  [[nodiscard]] virtual const Counters& counters() const = 0;
};

}  // namespace ronda::net
