#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "agent/classfile/class_file.h"
#include "agent/classfile/opcodes.h"

namespace ronda::agent::classfile {

// A row of the exception table; `catch_type` 0 catches everything.
struct Handler {
  std::uint32_t start = 0;
  std::uint32_t end = 0;  // exclusive
  std::uint32_t target = 0;
  std::uint16_t catch_type = 0;
  bool operator==(const Handler&) const = default;
};

// A Code attribute (JVMS 4.7.3), read in place; borrows the bytes.
struct CodeView {
  std::uint32_t max_stack = 0;
  std::uint32_t max_locals = 0;
  ByteSpan code;
  ByteSpan handlers;  // eight bytes each
  AttributeList attributes;

  [[nodiscard]] std::size_t handler_count() const { return handlers.size() / 8; }
  [[nodiscard]] Handler handler(std::size_t i) const {
    const std::uint8_t* p = handlers.data() + 8 * i;
    return {LoadU2(p), LoadU2(p + 2), LoadU2(p + 4), LoadU2(p + 6)};
  }
};

// Widths of the sizes in Code: classes before 45.3 wrote them shorter.
enum class CodeSizes : std::uint8_t { kWide, kBefore45_3 };
[[nodiscard]] CodeSizes CodeSizesOf(const ClassFile& file);

// Reads the body of a Code attribute. InvalidArgument with the byte within it.
[[nodiscard]] base::Result<CodeView> ReadCode(ByteSpan body, CodeSizes sizes);

// Bytes of the instruction at `pc`, or 0 when it is none or runs over the end.
[[nodiscard]] std::uint32_t InstructionSize(ByteSpan code, std::uint32_t pc);

// The instructions' places, in order: `pcs` is replaced. False when the bytes are not instructions one
// behind the other.
[[nodiscard]] bool ReadInstructions(ByteSpan code, std::vector<std::uint32_t>& pcs);

// A tableswitch or lookupswitch that InstructionSize has measured.
class SwitchView {
 public:
  SwitchView(ByteSpan code, std::uint32_t pc);

  [[nodiscard]] std::int64_t default_target() const { return pc_ + Offset(0); }
  [[nodiscard]] std::uint32_t count() const { return count_; }
  [[nodiscard]] std::int64_t target(std::uint32_t i) const {
    return pc_ + Offset(first_ + stride_ * i);
  }
  // The bytes from the default's offset on, and where in them the offsets of the cases stand.
  [[nodiscard]] ByteSpan operands() const { return operands_; }
  [[nodiscard]] std::uint32_t offset_at(std::uint32_t i) const { return first_ + stride_ * i; }

 private:
  [[nodiscard]] std::int64_t Offset(std::uint32_t at) const {
    return static_cast<std::int32_t>(LoadU4(operands_.data() + at));
  }

  std::int64_t pc_;
  ByteSpan operands_;
  std::uint32_t count_ = 0;
  std::uint32_t first_ = 0;
  std::uint32_t stride_ = 0;
};

}  // namespace ronda::agent::classfile
