#include "net/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/sslerr.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "net/address.h"

namespace ronda::net {

// Hung on every SSL; freed with it.
struct TlsContext::Peer {
  TlsContext* context;
  std::string session_key;
  std::string rejected;  // the certificate that verification refused, and why
};

namespace {

constexpr std::size_t kReadBuffer = 32 * 1024;
constexpr std::size_t kSessionsPerServer = 16;
// As long as no more are open, they keep their buffers (50 KB each) between two requests: to get and
// give them back costs more than the record layer. Beyond that memory is what is scarce.
constexpr std::size_t kWithBuffers = 256;

std::string NameText(const X509_NAME* name) {
  BIO* memory = BIO_new(BIO_s_mem());
  X509_NAME_print_ex(memory, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(memory);
  return text;
}

std::string TimeText(const ASN1_TIME* time) {
  tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "";
  char text[32];
  return {text, strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

std::string AlternativeNames(X509* certificate) {
  auto* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  std::string text;
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_DNS && name->type != GEN_IPADD) continue;
    const ASN1_STRING* value = name->type == GEN_DNS ? name->d.dNSName : name->d.iPAddress;
    const std::string_view bytes(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                                 static_cast<std::size_t>(ASN1_STRING_length(value)));
    text += text.empty() ? "" : ", ";
    if (name->type == GEN_DNS) {
      text += bytes;
    } else {
      char address[INET6_ADDRSTRLEN] = "?";
      inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), address, sizeof address);
      text += address;
    }
  }
  GENERAL_NAMES_free(names);
  return text;
}

std::string DescribeRejection(X509_STORE_CTX* store) {
  const int error = X509_STORE_CTX_get_error(store);
  std::string text = X509_verify_cert_error_string(error);
  X509* certificate = X509_STORE_CTX_get_current_cert(store);
  if (certificate == nullptr) return text;
  text += ": certificate " + std::to_string(X509_STORE_CTX_get_error_depth(store)) +
          " of the chain (0: the server's own), subject \"" +
          NameText(X509_get_subject_name(certificate)) + "\", issuer \"" +
          NameText(X509_get_issuer_name(certificate)) + "\", valid " +
          TimeText(X509_get0_notBefore(certificate)) + " to " +
          TimeText(X509_get0_notAfter(certificate));
  switch (error) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      text += ", for the names: " + AlternativeNames(certificate);
      break;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      text += "; if it is to be trusted, name its authority's certificate (CA file)";
      break;
    default: break;
  }
  return text;
}

// What to do about it, where the reason alone does not say.
std::string_view HintFor(int reason) {
  switch (reason) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST: return " (it does not speak TLS; is it http?)";
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return " (it wants a client certificate: give one and its key)";
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
      return " (no version or cipher in common, or it wants a client certificate)";
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_UNSUPPORTED_PROTOCOL:
      return " (it speaks no version of TLS that is allowed: see the least version)";
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA: return " (it does not trust the client certificate)";
    default: return "";
  }
}

// A socket that never raises SIGPIPE, which OpenSSL's own would.
int SocketWrite(BIO* bio, const char* data, int size) {
  const int fd = static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
  errno = 0;
  const ssize_t sent = send(fd, data, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  BIO_clear_retry_flags(bio);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

int SocketRead(BIO* bio, char* into, int room) {
  const int fd = static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
  errno = 0;
  const ssize_t got = recv(fd, into, static_cast<std::size_t>(room), 0);
  BIO_clear_retry_flags(bio);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  if (got == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(got);
}

long SocketControl(BIO* bio, int command, long, void*) {
  switch (command) {
    case BIO_CTRL_FLUSH: return 1;
    case BIO_CTRL_EOF: return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    default: return 0;
  }
}

const BIO_METHOD* SocketMethod() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    BIO_meth_set_write(made, SocketWrite);
    BIO_meth_set_read(made, SocketRead);
    BIO_meth_set_ctrl(made, SocketControl);
    return made;
  }();
  return method;
}

BIO* NewSocketBio(int fd) {
  BIO* bio = BIO_new(SocketMethod());
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
  BIO_set_init(bio, 1);
  return bio;
}

// Protocol names with their lengths before them (RFC 7301, 3.1).
std::string_view AlpnOffer(Protocol protocol) {
  using namespace std::string_view_literals;
  switch (protocol) {
    case Protocol::kAuto: return "\x02h2\x08http/1.1"sv;
    case Protocol::kHttp1: return "\x08http/1.1"sv;
    case Protocol::kH2:
    case Protocol::kH2PriorKnowledge: return "\x02h2"sv;
  }
  return {};
}

base::Status Problem(const std::string& what) {
  return base::InvalidArgument("TLS: " + what + ": " + TakeTlsError());
}

int GivePassword(char* into, int room, int /*for_writing*/, void* options) {
  const std::string& password = static_cast<const TlsOptions*>(options)->key_password;
  if (password.size() > static_cast<std::size_t>(room)) return -1;
  memcpy(into, password.data(), password.size());
  return static_cast<int>(password.size());
}

base::Status LoadTrust(SSL_CTX* context, const TlsOptions& options) {
  if (!options.verify) return base::Ok();
  if (options.ca_file.empty()) {
    if (SSL_CTX_set_default_verify_paths(context) != 1) return Problem("the system's certificates");
  } else if (SSL_CTX_load_verify_file(context, options.ca_file.c_str()) != 1) {
    return Problem("CA file " + options.ca_file);
  }
  return base::Ok();
}

base::Status LoadClientCertificate(SSL_CTX* context, const TlsOptions& options) {
  if (options.certificate_file.empty()) return base::Ok();
  if (SSL_CTX_use_certificate_chain_file(context, options.certificate_file.c_str()) != 1) {
    return Problem("client certificate " + options.certificate_file);
  }
  SSL_CTX_set_default_passwd_cb(context, GivePassword);
  SSL_CTX_set_default_passwd_cb_userdata(context, const_cast<TlsOptions*>(&options));
  const std::string& key = options.key_file.empty() ? options.certificate_file : options.key_file;
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return Problem("client key " + key);
  }
  if (SSL_CTX_check_private_key(context) != 1) return Problem("client key " + key);
  return base::Ok();
}

