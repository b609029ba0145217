#include "agent/classfile/stack_depth.h"

#include <optional>

#include "agent/classfile/descriptor.h"

namespace ronda::agent::classfile {
namespace {

constexpr std::int8_t kVaries = 127;

struct Run {
  std::uint8_t first;
  std::uint8_t last;
  std::int8_t change;
};
// By how many slots an instruction changes the stack; those that are not here: by none.
constexpr Run kRuns[] = {
    {0x01, 0x08, 1},  {0x09, 0x0a, 2},       {0x0b, 0x0d, 1},  {0x0e, 0x0f, 2},
    {0x10, 0x13, 1},  {0x14, 0x14, 2},       {0x15, 0x15, 1},  {0x16, 0x16, 2},
    {0x17, 0x17, 1},  {0x18, 0x18, 2},       {0x19, 0x1d, 1},  {0x1e, 0x21, 2},
    {0x22, 0x25, 1},  {0x26, 0x29, 2},       {0x2a, 0x2d, 1},  {0x2e, 0x2e, -1},
    {0x30, 0x30, -1}, {0x32, 0x36, -1},      {0x37, 0x37, -2}, {0x38, 0x38, -1},
    {0x39, 0x39, -2}, {0x3a, 0x3e, -1},      {0x3f, 0x42, -2}, {0x43, 0x46, -1},
    {0x47, 0x4a, -2}, {0x4b, 0x4e, -1},      {0x4f, 0x4f, -3}, {0x50, 0x50, -4},
    {0x51, 0x51, -3}, {0x52, 0x52, -4},      {0x53, 0x56, -3}, {0x57, 0x57, -1},
    {0x58, 0x58, -2}, {0x59, 0x5b, 1},       {0x5c, 0x5e, 2},  {0x60, 0x60, -1},
    {0x61, 0x61, -2}, {0x62, 0x62, -1},      {0x63, 0x63, -2}, {0x64, 0x64, -1},
    {0x65, 0x65, -2}, {0x66, 0x66, -1},      {0x67, 0x67, -2}, {0x68, 0x68, -1},
    {0x69, 0x69, -2}, {0x6a, 0x6a, -1},      {0x6b, 0x6b, -2}, {0x6c, 0x6c, -1},
    {0x6d, 0x6d, -2}, {0x6e, 0x6e, -1},      {0x6f, 0x6f, -2}, {0x70, 0x70, -1},
    {0x71, 0x71, -2}, {0x72, 0x72, -1},      {0x73, 0x73, -2}, {0x78, 0x7e, -1},
    {0x7f, 0x7f, -2}, {0x80, 0x80, -1},      {0x81, 0x81, -2}, {0x82, 0x82, -1},
    {0x83, 0x83, -2}, {0x85, 0x85, 1},       {0x87, 0x87, 1},  {0x88, 0x89, -1},
    {0x8c, 0x8d, 1},  {0x8e, 0x8e, -1},      {0x90, 0x90, -1}, {0x94, 0x94, -3},
    {0x95, 0x96, -1}, {0x97, 0x98, -3},      {0x99, 0x9e, -1}, {0x9f, 0xa6, -2},
    {0xaa, 0xac, -1}, {0xad, 0xad, -2},      {0xae, 0xae, -1}, {0xaf, 0xaf, -2},
    {0xb0, 0xb0, -1}, {0xb2, 0xba, kVaries}, {0xbb, 0xbb, 1},  {0xbf, 0xbf, -1},
    {0xc2, 0xc3, -1}, {0xc5, 0xc5, kVaries}, {0xc6, 0xc7, -1},
};

constexpr std::array<std::int8_t, 256> MakeChanges() {
  std::array<std::int8_t, 256> changes{};
  for (const Run& run : kRuns) {
    for (int i = run.first; i <= run.last; ++i) changes[static_cast<std::size_t>(i)] = run.change;
  }
  return changes;
}
constexpr auto kChanges = MakeChanges();

std::optional<std::int32_t> FieldChange(std::uint8_t op, std::string_view descriptor) {
  const std::optional<Type> type = ParseType(descriptor);
  if (!type) return std::nullopt;
  const auto slots = static_cast<std::int32_t>(type->slots());
  switch (op) {
    case op::kGetstatic: return slots;
    case op::kPutstatic: return -slots;
    case op::kGetfield: return slots - 1;
    default: return -slots - 1;
  }
}

std::optional<std::int32_t> ChangeOf(const ClassFile& file, ByteSpan code, std::uint32_t pc) {
  const std::uint8_t op = code[pc];
  if (op == op::kWide) return kChanges[code[pc + 1]];
  if (kChanges[op] != kVaries) return kChanges[op];
  if (op == op::kMultianewarray) return 1 - static_cast<std::int32_t>(code[pc + 3]);
  const std::uint16_t index = LoadU2(code.data() + pc + 1);
  const std::string_view descriptor = op == op::kInvokedynamic
                                          ? file.pool().DynamicAt(index).descriptor
                                          : file.pool().RefAt(index).member.descriptor;
  if (op <= op::kPutfield) return FieldChange(op, descriptor);
  const std::optional<StackEffect> effect = MethodEffect(descriptor);
  if (!effect) return std::nullopt;
  const bool receiver = op != op::kInvokestatic && op != op::kInvokedynamic;
  return static_cast<std::int32_t>(effect->pushes) - static_cast<std::int32_t>(effect->pops) -
         (receiver ? 1 : 0);
}

}  // namespace

bool StackDepths::Reach(std::int64_t pc, std::int64_t depth) {
  if (pc < 0 || pc >= static_cast<std::int64_t>(code_.size()) || depth < 0) return false;
  std::int32_t& known = depths_[static_cast<std::size_t>(pc)];
  if (known != kUnreached) return known == depth;
  known = static_cast<std::int32_t>(depth);
  pending_.push_back(static_cast<std::uint32_t>(pc));
  return true;
}

bool StackDepths::Branch(std::uint32_t pc, std::int32_t after) {
  const std::uint8_t op = code_[pc];
  if (op::IsShortBranch(op)) {
    const auto offset = static_cast<std::int16_t>(LoadU2(code_.data() + pc + 1));
    return Reach(std::int64_t{pc} + offset, after + (op == op::kJsr ? 1 : 0));
  }
  if (op == op::kGotoW || op == op::kJsrW) {
    const auto offset = static_cast<std::int32_t>(LoadU4(code_.data() + pc + 1));
    return Reach(std::int64_t{pc} + offset, after + (op == op::kJsrW ? 1 : 0));
  }
  if (!op::IsSwitch(op)) return true;
  const SwitchView view(code_, pc);
  if (!Reach(view.default_target(), after)) return false;
  for (std::uint32_t i = 0; i < view.count(); ++i) {
    if (!Reach(view.target(i), after)) return false;
  }
  return true;
}

bool StackDepths::Follow(std::uint32_t pc) {
  const std::uint32_t size = InstructionSize(code_, pc);
  if (size == 0) return false;
  const std::optional<std::int32_t> change = ChangeOf(*file_, code_, pc);
  if (!change) return false;
  const std::int32_t after = depths_[pc] + *change;
  if (after < 0 || !Branch(pc, after)) return false;
  const bool widened_ret = code_[pc] == op::kWide && code_[pc + 1] == op::kRet;
  if (op::EndsFlow(code_[pc]) || widened_ret) return true;
  return Reach(std::int64_t{pc} + size, after);
}

bool StackDepths::Compute(const ClassFile& file, const CodeView& code,
                          const std::vector<Frame>& frames) {
  file_ = &file;
  code_ = code.code;
  depths_.assign(code_.size(), kUnreached);
  pending_.clear();
  if (!Reach(0, 0)) return false;
  for (std::size_t i = 0; i < code.handler_count(); ++i) {
    if (!Reach(code.handler(i).target, 1)) return false;
  }
  for (const Frame& frame : frames) {
    std::int64_t depth = 0;
    for (const VerificationType type : frame.stack) depth += type.slots();
    if (!Reach(frame.pc, depth)) return false;
  }
  while (!pending_.empty()) {
    const std::uint32_t pc = pending_.back();
    pending_.pop_back();
    if (!Follow(pc)) return false;
  }
  return true;
}

}  // namespace ronda::agent::classfile
