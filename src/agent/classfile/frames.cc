#include "agent/classfile/frames.h"

#include <algorithm>

#include "base/core/check.h"

namespace ronda::agent::classfile {
namespace {

using Types = std::vector<VerificationType>;

// JVMS 4.7.4, the ranges of frame_type.
constexpr std::uint8_t kSameLocals1 = 64;
constexpr std::uint8_t kReserved = 128;
constexpr std::uint8_t kSameLocals1Extended = 247;
constexpr std::uint8_t kSameExtended = 251;
constexpr std::uint8_t kFull = 255;

// Reads `count` types onto the end of `types`.
bool ReadTypes(Cursor& cursor, std::size_t count, Types& types) {
  for (std::size_t i = 0; i < count; ++i) {
    VerificationType type;
    const std::uint8_t kind = cursor.U1();
    if (kind > VerificationType::kUninitialized) return false;
    type.kind = static_cast<VerificationType::Kind>(kind);
    if (kind >= VerificationType::kObject) type.index = cursor.U2();
    if (!cursor.ok()) return true;  // told apart by the cursor
    types.push_back(type);
  }
  return true;
}

// One frame after `locals`, which it changes; pc is left to the caller.
FrameError ReadFrame(Cursor& cursor, Types& locals, Frame& frame, std::uint32_t& delta) {
  const std::uint8_t form = cursor.U1();
  bool types_ok = true;
  if (form < kSameLocals1) {
    delta = form;
  } else if (form < kReserved) {
    delta = form - kSameLocals1;
    types_ok = ReadTypes(cursor, 1, frame.stack);
  } else if (form < kSameLocals1Extended) {
    return FrameError::kUnknownFrame;
  } else {
    delta = cursor.U2();
    if (form == kSameLocals1Extended) {
      types_ok = ReadTypes(cursor, 1, frame.stack);
    } else if (form < kSameExtended) {
      const std::size_t chopped = kSameExtended - form;
      if (locals.size() < chopped) return FrameError::kBadType;
      locals.resize(locals.size() - chopped);
    } else if (form > kSameExtended && form < kFull) {
      types_ok = ReadTypes(cursor, form - kSameExtended, locals);
    } else if (form == kFull) {
      locals.clear();
      types_ok =
          ReadTypes(cursor, cursor.U2(), locals) && ReadTypes(cursor, cursor.U2(), frame.stack);
    }
  }
  frame.locals = locals;
  return types_ok ? FrameError::kNone : FrameError::kBadType;
}

void WriteTypes(const VerificationType* begin, const VerificationType* end, ByteWriter& out) {
  for (; begin != end; ++begin) {
    out.U1(begin->kind);
    if (begin->kind >= VerificationType::kObject) out.U2(begin->index);
  }
}

void WriteFrame(const Frame& frame, std::uint32_t delta, const Types& before, ByteWriter& out) {
  const Types& locals = frame.locals;
  const std::size_t common = static_cast<std::size_t>(
      std::mismatch(before.begin(), before.end(), locals.begin(), locals.end()).first -
      before.begin());
  const std::size_t chopped = before.size() - common;
  const std::size_t appended = locals.size() - common;
  if (chopped == 0 && appended == 0 && frame.stack.size() <= 1) {
    const bool one = frame.stack.size() == 1;
    if (delta < kSameLocals1) {
      out.U1(one ? kSameLocals1 + delta : delta);
    } else {
      out.U1(one ? kSameLocals1Extended : kSameExtended);
      out.U2(delta);
    }
  } else if (frame.stack.empty() && appended == 0 && chopped <= 3) {
    out.U1(kSameExtended - static_cast<std::uint32_t>(chopped));
    out.U2(delta);
  } else if (frame.stack.empty() && chopped == 0 && appended <= 3) {
    out.U1(kSameExtended + static_cast<std::uint32_t>(appended));
    out.U2(delta);
    WriteTypes(locals.data() + common, locals.data() + locals.size(), out);
  } else {
    out.U1(kFull);
    out.U2(delta);
    out.U2(static_cast<std::uint32_t>(locals.size()));
    WriteTypes(locals.data(), locals.data() + locals.size(), out);
    out.U2(static_cast<std::uint32_t>(frame.stack.size()));
  }
  WriteTypes(frame.stack.data(), frame.stack.data() + frame.stack.size(), out);
}

}  // namespace

FrameError ReadFrames(ByteSpan body, const Types& initial, std::size_t most_types,
                      std::vector<Frame>& frames) {
  frames.clear();
  Cursor cursor(body);
  const std::uint16_t count = cursor.U2();
  if (!cursor.ok() || count > cursor.left()) return FrameError::kCutOff;
  Types locals = initial;
  std::size_t types = 0;
  std::uint32_t next = 0;  // the first place that the next frame may have
  for (std::uint16_t i = 0; i < count; ++i) {
    Frame frame;
    std::uint32_t delta = 0;
    const FrameError error = ReadFrame(cursor, locals, frame, delta);
    if (!cursor.ok()) return FrameError::kCutOff;
    if (error != FrameError::kNone) return error;
    types += frame.locals.size() + frame.stack.size();
    if (types > most_types) return FrameError::kTooMany;
    frame.pc = next + delta;
    next = frame.pc + 1;
    frames.push_back(std::move(frame));
  }
  return cursor.left() == 0 ? FrameError::kNone : FrameError::kCutOff;
}

void WriteFrames(const std::vector<Frame>& frames, const Types& initial, ByteWriter& out) {
  out.U2(static_cast<std::uint32_t>(frames.size()));
  const Types* before = &initial;
  std::uint32_t next = 0;
  for (const Frame& frame : frames) {
    DCHECK(frame.pc >= next);
    WriteFrame(frame, frame.pc - next, *before, out);
    before = &frame.locals;
    next = frame.pc + 1;
  }
}

}  // namespace ronda::agent::classfile
