#include "net/error_kind.h"

#include <errno.h>
#include <string.h>

#include <array>

namespace ronda::net {

std::string_view NameOf(ErrorKind kind) {
  static constexpr std::array<std::string_view, kErrorKinds> kNames = {
      "dns",          "connect-refused", "connect-timeout",
      "unreachable",  "no-local-port",   "too-many-files",
      "tls",          "certificate",     "proxy",
      "reset",        "closed-early",    "timeout",
      "bad-response", "head-too-large",  "body-too-large",
      "decode",       "protocol",        "go-away",
      "stream-reset", "cancelled",       "body-source",
      "other"};
  return kNames[static_cast<std::size_t>(kind)];
}

namespace {

ErrorKind KindFromErrno(int errno_value) {
  switch (errno_value) {
    case ECONNREFUSED: return ErrorKind::kConnectRefused;
    case ETIMEDOUT: return ErrorKind::kConnectTimeout;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case EACCES:
    case EPERM:
    case EAFNOSUPPORT: return ErrorKind::kUnreachable;
    case EADDRNOTAVAIL:
    case EADDRINUSE: return ErrorKind::kNoLocalPort;
    case EMFILE:
    case ENFILE: return ErrorKind::kTooManyFiles;
    case ECONNRESET:
    case EPIPE: return ErrorKind::kReset;
    default: return ErrorKind::kOther;
  }
}

std::string_view HintFor(int errno_value) {
  switch (errno_value) {
    case EMFILE: return " (raise the limit: ulimit -n)";
    case EADDRNOTAVAIL:
      return " (no free local port to there, or not an address of this machine; add source "
             "addresses"
             " or widen net.ipv4.ip_local_port_range)";
    default: return "";
  }
}

}  // namespace

Failure FailureFromErrno(std::string_view what, int errno_value) {
  char buffer[128];
  const char* reason = strerror_r(errno_value, buffer, sizeof buffer);  // the GNU variant
  std::string detail(what);
  detail.append(": ").append(reason).append(HintFor(errno_value));
  return {KindFromErrno(errno_value), std::move(detail)};
}

}  // namespace ronda::net
