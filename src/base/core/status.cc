#include "base/core/status.h"

#include <cerrno>
#include <cstring>

namespace ronda::base {

std::string_view NameOf(Code code) {
  switch (code) {
    case Code::kOk: return "ok";
    case Code::kCancelled: return "cancelled";
    case Code::kUnknown: return "unknown";
    case Code::kInvalidArgument: return "invalid-argument";
    case Code::kDeadlineExceeded: return "deadline-exceeded";
    case Code::kNotFound: return "not-found";
    case Code::kAlreadyExists: return "already-exists";
    case Code::kPermissionDenied: return "permission-denied";
    case Code::kResourceExhausted: return "resource-exhausted";
    case Code::kFailedPrecondition: return "failed-precondition";
    case Code::kAborted: return "aborted";
    case Code::kOutOfRange: return "out-of-range";
    case Code::kUnimplemented: return "unimplemented";
    case Code::kInternal: return "internal";
    case Code::kUnavailable: return "unavailable";
    case Code::kDataLoss: return "data-loss";
    case Code::kUnauthenticated: return "unauthenticated";
  }
  return "unknown";
}

int HttpStatusOf(Code code) {
  switch (code) {
    case Code::kOk: return 200;
    case Code::kInvalidArgument:
    case Code::kOutOfRange: return 400;
    case Code::kUnauthenticated: return 401;
    case Code::kPermissionDenied: return 403;
    case Code::kNotFound: return 404;
    case Code::kAlreadyExists:
    case Code::kAborted: return 409;
    case Code::kFailedPrecondition: return 412;
    case Code::kResourceExhausted: return 429;
    case Code::kCancelled: return 499;
    case Code::kUnimplemented: return 501;
    case Code::kUnavailable: return 503;
    case Code::kDeadlineExceeded: return 504;
    case Code::kUnknown:
    case Code::kInternal:
    case Code::kDataLoss: return 500;
  }
  return 500;
}

ExitCode ExitCodeOf(Code code) {
  switch (code) {
    case Code::kOk: return ExitCode::kOk;
    case Code::kInvalidArgument:
    case Code::kOutOfRange:
    case Code::kUnimplemented:
    case Code::kFailedPrecondition: return ExitCode::kBadConfig;
    case Code::kUnauthenticated:
    case Code::kPermissionDenied: return ExitCode::kUnauthenticated;
    case Code::kUnavailable:
    case Code::kDeadlineExceeded: return ExitCode::kUnreachable;
    case Code::kAborted: return ExitCode::kAborted;
    case Code::kCancelled: return ExitCode::kInterrupted;
    case Code::kUnknown:
    case Code::kNotFound:
    case Code::kAlreadyExists:
    case Code::kResourceExhausted:
    case Code::kInternal:
    case Code::kDataLoss: return ExitCode::kFailure;
  }
  return ExitCode::kFailure;
}

std::string Status::ToString() const {
  if (ok()) return "ok";
  return std::string(NameOf(code_)) + ": " + message_;
}

Status FromErrno(std::string_view what, int errno_value) {
  Code code = Code::kInternal;
  switch (errno_value) {
    case ENOENT: code = Code::kNotFound; break;
    case EEXIST: code = Code::kAlreadyExists; break;
    case EACCES:
    case EPERM: code = Code::kPermissionDenied; break;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOSPC:
    case EDQUOT:
    case EADDRNOTAVAIL: code = Code::kResourceExhausted; break;
    case ECONNREFUSED:
    case ECONNRESET:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EPIPE: code = Code::kUnavailable; break;
    case ETIMEDOUT: code = Code::kDeadlineExceeded; break;
    case EINVAL: code = Code::kInvalidArgument; break;
    default: break;
  }
  char buffer[128];
  // GNU strerror_r may return a static string instead of filling the buffer.
  return {code, std::string(what) + ": " + strerror_r(errno_value, buffer, sizeof buffer)};
}

}  // namespace ronda::base
