#include "agent/classfile/code.h"

#include <string>

namespace ronda::agent::classfile {
namespace {

// Sizes of instructions 0x00 to 0xc9; 0: it depends (switches, wide).
constexpr std::array<std::uint8_t, op::kLast + 1> MakeSizes() {
  std::array<std::uint8_t, op::kLast + 1> sizes{};
  sizes.fill(1);
  sizes[op::kBipush] = 2;
  sizes[op::kSipush] = 3;
  sizes[op::kLdc] = 2;
  sizes[op::kLdcW] = sizes[op::kLdc2W] = 3;
  for (int i = op::kIload; i <= op::kAload; ++i) sizes[static_cast<std::size_t>(i)] = 2;
  for (int i = op::kIstore; i <= op::kAstore; ++i) sizes[static_cast<std::size_t>(i)] = 2;
  sizes[0x84] = 3;  // iinc
  for (int i = op::kIfeq; i <= op::kJsr; ++i) sizes[static_cast<std::size_t>(i)] = 3;
  sizes[op::kRet] = 2;
  sizes[op::kTableswitch] = sizes[op::kLookupswitch] = 0;
  for (int i = op::kGetstatic; i <= op::kInvokestatic; ++i) sizes[static_cast<std::size_t>(i)] = 3;
  sizes[op::kInvokeinterface] = sizes[op::kInvokedynamic] = 5;
  sizes[op::kNew] = 3;
  sizes[0xbc] = 2;  // newarray
  sizes[op::kAnewarray] = 3;
  sizes[op::kCheckcast] = sizes[0xc1] = 3;  // instanceof
  sizes[op::kWide] = 0;
  sizes[op::kMultianewarray] = 4;
  sizes[op::kIfnull] = sizes[op::kIfnonnull] = 3;
  sizes[op::kGotoW] = sizes[op::kJsrW] = 5;
  return sizes;
}
constexpr auto kSizes = MakeSizes();

std::uint32_t OperandsOf(std::uint32_t pc) { return (pc + 4) & ~3u; }

// iload to aload, istore to astore, ret.
bool IsWidened(std::uint8_t op) {
  return (op >= op::kIload && op <= op::kAload) || (op >= op::kIstore && op <= op::kAstore) ||
         op == op::kRet;
}

std::uint64_t SwitchSize(ByteSpan code, std::uint32_t pc) {
  const std::uint32_t at = OperandsOf(pc);
  if (code[pc] == op::kLookupswitch) {
    if (code.size() < at + 8) return 0;
    const auto pairs = static_cast<std::int32_t>(LoadU4(code.data() + at + 4));
    return pairs < 0 ? 0 : at - pc + 8 + 8 * static_cast<std::uint64_t>(pairs);
  }
  if (code.size() < at + 12) return 0;
  const auto low = static_cast<std::int32_t>(LoadU4(code.data() + at + 4));
  const auto high = static_cast<std::int32_t>(LoadU4(code.data() + at + 8));
  if (high < low) return 0;
  const std::int64_t cases = std::int64_t{high} - low + 1;
  return at - pc + 12 + 4 * static_cast<std::uint64_t>(cases);
}

}  // namespace

CodeSizes CodeSizesOf(const ClassFile& file) {
  return file.major() == 45 && file.minor() < 3 ? CodeSizes::kBefore45_3 : CodeSizes::kWide;
}

base::Result<CodeView> ReadCode(ByteSpan body, CodeSizes sizes) {
  Cursor cursor(body);
  CodeView view;
  std::uint32_t size = 0;
  if (sizes == CodeSizes::kWide) {
    view.max_stack = cursor.U2();
    view.max_locals = cursor.U2();
    size = cursor.U4();
  } else {
    view.max_stack = cursor.U1();
    view.max_locals = cursor.U1();
    size = cursor.U2();
  }
  view.code = cursor.Take(size);
  if (!cursor.ok() || size == 0 || size > 65535) {
    return Malformed("Code of " + std::to_string(size) + " bytes, in it", 0);
  }
  const std::size_t handlers = cursor.at();
  view.handlers = cursor.Take(std::size_t{8} * cursor.U2());
  if (!cursor.ok()) return Malformed("exception table is cut off, in its Code", handlers);
  const std::size_t attributes = cursor.at();
  view.attributes = AttributeList::Read(body, cursor);
  if (!cursor.ok() || cursor.left() != 0) {
    return Malformed("attributes do not fill their Code, in it", attributes);
  }
  return view;
}

std::uint32_t InstructionSize(ByteSpan code, std::uint32_t pc) {
  if (pc >= code.size() || code[pc] > op::kLast) return 0;
  std::uint64_t size = kSizes[code[pc]];
  if (code[pc] == op::kWide) {
    if (pc + 1 >= code.size()) return 0;
    const std::uint8_t widened = code[pc + 1];
    size = widened == 0x84 ? 6 : IsWidened(widened) ? 4 : 0;
  } else if (op::IsSwitch(code[pc])) {
    size = SwitchSize(code, pc);
  }
  return size <= code.size() - pc ? static_cast<std::uint32_t>(size) : 0;
}

bool ReadInstructions(ByteSpan code, std::vector<std::uint32_t>& pcs) {
  pcs.clear();
  for (std::uint32_t pc = 0; pc < code.size();) {
    const std::uint32_t size = InstructionSize(code, pc);
    if (size == 0) return false;
    pcs.push_back(pc);
    pc += size;
  }
  return true;
}

SwitchView::SwitchView(ByteSpan code, std::uint32_t pc) : pc_(pc) {
  const std::uint32_t at = OperandsOf(pc);
  operands_ = code.subspan(at, InstructionSize(code, pc) - (at - pc));
  if (code[pc] == op::kLookupswitch) {
    first_ = 12;
    stride_ = 8;
    count_ = static_cast<std::uint32_t>((operands_.size() - 8) / 8);
  } else {
    first_ = 12;
    stride_ = 4;
    count_ = static_cast<std::uint32_t>((operands_.size() - 12) / 4);
  }
}

}  // namespace ronda::agent::classfile
