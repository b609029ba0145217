#include "wire/worker/credentials.h"

#include <string>

#include "base/file.h"

namespace ronda::wire::worker {
namespace {

base::Status CheckPair(const TlsFiles& tls) {
  if (tls.certificate.empty() == tls.key.empty()) return base::Ok();
  return base::InvalidArgument(
      tls.key.empty() ? "the certificate " + tls.certificate + " is of no use without its key"
                      : "the key " + tls.key + " is of no use without its certificate");
}

}  // namespace

base::Result<std::shared_ptr<grpc::ServerCredentials>> ServerCredentialsOf(const TlsFiles& tls) {
  RETURN_IF_ERROR(CheckPair(tls));
  if (tls.certificate.empty()) {
    if (tls.ca.empty()) return grpc::InsecureServerCredentials();
    return base::InvalidArgument("workers are to show certificates signed by " + tls.ca +
                                 ", which wants TLS: give the server's certificate and key too");
  }
  grpc::SslServerCredentialsOptions options;
  if (!tls.ca.empty()) {
    ASSIGN_OR_RETURN(options.pem_root_certs, base::ReadFile(tls.ca));
    options.client_certificate_request = GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
  }
  ASSIGN_OR_RETURN(std::string key, base::ReadFile(tls.key));
  ASSIGN_OR_RETURN(std::string certificate, base::ReadFile(tls.certificate));
  options.pem_key_cert_pairs.push_back({std::move(key), std::move(certificate)});
  return grpc::SslServerCredentials(options);
}

base::Result<std::shared_ptr<grpc::ChannelCredentials>> ClientCredentialsOf(const TlsFiles& tls) {
  RETURN_IF_ERROR(CheckPair(tls));
  grpc::SslCredentialsOptions options;
  if (!tls.ca.empty()) {
    ASSIGN_OR_RETURN(options.pem_root_certs, base::ReadFile(tls.ca));
  }
  if (!tls.certificate.empty()) {
    ASSIGN_OR_RETURN(options.pem_cert_chain, base::ReadFile(tls.certificate));
    ASSIGN_OR_RETURN(options.pem_private_key, base::ReadFile(tls.key));
  }
  return grpc::SslCredentials(options);
}

base::Status FromGrpc(const grpc::Status& status) {
  static constexpr base::Code kCodes[] = {
      base::Code::kOk,
      base::Code::kCancelled,
      base::Code::kUnknown,
      base::Code::kInvalidArgument,
      base::Code::kDeadlineExceeded,
      base::Code::kNotFound,
      base::Code::kAlreadyExists,
      base::Code::kPermissionDenied,
      base::Code::kResourceExhausted,
      base::Code::kFailedPrecondition,
      base::Code::kAborted,
      base::Code::kOutOfRange,
      base::Code::kUnimplemented,
      base::Code::kInternal,
      base::Code::kUnavailable,
      base::Code::kDataLoss,
      base::Code::kUnauthenticated,
  };
  const auto code = static_cast<std::size_t>(status.error_code());
  if (status.ok()) return base::Ok();
  return {code < std::size(kCodes) ? kCodes[code] : base::Code::kUnknown, status.error_message()};
}

grpc::Status ToGrpc(const base::Status& status) {
  // base::Code is declared in gRPC's order; the test holds the two together.
  return {static_cast<grpc::StatusCode>(status.code()), status.message()};
}

}  // namespace ronda::wire::worker