base::Status SetVersionAndCiphers(SSL_CTX* context, const TlsOptions& options) {
  const std::string& version = options.min_version;
  if (!version.empty() && version != "1.2" && version != "1.3") {
    return base::InvalidArgument("TLS: minimum version \"" + version + "\" is not 1.2 or 1.3");
  }
  if (version == "1.2") SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  if (version == "1.3") SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  std::string older, newer;  // TLS 1.3's suites have a list of their own
  for (std::string_view rest = options.ciphers; !rest.empty();) {
    const std::string_view one = rest.substr(0, rest.find(':'));
    std::string& list = one.starts_with("TLS_") ? newer : older;
    list.append(list.empty() ? "" : ":").append(one);
    rest.remove_prefix(std::min(one.size() + 1, rest.size()));
  }
  if (!older.empty() && SSL_CTX_set_cipher_list(context, older.c_str()) != 1) {
    return Problem("ciphers " + older);
  }
  if (!newer.empty() && SSL_CTX_set_ciphersuites(context, newer.c_str()) != 1) {
    return Problem("ciphers " + newer);
  }
  return base::Ok();
}

}  // namespace

struct TlsGlue {
  using Peer = TlsContext::Peer;

  static int PeerIndex() {
    static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, FreePeer);
    return index;
  }
  static Peer* PeerOf(const SSL* ssl) {
    return static_cast<Peer*>(SSL_get_ex_data(ssl, PeerIndex()));
  }

  static void FreePeer(void*, void* peer, CRYPTO_EX_DATA*, int, long, void*) {
    auto* const gone = static_cast<Peer*>(peer);
    if (gone != nullptr) --gone->context->connections_;
    delete gone;
  }

  // A session or ticket came; returning 1 keeps the reference.
  static int OnNewSession(SSL* ssl, SSL_SESSION* session) {
    Peer* peer = PeerOf(ssl);
    peer->context->KeepSession(peer->session_key, session);
    return 1;
  }

  static int OnVerified(int ok, X509_STORE_CTX* store) {
    if (ok == 1) return 1;
    const auto* ssl =
        static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    PeerOf(ssl)->rejected = DescribeRejection(store);
    return 0;
  }

  static const std::string& Rejected(const SSL* ssl) { return PeerOf(ssl)->rejected; }
};

base::Result<std::unique_ptr<TlsContext>> TlsContext::Create(const Transport& transport) {
  const TlsOptions& options = transport.tls;
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  if (context == nullptr) return Problem("no context");
  std::unique_ptr<TlsContext> made(new TlsContext(context, options));
  // One recv fills as many records as have come.
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, kReadBuffer);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // HTTP says itself where a message ends; many servers close without close_notify.
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_verify(context, options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
                     options.verify ? TlsGlue::OnVerified : nullptr);
  const std::string_view alpn = AlpnOffer(transport.protocol);
  SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(alpn.data()),
                          static_cast<unsigned>(alpn.size()));
  if (options.session_reuse) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, TlsGlue::OnNewSession);
  } else {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  }
  RETURN_IF_ERROR(LoadTrust(context, options));
  RETURN_IF_ERROR(LoadClientCertificate(context, options));
  RETURN_IF_ERROR(SetVersionAndCiphers(context, options));
  return made;
}

