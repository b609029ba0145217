#pragma once

#include <cstdint>
#include <vector>

#include "agent/classfile/bytes.h"

namespace ronda::agent::classfile {

// A verification_type_info (JVMS 4.7.4).
struct VerificationType {
  enum Kind : std::uint8_t {
    kTop = 0,
    kInteger = 1,
    kFloat = 2,
    kDouble = 3,
    kLong = 4,
    kNull = 5,
    kUninitializedThis = 6,
    kObject = 7,  // index: a Class constant
    kUninitialized = 8,  // index: the place of its `new`
  };
  Kind kind = kTop;
  std::uint16_t index = 0;

  // Slots among the locals.
  [[nodiscard]] std::uint32_t slots() const { return kind == kLong || kind == kDouble ? 2 : 1; }
  bool operator==(const VerificationType&) const = default;
};

// A frame, written out: the locals that it declares and the whole stack.
struct Frame {
  std::uint32_t pc = 0;
  std::vector<VerificationType> locals;
  std::vector<VerificationType> stack;
};

// What ReadFrames tells of the frames; all of them hold `entries` types at most.
enum class FrameError : std::uint8_t { kNone, kCutOff, kBadType, kUnknownFrame, kTooMany };

// The frames of a StackMapTable's body, in full; `initial` are the locals at the method's start.
// `frames` is replaced. Frames are refused as kTooMany once they hold `most_types` types altogether:
// a small table can stand for millions.
[[nodiscard]] FrameError ReadFrames(ByteSpan body, const std::vector<VerificationType>& initial,
                                    std::size_t most_types, std::vector<Frame>& frames);

// Appends a StackMapTable's body: the shortest form of each frame. The frames' places rise strictly.
// Reading gives the same frames again.
void WriteFrames(const std::vector<Frame>& frames, const std::vector<VerificationType>& initial,
                 ByteWriter& out);

}  // namespace ronda::agent::classfile
