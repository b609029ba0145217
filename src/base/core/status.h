#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/core/check.h"

namespace ronda::base {

// What kind of failure. The names are gRPC's canonical codes; HTTP status and exit code derive from
// them (HttpStatusOf, ExitCodeOf), so that there is one enum for the whole product.
enum class Code {
  kOk = 0,
  kCancelled,
  kUnknown,
  kInvalidArgument,
  kDeadlineExceeded,
  kNotFound,
  kAlreadyExists,
  kPermissionDenied,
  kResourceExhausted,
  kFailedPrecondition,
  kAborted,
  kOutOfRange,
  kUnimplemented,
  kInternal,
  kUnavailable,
  kDataLoss,
  kUnauthenticated,
};

// "invalid-argument" and the like.
[[nodiscard]] std::string_view NameOf(Code code);

// The HTTP status that an API reply carries for this code (google.rpc.Code's mapping).
[[nodiscard]] int HttpStatusOf(Code code);

// Exit codes of the `ronda` binary; `ronda help exit-codes` publishes them.
enum class ExitCode : int {
  kOk = 0,
  kFailure = 1,
  kUsage = 2,
  kUnauthenticated = 4,
  kUnreachable = 5,
  kCheckFailed = 99,  // a threshold or a check failed
  kBadConfig = 104,  // a definition or configuration that cannot be run as written
  kAborted = 105,
  kBreaker = 110,  // a guard stopped the run
  kInterrupted = 130,  // Ctrl-C
};
[[nodiscard]] ExitCode ExitCodeOf(Code code);

// The outcome of something that can fail: a code and, unless ok, a message that says what, where and
// what to do. A value: copy and move freely.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  [[nodiscard]] bool ok() const { return code_ == Code::kOk; }
  [[nodiscard]] Code code() const { return code_; }
  [[nodiscard]] const std::string& message() const { return message_; }
  // "not-found: no such file", or "ok".
  [[nodiscard]] std::string ToString() const;

  bool operator==(const Status&) const = default;

 private:
  Code code_ = Code::kOk;
  std::string message_;
};

[[nodiscard]] inline Status Ok() { return {}; }
[[nodiscard]] inline Status InvalidArgument(std::string m) {
  return {Code::kInvalidArgument, std::move(m)};
}
[[nodiscard]] inline Status NotFound(std::string m) { return {Code::kNotFound, std::move(m)}; }
[[nodiscard]] inline Status AlreadyExists(std::string m) {
  return {Code::kAlreadyExists, std::move(m)};
}
[[nodiscard]] inline Status FailedPrecondition(std::string m) {
  return {Code::kFailedPrecondition, std::move(m)};
}
[[nodiscard]] inline Status ResourceExhausted(std::string m) {
  return {Code::kResourceExhausted, std::move(m)};
}
[[nodiscard]] inline Status OutOfRange(std::string m) { return {Code::kOutOfRange, std::move(m)}; }
[[nodiscard]] inline Status Unimplemented(std::string m) {
  return {Code::kUnimplemented, std::move(m)};
}
[[nodiscard]] inline Status Internal(std::string m) { return {Code::kInternal, std::move(m)}; }
[[nodiscard]] inline Status Unavailable(std::string m) {
  return {Code::kUnavailable, std::move(m)};
}
[[nodiscard]] inline Status DeadlineExceeded(std::string m) {
  return {Code::kDeadlineExceeded, std::move(m)};
}
[[nodiscard]] inline Status DataLoss(std::string m) { return {Code::kDataLoss, std::move(m)}; }
[[nodiscard]] inline Status Aborted(std::string m) { return {Code::kAborted, std::move(m)}; }
[[nodiscard]] inline Status Cancelled(std::string m) { return {Code::kCancelled, std::move(m)}; }
[[nodiscard]] inline Status PermissionDenied(std::string m) {
  return {Code::kPermissionDenied, std::move(m)};
}
[[nodiscard]] inline Status Unauthenticated(std::string m) {
  return {Code::kUnauthenticated, std::move(m)};
}

// The failure of the last system call: `what` and strerror(errno_value), with the code that fits.
[[nodiscard]] Status FromErrno(std::string_view what, int errno_value);

// A value, or the Status that says why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(Status status) : status_(std::move(status)) { CHECK(!status_.ok()); }  // NOLINT: implicit
  Result(T value) : value_(std::move(value)) {}  // NOLINT: implicit

  [[nodiscard]] bool ok() const { return value_.has_value(); }
  [[nodiscard]] const Status& status() const { return status_; }

  [[nodiscard]] T& value() & {
    CHECK(ok());
    return *value_;
  }
  [[nodiscard]] const T& value() const& {
    CHECK(ok());
    return *value_;
  }
  [[nodiscard]] T&& value() && {
    CHECK(ok());
    return std::move(*value_);
  }

  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  Status status_;
  std::optional<T> value_;
};

#define RONDA_CONCAT_INNER(a, b) a##b
#define RONDA_CONCAT(a, b) RONDA_CONCAT_INNER(a, b)

// Returns the status of `expression` from the enclosing function unless it is ok.
#define RETURN_IF_ERROR(expression)                     \
  do {                                                  \
    ::ronda::base::Status ronda_status_ = (expression); \
    if (!ronda_status_.ok()) [[unlikely]]               \
      return ronda_status_;                             \
  } while (false)

// ASSIGN_OR_RETURN(auto x, F()): x = the value of F(), or returns F()'s status.
#define ASSIGN_OR_RETURN(lhs, expression) \
  ASSIGN_OR_RETURN_IMPL(RONDA_CONCAT(ronda_result_, __LINE__), lhs, expression)
#define ASSIGN_OR_RETURN_IMPL(result, lhs, expression) \
  auto result = (expression);                          \
  if (!result.ok()) [[unlikely]]                       \
    return result.status();                            \
  lhs = *std::move(result)

}  // namespace ronda::base
