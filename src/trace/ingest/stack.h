#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ronda::trace::ingest {

// What an exception.stacktrace says, apart from what differs every time.
struct Stack {
  std::uint64_t fingerprint = 0;  // of its first 64 frames, without numbers and addresses
  std::string innermost;  // frame, without numbers and addresses; "" when there is none
};

// Frames are the lines of Java, JavaScript and .NET ("at ..."), Python ("File ...") and Go (".go:"); of
// another language, all lines but the first. Messages do not count, so that equal ways to fail have
// one fingerprint.
[[nodiscard]] Stack ReadStack(std::string_view stacktrace);

}  // namespace ronda::trace::ingest
