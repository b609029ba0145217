#pragma once

#include <string>

namespace ronda::net {

// The oldest error in OpenSSL's queue of this thread in words; empties the queue.
[[nodiscard]] std::string TakeTlsError();

// The error at hand says that the peer closed the socket without close_notify; empties the queue then.
[[nodiscard]] bool EndedWithoutNotice();

}  // namespace ronda::net
