#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/core/status.h"
#include "net/error_kind.h"
#include "net/http_client.h"

typedef struct ssl_ctx_st SSL_CTX;
typedef struct ssl_st SSL;
typedef struct ssl_session_st SSL_SESSION;

namespace ronda::net {

// The TLS of one transport on one thread: certificates, what is verified and offered, and the sessions
// that servers gave to resume. It outlives every SSL made from it. One thread.
class TlsContext {
 public:
  // Reads the files that the options name. The message of a failure says which file and why.
  [[nodiscard]] static base::Result<std::unique_ptr<TlsContext>> Create(const Transport& transport);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // A client's SSL on a connected, non-blocking `fd` (borrowed), ready for SSL_connect. `host`: the
  // URL's, for SNI and verification unless the options name another; `port` keeps sessions apart.
  [[nodiscard]] base::Result<SSL*> NewConnection(int fd, std::string_view host, std::uint16_t port);

 private:
  struct Peer;  // what an SSL carries
  friend struct TlsGlue;  // OpenSSL's callbacks

  TlsContext(SSL_CTX* context, const TlsOptions& options) : context_(context), options_(options) {}
  void KeepSession(const std::string& key, SSL_SESSION* session);
  // The newest session of `key`; the last one is given again and again, others once (RFC 8446, C.4).
  [[nodiscard]] SSL_SESSION* TakeSession(const std::string& key);

  SSL_CTX* const context_;
  const TlsOptions& options_;
  std::size_t connections_ = 0;  // SSLs that live
  std::unordered_map<std::string, std::vector<SSL_SESSION*>> sessions_;
};

// Why the handshake of `ssl` failed, `result` being what SSL_connect returned: for a certificate, which
// one and what is wrong with it. Takes the thread's error queue and errno.
[[nodiscard]] Failure HandshakeFailure(SSL* ssl, int result, std::string_view host);

enum class WithChain : std::uint8_t { kNo, kYes };
// What was agreed on, of a connection whose handshake is done.
[[nodiscard]] TlsInfo DescribeTls(SSL* ssl, WithChain with_chain);

// The oldest error in OpenSSL's queue of this thread in words; empties the queue.
[[nodiscard]] std::string TakeTlsError();

}  // namespace ronda::net