TlsContext::~TlsContext() {
  for (auto& [key, sessions] : sessions_) {
    for (SSL_SESSION* session : sessions) SSL_SESSION_free(session);
  }
  SSL_CTX_free(context_);
}

base::Result<SSL*> TlsContext::NewConnection(int fd, std::string_view host, std::uint16_t port) {
  SSL* ssl = SSL_new(context_);
  if (ssl == nullptr) return Problem("no connection");
  const std::string name = options_.server_name.empty() ? std::string(host) : options_.server_name;
  auto* peer = new Peer{this, name + ":" + std::to_string(port), ""};  // freed with the SSL
  SSL_set_ex_data(ssl, TlsGlue::PeerIndex(), peer);
  if (++connections_ > kWithBuffers) SSL_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
  BIO* bio = NewSocketBio(fd);
  SSL_set_bio(ssl, bio, bio);
  X509_VERIFY_PARAM* expected = SSL_get0_param(ssl);
  if (SocketAddress::Parse(name, 0)) {
    X509_VERIFY_PARAM_set1_ip_asc(expected, name.c_str());
  } else {
    SSL_set_tlsext_host_name(ssl, name.c_str());
    X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    X509_VERIFY_PARAM_set1_host(expected, name.c_str(), name.size());
  }
  if (SSL_SESSION* session = TakeSession(peer->session_key)) {
    SSL_set_session(ssl, session);
    SSL_SESSION_free(session);
  }
  SSL_set_connect_state(ssl);
  return ssl;
}

void TlsContext::KeepSession(const std::string& key, SSL_SESSION* session) {
  auto& kept = sessions_[key];
  if (kept.size() == kSessionsPerServer) {
    SSL_SESSION_free(kept.front());
    kept.erase(kept.begin());
  }
  kept.push_back(session);
}

SSL_SESSION* TlsContext::TakeSession(const std::string& key) {
  const auto found = sessions_.find(key);
  if (found == sessions_.end()) return nullptr;
  auto& kept = found->second;
  SSL_SESSION* newest = kept.back();
  if (kept.size() > 1) {
    kept.pop_back();
  } else {
    SSL_SESSION_up_ref(newest);
  }
  return newest;
}

Failure HandshakeFailure(SSL* ssl, int result, std::string_view host) {
  const int errno_value = errno;
  const std::string where = "TLS handshake with " + std::string(host);
  const int error = SSL_get_error(ssl, result);
  const std::string& rejected = TlsGlue::Rejected(ssl);
  if (!rejected.empty()) {
    ERR_clear_error();
    return {ErrorKind::kCertificate, where + ": " + rejected};
  }
  if (error == SSL_ERROR_SYSCALL || error == SSL_ERROR_ZERO_RETURN) ERR_clear_error();
  if (error == SSL_ERROR_SYSCALL && errno_value != 0) {
    return FailureFromErrno(where, errno_value);
  }
  if (error == SSL_ERROR_SYSCALL || error == SSL_ERROR_ZERO_RETURN) {
    return {ErrorKind::kTls, where +
                                 ": the server closed the connection (does it speak TLS? is a "
                                 "version of it in common?)"};
  }
  return {ErrorKind::kTls, where + ": " + TakeTlsError()};
}

TlsInfo DescribeTls(SSL* ssl, WithChain with_chain) {
  TlsInfo info;
  info.version = SSL_get_version(ssl);
  info.cipher = SSL_get_cipher_name(ssl);
  const unsigned char* alpn = nullptr;
  unsigned alpn_size = 0;
  SSL_get0_alpn_selected(ssl, &alpn, &alpn_size);
  info.alpn.assign(reinterpret_cast<const char*>(alpn), alpn_size);
  info.resumed = SSL_session_reused(ssl) == 1;
  if (const X509* leaf = SSL_get0_peer_certificate(ssl)) {
    info.peer_subject = NameText(X509_get_subject_name(leaf));
    info.peer_issuer = NameText(X509_get_issuer_name(leaf));
    info.not_after = TimeText(X509_get0_notAfter(leaf));
  }
  if (with_chain == WithChain::kNo) return info;
  STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl);
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    BIO* memory = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(memory, sk_X509_value(chain, i));
    char* data = nullptr;
    const long size = BIO_get_mem_data(memory, &data);
    info.chain_pem.emplace_back(data, static_cast<std::size_t>(size));
    BIO_free(memory);
  }
  return info;
}

std::string TakeTlsError() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown error";
  if (ERR_SYSTEM_ERROR(code)) return strerror(ERR_GET_REASON(code));
  const char* reason = ERR_reason_error_string(code);
  std::string text = reason != nullptr ? reason : "error " + std::to_string(code);
  if (ERR_GET_LIB(code) == ERR_LIB_SSL) text += HintFor(ERR_GET_REASON(code));
  return text;
}

}  // namespace ronda::net
