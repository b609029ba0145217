#include "net/test_certificates.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include <filesystem>
#include <string_view>

#include "base/core/check.h"

namespace ronda::net {
namespace {

constexpr long kDay = 24 * 3600;

void SetName(X509_NAME* name, const std::string& common_name) {
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                             0);
}

void AddExtension(X509* certificate, int nid, const std::string& value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
  CHECK(extension != nullptr);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

X509* NewCertificate(EVP_PKEY* key, const std::string& common_name, long from, long until) {
  static long serial = 1;
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), from);
  X509_gmtime_adj(X509_getm_notAfter(certificate), until);
  X509_set_pubkey(certificate, key);
  SetName(X509_get_subject_name(certificate), common_name);
  return certificate;
}

void WriteCertificate(const std::string& path, X509* certificate) {
  FILE* file = fopen(path.c_str(), "w");
  CHECK(file != nullptr);
  PEM_write_X509(file, certificate);
  fclose(file);
}

void WriteKey(const std::string& path, EVP_PKEY* key) {
  FILE* file = fopen(path.c_str(), "w");
  CHECK(file != nullptr);
  PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  fclose(file);
}

int SelectAlpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
               unsigned in_size, void* wanted) {
  const std::string_view offered(reinterpret_cast<const char*>(in), in_size);
  const std::string_view want(static_cast<const char*>(wanted));
  const std::size_t at = offered.find(want);
  if (at == std::string_view::npos) return SSL_TLSEXT_ERR_NOACK;
  *out = in + at;
  *out_size = static_cast<unsigned char>(want.size());
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

TestCertificates::TestCertificates() {
  std::string pattern = std::filesystem::temp_directory_path() / "ronda-certificates-XXXXXX";
  CHECK(mkdtemp(pattern.data()) != nullptr);
  folder_ = pattern;
  ca_ = MakeAuthority("Test CA");
  stranger_ = MakeAuthority("Stranger CA");
  ca_file_ = Path("ca.pem");
  WriteCertificate(ca_file_, ca_.certificate);
}

TestCertificates::~TestCertificates() {
  SSL_CTX_free(server_);
  for (const Authority& authority : {ca_, stranger_}) {
    EVP_PKEY_free(authority.key);
    X509_free(authority.certificate);
  }
  std::filesystem::remove_all(folder_);
}

TestCertificates::Authority TestCertificates::MakeAuthority(const char* name) {
  Authority authority;
  authority.key = EVP_EC_gen("P-256");
  authority.certificate = NewCertificate(authority.key, name, -kDay, 30 * kDay);
  X509_set_issuer_name(authority.certificate, X509_get_subject_name(authority.certificate));
  AddExtension(authority.certificate, NID_basic_constraints, "critical,CA:TRUE");
  X509_sign(authority.certificate, authority.key, EVP_sha256());
  return authority;
}

TestCertificates::Pair TestCertificates::Issue(const std::string& common_name,
                                               const std::string& names, Validity validity,
                                               SignedBy by) {
  const Authority& authority = by == SignedBy::kCa ? ca_ : stranger_;
  const bool expired = validity == Validity::kExpired;
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate =
      NewCertificate(key, common_name, -20 * kDay, expired ? -10 * kDay : 10 * kDay);
  X509_set_issuer_name(certificate, X509_get_subject_name(authority.certificate));
  if (!names.empty()) AddExtension(certificate, NID_subject_alt_name, names);
  X509_sign(certificate, authority.key, EVP_sha256());
  const std::string base = Path(std::to_string(issued_++));
  const Pair pair{base + ".pem", base + ".key"};
  WriteCertificate(pair.certificate_file, certificate);
  WriteKey(pair.key_file, key);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return pair;
}

SSL_CTX* TestCertificates::ServerContext(const Pair& pair, Alpn alpn) {
  SSL_CTX_free(server_);
  server_ = SSL_CTX_new(TLS_server_method());
  CHECK(SSL_CTX_use_certificate_chain_file(server_, pair.certificate_file.c_str()) == 1);
  CHECK(SSL_CTX_use_PrivateKey_file(server_, pair.key_file.c_str(), SSL_FILETYPE_PEM) == 1);
  CHECK(SSL_CTX_load_verify_file(server_, ca_file_.c_str()) == 1);
  SSL_CTX_set_session_id_context(server_, reinterpret_cast<const unsigned char*>("test"), 4);
  if (alpn != Alpn::kNone) {
    const char* name = alpn == Alpn::kH2 ? "h2" : "http/1.1";
    SSL_CTX_set_alpn_select_cb(server_, SelectAlpn, const_cast<char*>(name));
  }
  return server_;
}

}  // namespace ronda::net
