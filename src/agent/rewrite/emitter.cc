#include "agent/rewrite/emitter.h"

#include <algorithm>

namespace ronda::agent::rewrite {
namespace {

namespace cf = classfile;
namespace op = classfile::op;

// The offset of a type's instruction from the one for int: iload, lload, fload, dload, aload.
std::uint8_t Column(cf::Type type) {
  switch (type.kind()) {
    case 'J': return 1;
    case 'F': return 2;
    case 'D': return 3;
    case 'L':
    case '[': return 4;
    default: return 0;
  }
}

struct BoxClass {
  std::string_view name;
  std::string_view descriptor;  // of valueOf
};
BoxClass BoxOf(char kind) {
  switch (kind) {
    case 'Z': return {"java/lang/Boolean", "(Z)Ljava/lang/Boolean;"};
    case 'B': return {"java/lang/Byte", "(B)Ljava/lang/Byte;"};
    case 'C': return {"java/lang/Character", "(C)Ljava/lang/Character;"};
    case 'S': return {"java/lang/Short", "(S)Ljava/lang/Short;"};
    case 'I': return {"java/lang/Integer", "(I)Ljava/lang/Integer;"};
    case 'J': return {"java/lang/Long", "(J)Ljava/lang/Long;"};
    case 'F': return {"java/lang/Float", "(F)Ljava/lang/Float;"};
    default: return {"java/lang/Double", "(D)Ljava/lang/Double;"};
  }
}

}  // namespace

void Emitter::Local(std::uint8_t op, std::uint32_t local) {
  if (local <= 255) {
    code_.U1(op);
    code_.U1(local);
  } else {
    code_.U1(op::kWide);
    code_.U1(op);
    code_.U2(local);
    overflow_ |= local > 65535;
  }
}

void Emitter::Load(cf::Type type, std::uint32_t local) {
  const std::uint8_t column = Column(type);
  if (local <= 3) {  // iload_0 to aload_3
    code_.U1(0x1au + 4u * column + local);
  } else {
    Local(static_cast<std::uint8_t>(op::kIload + column), local);
  }
  Grow(static_cast<std::int32_t>(type.slots()));
}

void Emitter::Store(cf::Type type, std::uint32_t local) {
  const std::uint8_t column = Column(type);
  if (local <= 3) {
    code_.U1(op::kIstore0 + 4u * column + local);
  } else {
    Local(static_cast<std::uint8_t>(op::kIstore + column), local);
  }
  Grow(-static_cast<std::int32_t>(type.slots()));
}

void Emitter::Constant(std::uint16_t index) {
  if (index <= 255) {
    code_.U1(op::kLdc);
    code_.U1(index);
  } else {
    code_.U1(op::kLdcW);
    code_.U2(index);
  }
  Grow(1);
}

void Emitter::PushInt(std::int32_t value) {
  if (value >= -1 && value <= 5) {
    Op(static_cast<std::uint8_t>(op::kIconst0 + value), 1);
  } else if (value >= -128 && value <= 127) {
    Op(op::kBipush, 1);
    code_.U1(static_cast<std::uint32_t>(value));
  } else if (value >= -32768 && value <= 32767) {
    Op(op::kSipush, 1);
    code_.U2(static_cast<std::uint32_t>(value));
  } else {
    Constant(pool_.Integer(value));
  }
}

void Emitter::PushLong(std::int64_t value) {
  if (value == 0 || value == 1) {
    Op(value == 0 ? op::kLconst0 : op::kLconst1, 2);
    return;
  }
  Op(op::kLdc2W, 2);
  code_.U2(pool_.Long(value));
}

void Emitter::PushText(std::string_view text) { Constant(pool_.String(text)); }

void Emitter::PushDefault(cf::Type type) {
  constexpr std::uint8_t kDefaults[] = {op::kIconst0, op::kLconst0, op::kFconst0, op::kDconst0,
                                        op::kAconstNull};
  Op(kDefaults[Column(type)], static_cast<std::int32_t>(type.slots()));
}

void Emitter::InvokeStatic(std::string_view owner, std::string_view name,
                           std::string_view descriptor) {
  const auto effect = cf::MethodEffect(descriptor).value_or(cf::StackEffect{});
  Op(op::kInvokestatic, -static_cast<std::int32_t>(effect.pops));
  code_.U2(pool_.Ref({cf::Tag::kMethodref, owner, {name, descriptor}}));
  Grow(static_cast<std::int32_t>(effect.pushes));
}

void Emitter::GetField(const cf::MemberRef& field) {
  Op(op::kGetfield, -1);
  code_.U2(pool_.Ref(field));
  Grow(static_cast<std::int32_t>(cf::Type{field.member.descriptor}.slots()));
}

void Emitter::PutField(const cf::MemberRef& field) {
  Op(op::kPutfield, -1 - static_cast<std::int32_t>(cf::Type{field.member.descriptor}.slots()));
  code_.U2(pool_.Ref(field));
}

void Emitter::CheckCast(cf::Type type) {
  Op(op::kCheckcast, 0);
  code_.U2(pool_.Class(type.class_name()));
}

void Emitter::NewObjectArray(std::uint32_t size) {
  PushInt(static_cast<std::int32_t>(size));
  Op(op::kAnewarray, 0);
  code_.U2(pool_.Class("java/lang/Object"));
}

void Emitter::Box(cf::Type type) {
  const BoxClass box = BoxOf(type.kind());
  InvokeStatic(box.name, "valueOf", box.descriptor);
  boxed_ = true;
}

void Emitter::Return(cf::Type type) {
  if (type.kind() == 'V') {
    Op(op::kReturn, 0);
  } else {
    Op(static_cast<std::uint8_t>(op::kIreturn + Column(type)),
       -static_cast<std::int32_t>(type.slots()));
  }
}

std::uint32_t Emitter::Jump() {
  const std::uint32_t at = size();
  Op(op::kGoto, 0);
  code_.U2(0);
  return at;
}

void Emitter::Land(std::uint32_t jump) {
  const std::uint32_t distance = size() - jump;
  overflow_ |= distance > 32767;
  code_.PatchU2(jump + 1, distance);
}

void Emitter::Handle(std::uint32_t start, std::uint32_t end, const cf::VerificationType& thrown,
                     const std::vector<cf::VerificationType>& locals) {
  handlers_.push_back({start, end, size(), 0});
  Arrive(thrown, locals);
}

void Emitter::Arrive(const cf::VerificationType& thrown,
                     const std::vector<cf::VerificationType>& locals) {
  frames_.push_back({size(), locals, {thrown}});
  depth_ = 0;
  Grow(1);
}

void Emitter::Target(const std::vector<cf::VerificationType>& locals) {
  frames_.push_back({size(), locals, {}});
  depth_ = 0;
}

}  // namespace ronda::agent::rewrite
