#pragma once

#include <openssl/ssl.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

namespace ronda::bench {

struct SslFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using SslContext = std::unique_ptr<SSL_CTX, SslFree>;

// Null when the PEM files are no certificate and key.
inline SslContext MakeSslContext(const std::string& certificate, const std::string& key) {
  SslContext context(SSL_CTX_new(TLS_server_method()));
  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context.get(), key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return nullptr;
  }
  return context;
}

// The server's side of one TLS connection, between memory and memory: OpenSSL never asks the socket.
class TlsSide {
 public:
  explicit TlsSide(SSL_CTX* context) : ssl_(SSL_new(context)) {
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl_.get(), in_, out_);
    SSL_set_accept_state(ssl_.get());
  }

  // Takes bytes that came and appends what they say to `plain`. False: the connection is over.
  bool Take(std::string_view bytes, std::string& plain) {
    BIO_write(in_, bytes.data(), static_cast<int>(bytes.size()));
    std::array<char, 16384> piece;
    for (;;) {
      const int got = SSL_read(ssl_.get(), piece.data(), static_cast<int>(piece.size()));
      if (got <= 0) return SSL_get_error(ssl_.get(), got) == SSL_ERROR_WANT_READ;
      plain.append(piece.data(), static_cast<std::size_t>(got));
      if (BIO_ctrl_pending(in_) == 0 && SSL_pending(ssl_.get()) == 0) return true;
    }
  }

  void Put(std::string_view plain) {
    SSL_write(ssl_.get(), plain.data(), static_cast<int>(plain.size()));
  }

  // What has to go out; Sent forgets it.
  [[nodiscard]] std::string_view Outgoing() const {
    char* data = nullptr;
    const long size = BIO_get_mem_data(out_, &data);
    return {data, static_cast<std::size_t>(size)};
  }
  void Sent() { BIO_reset(out_); }

 private:
  std::unique_ptr<SSL, SslFree> ssl_;
  BIO* in_ = nullptr;  // owned by ssl_
  BIO* out_ = nullptr;  // owned by ssl_
};

}  // namespace ronda::bench
