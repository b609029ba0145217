#include "agent/rewrite/method_shape.h"

#include <algorithm>

namespace ronda::agent::rewrite {
namespace {

namespace cf = classfile;
namespace op = classfile::op;
using VT = cf::VerificationType;

// The place behind the call of super() or this(), or 0.
std::uint32_t BehindSuper(const MethodShape& shape) {
  const cf::ConstantPool& pool = shape.file->pool();
  std::uint32_t pending = 0;
  for (const std::uint32_t pc : shape.pcs) {
    const std::uint8_t op = shape.code.code[pc];
    if (op == op::kNew) ++pending;
    if (op != op::kInvokespecial) continue;
    const cf::MemberRef ref = pool.RefAt(cf::LoadU2(shape.code.code.data() + pc + 1));
    if (ref.member.name != "<init>") continue;
    if (pending > 0) {
      --pending;
      continue;
    }
    if (ref.owner != shape.file->name() && ref.owner != shape.file->super_name()) return 0;
    return pc + 3 < shape.code.code.size() ? pc + 3 : 0;
  }
  return 0;
}

bool StoresToLocal0(cf::ByteSpan code, std::uint32_t pc) {
  const std::uint8_t op = code[pc];
  if (op == op::kWide) {
    return code[pc + 1] >= op::kIstore && code[pc + 1] <= op::kAstore &&
           cf::LoadU2(code.data() + pc + 2) == 0;
  }
  if (op >= op::kIstore && op <= op::kAstore) return code[pc + 1] == 0;
  return op >= op::kIstore0 && op <= op::kAstore3 && (op - op::kIstore0) % 4 == 0;
}

}  // namespace

VT ObjectOf(const MethodShape& shape, cf::PoolBuilder& pool, std::string_view class_name) {
  return {VT::kObject, shape.has_frames ? pool.Class(class_name) : std::uint16_t{0}};
}

VT VerificationOf(const MethodShape& shape, cf::PoolBuilder& pool, cf::Type type) {
  switch (type.kind()) {
    case 'J': return {VT::kLong, 0};
    case 'F': return {VT::kFloat, 0};
    case 'D': return {VT::kDouble, 0};
    case 'L':
    case '[': return ObjectOf(shape, pool, type.class_name());
    default: return {VT::kInteger, 0};
  }
}

std::optional<Initialized> FindInitialized(const MethodShape& shape) {
  Initialized found;
  found.from = BehindSuper(shape);
  if (found.from == 0) return std::nullopt;
  found.covers_rest = true;
  // Without frames nothing tells what local 0 is where ways meet; only returns are sure, and not enough.
  found.this_in_local_0 = shape.has_frames;
  for (const cf::Frame& frame : shape.frames) {
    if (frame.pc < found.from) continue;
    const bool uninitialized = std::ranges::any_of(
        frame.locals, [](VT type) { return type.kind == VT::kUninitializedThis; });
    if (uninitialized) found.covers_rest = false;
    const bool is_this = !frame.locals.empty() && frame.locals[0].kind == VT::kObject &&
                         shape.file->pool().ClassName(frame.locals[0].index) == shape.file->name();
    if (!is_this) found.this_in_local_0 = false;
  }
  for (const std::uint32_t pc : shape.pcs) {
    const bool early_return = pc < found.from && op::IsReturn(shape.code.code[pc]);
    if (early_return || StoresToLocal0(shape.code.code, pc)) found.this_in_local_0 = false;
  }
  if (!found.covers_rest) found.this_in_local_0 = false;
  return found;
}

}  // namespace ronda::agent::rewrite
