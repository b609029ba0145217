#pragma once

#include <openssl/ssl.h>

#include <string>

namespace ronda::net {

// A private CA and certificates that it signs, made anew by every test that asks. For tests only.
// Files lie in a folder of the test's own, which is removed at the end.
class TestCertificates {
 public:
  TestCertificates();
  ~TestCertificates();
  TestCertificates(const TestCertificates&) = delete;

  enum class Validity { kNow, kExpired };
  enum class SignedBy { kCa, kStranger };
  struct Pair {
    std::string certificate_file;
    std::string key_file;
  };
  // `names`: as in OpenSSL's subjectAltName, "DNS:a.example,IP:127.0.0.1".
  [[nodiscard]] Pair Issue(const std::string& common_name, const std::string& names,
                           Validity validity = Validity::kNow, SignedBy by = SignedBy::kCa);
  [[nodiscard]] const std::string& ca_file() const { return ca_file_; }

  enum class Alpn { kNone, kH2, kHttp1 };
  // A server's context with this pair; freed with the object.
  [[nodiscard]] SSL_CTX* ServerContext(const Pair& pair, Alpn alpn = Alpn::kNone);

 private:
  struct Authority {
    EVP_PKEY* key = nullptr;
    X509* certificate = nullptr;
  };
  static Authority MakeAuthority(const char* name);
  std::string Path(const std::string& name) const { return folder_ + "/" + name; }

  std::string folder_;
  std::string ca_file_;
  Authority ca_, stranger_;
  int issued_ = 0;
  SSL_CTX* server_ = nullptr;
};

}  // namespace ronda::net
