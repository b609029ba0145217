#pragma once

#include <string>
#include <utility>

#include "net/http_client.h"

namespace ronda::net {

// Why something failed, with the words for people. A value; private to the room.
struct Failure {
  ErrorKind kind = ErrorKind::kOther;
  std::string detail;
};

// What a failed socket call means: `what` says which call and to where.
[[nodiscard]] Failure FailureFromErrno(std::string_view what, int errno_value);

}  // namespace ronda::net
