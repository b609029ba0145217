#include "agent/rewrite/advice_code.h"

#include <algorithm>
#include <string>

namespace ronda::agent::rewrite {
namespace {

namespace cf = classfile;
namespace op = classfile::op;
using VT = cf::VerificationType;

constexpr std::string_view kObject = "Ljava/lang/Object;";
constexpr std::string_view kObjectArray = "[Ljava/lang/Object;";
constexpr cf::Type kThrowable{"Ljava/lang/Throwable;"};

bool IsIntLike(char kind) {
  return kind == 'I' || kind == 'S' || kind == 'B' || kind == 'C' || kind == 'Z';
}

std::string_view BoxDescriptor(char kind) {
  switch (kind) {
    case 'Z': return "Ljava/lang/Boolean;";
    case 'B': return "Ljava/lang/Byte;";
    case 'C': return "Ljava/lang/Character;";
    case 'S': return "Ljava/lang/Short;";
    case 'I': return "Ljava/lang/Integer;";
    case 'J': return "Ljava/lang/Long;";
    case 'F': return "Ljava/lang/Float;";
    default: return "Ljava/lang/Double;";
  }
}

}  // namespace

AdviceCode::AdviceCode(const MethodShape& shape, cf::PoolBuilder& pool, const Plan& plan,
                       std::span<const Advice* const> advice)
    : shape_(shape), pool_(pool), plan_(plan), advice_(advice), next_local_(shape.code.max_locals) {
  const std::string_view name = shape.file->name();
  this_text_ = name.starts_with('[') ? std::string(name) : "L" + std::string(name) + ";";
  this_type_ = cf::Type{this_text_};
}

std::int32_t AdviceCode::Keep(cf::Type type) {
  kept_.push_back({type, next_local_});
  next_local_ += type.slots();
  return static_cast<std::int32_t>(kept_.size()) - 1;
}

bool AdviceCode::KeepWhatIsWanted(const Call& call) {
  for (const Value& value : call.values) {
    if (value.kind == Value::kArgument) {
      if (value.number < 0 ||
          value.number >= static_cast<std::int64_t>(shape_.type.arguments.size())) {
        return false;
      }
      const auto i = static_cast<std::size_t>(value.number);
      if (arguments_[i] == kNone) arguments_[i] = Keep(shape_.type.arguments[i]);
    }
    const bool can_copy_this = !shape_.is_static && !shape_.is_constructor;
    if (value.kind == Value::kThis && can_copy_this && this_ == kNone) this_ = Keep(this_type_);
  }
  return true;
}

bool AdviceCode::KeepToken(const Advice& advice) {
  if (!advice.entry() || advice.entry_take() != Take::kToken) return true;
  const auto type = cf::ParseMethodType(advice.entry()->descriptor);
  if (!type || type->result.kind() == 'V') return false;
  tokens_.back() = Keep(type->result);
  return true;
}

bool AdviceCode::PlanLocals() {
  arguments_.assign(shape_.type.arguments.size(), kNone);
  for (const Advice* advice : advice_) {
    tokens_.push_back(kNone);
    if (!KeepToken(*advice)) return false;
    if (advice->on_return()) {
      has_return_ = true;
      if (!KeepWhatIsWanted(*advice->on_return())) return false;
    }
    if (advice->on_throw()) {
      has_throw_ = true;
      if (!KeepWhatIsWanted(*advice->on_throw())) return false;
    }
  }
  if (shape_.is_constructor && !(shape_.initialized && shape_.initialized->covers_rest)) {
    has_throw_ = false;
  }
  result_ = next_local_;
  scratch_ = result_ + 2;
  return true;
}

bool AdviceCode::Extend(Locals& locals) const {
  std::uint32_t slots = 0;
  for (const VT type : locals) slots += type.slots();
  if (slots > shape_.code.max_locals) return false;
  if (kept_.empty()) return true;
  locals.resize(locals.size() + (shape_.code.max_locals - slots), VT{});
  for (const Kept& kept : kept_) locals.push_back(VerificationOf(shape_, pool_, kept.type));
  return true;
}

// What the exit and the throw block know: our own locals and, in a constructor, `this` where it is sure.
AdviceCode::Locals AdviceCode::ExitLocals() const {
  Locals locals;
  if (shape_.is_constructor && shape_.initialized && shape_.initialized->this_in_local_0) {
    locals.push_back(ObjectOf(shape_, pool_, shape_.file->name()));
  }
  locals.resize(shape_.code.max_locals, VT{});
  for (const Kept& kept : kept_) locals.push_back(VerificationOf(shape_, pool_, kept.type));
  return locals;
}

bool AdviceCode::Convert(Emitter& out, cf::Type from, cf::Type to) {
  if (from == to) return true;
  if (!from.is_reference()) {
    if (!to.is_reference()) return to.kind() == 'I' && IsIntLike(from.kind());
    if (to.text != kObject && to.text != BoxDescriptor(from.kind())) return false;
    out.Box(from);
    boxed_ = true;
    return true;
  }
  if (!to.is_reference()) return false;
  if (to.text != kObject) out.CheckCast(to);
  return true;
}

bool AdviceCode::EmitConstant(Emitter& out, const Value& value, cf::Type wanted) {
  if (value.kind == Value::kText) {
    if (wanted.text != kObject && wanted.text != "Ljava/lang/String;" &&
        wanted.text != "Ljava/lang/CharSequence;") {
      return false;
    }
    out.PushText(value.text);
    return true;
  }
  if (value.kind == Value::kLong) {
    if (wanted.kind() != 'J') return false;
    out.PushLong(value.number);
    return true;
  }
  if (!IsIntLike(wanted.kind())) return false;
  out.PushInt(static_cast<std::int32_t>(value.number));
  return true;
}

bool AdviceCode::EmitThis(Emitter& out, Phase phase, cf::Type wanted) {
  if (!wanted.is_reference()) return false;
  if (this_ != kNone && phase != Phase::kEntry) {
    out.Load(this_type_, kept_[static_cast<std::size_t>(this_)].local);
  } else if (shape_.is_static ||
             (shape_.is_constructor && (phase == Phase::kEntry || !shape_.initialized ||
                                        !shape_.initialized->this_in_local_0))) {
    out.PushDefault(wanted);
    return true;
  } else {
    out.Load(this_type_, 0);
  }
  return Convert(out, this_type_, wanted);
}

bool AdviceCode::EmitArgument(Emitter& out, std::uint64_t index, Phase phase, cf::Type wanted) {
  if (index >= shape_.type.arguments.size()) return false;
  const cf::Type type = shape_.type.arguments[index];
  const std::int32_t copy = arguments_[index];
  // The copy is what came in; at entry another advice may have replaced the argument before.
  out.Load(type, phase == Phase::kEntry ? shape_.argument_locals[index]
                                        : kept_[static_cast<std::size_t>(copy)].local);
  return Convert(out, type, wanted);
}

bool AdviceCode::EmitArguments(Emitter& out, Phase phase, cf::Type wanted) {
  if (phase != Phase::kEntry || (wanted.text != kObjectArray && wanted.text != kObject)) {
    return false;
  }
  const std::vector<cf::Type>& arguments = shape_.type.arguments;
  out.NewObjectArray(static_cast<std::uint32_t>(arguments.size()));
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    out.Op(op::kDup, 1);
    out.PushInt(static_cast<std::int32_t>(i));
    out.Load(arguments[i], shape_.argument_locals[i]);
    if (!Convert(out, arguments[i], cf::Type{kObject})) return false;
    out.Op(op::kAastore, -3);
  }
  return true;
}

bool AdviceCode::EmitValue(Emitter& out, const Value& value, Phase phase, std::size_t index,
                           cf::Type wanted) {
  switch (value.kind) {
    case Value::kInt:
    case Value::kLong:
    case Value::kText: return EmitConstant(out, value, wanted);
    case Value::kThis: return phase != Phase::kFailure && EmitThis(out, phase, wanted);
    case Value::kArgument:
      return phase != Phase::kFailure && value.number >= 0 &&
             EmitArgument(out, static_cast<std::uint64_t>(value.number), phase, wanted);
    case Value::kArguments: return EmitArguments(out, phase, wanted);
    case Value::kToken: {
      if (phase != Phase::kReturn && phase != Phase::kThrow) return false;
      if (tokens_[index] == kNone) return false;
      const Kept& token = kept_[static_cast<std::size_t>(tokens_[index])];
      out.Load(token.type, token.local);
      return Convert(out, token.type, wanted);
    }
    case Value::kReturned:
      if (phase != Phase::kReturn) return false;
      if (shape_.type.result.kind() == 'V') {
        if (!wanted.is_reference()) return false;
        out.PushDefault(wanted);
        return true;
      }
      out.Load(shape_.type.result, result_);
      return Convert(out, shape_.type.result, wanted);
    case Value::kThrown:
      if (phase != Phase::kThrow && phase != Phase::kFailure) return false;
      out.Load(kThrowable, phase == Phase::kThrow ? result_ : scratch_);
      return Convert(out, kThrowable, wanted);
  }
  return false;
}

bool AdviceCode::EmitCall(Emitter& out, const Call& call, Phase phase, std::size_t index,
                          cf::Type& result) {
  const auto type = cf::ParseMethodType(call.descriptor);
  if (!type || type->arguments.size() != call.values.size()) return false;
  for (std::size_t i = 0; i < call.values.size(); ++i) {
    if (!EmitValue(out, call.values[i], phase, index, type->arguments[i])) return false;
  }
  out.InvokeStatic(call.owner, call.name, call.descriptor);
  result = type->result;
  return true;
}

bool AdviceCode::TakeResult(Emitter& out, cf::Type result, Take take, const Advice& advice,
                            std::size_t index, cf::Type wanted) {
  if (take == Take::kNothing) {
    if (result.slots() > 0) {
      out.Op(result.slots() == 2 ? op::kPop2 : op::kPop,
             -static_cast<std::int32_t>(result.slots()));
    }
    return true;
  }
  if (take == Take::kToken) {
    const Kept& token = kept_[static_cast<std::size_t>(tokens_[index])];
    out.Store(token.type, token.local);
    return true;
  }
  // The frames say the declared type of the argument or result: it must stay so to the letter.
  if (result.kind() == 'V' || wanted.kind() == 'V') return false;
  if (result != wanted) {
    if (!result.is_reference() || !wanted.is_reference()) return false;
    out.CheckCast(wanted);
  }
  out.Store(wanted, take == Take::kReturned ? result_ : shape_.argument_locals[advice.argument()]);
  return true;
}

bool AdviceCode::EmitOnFailure(Emitter& out, const Locals& locals) {
  const std::uint32_t start = out.size();
  out.Store(kThrowable, scratch_);
  cf::Type result;
  if (!EmitCall(out, *plan_.failure(), Phase::kFailure, 0, result)) return false;
  if (result.kind() != 'V') return false;
  const std::uint32_t end = out.size();
  const std::uint32_t jump = out.Jump();
  out.Handle(start, end, ObjectOf(shape_, pool_, kThrowable.class_name()), locals);
  out.Op(op::kPop, -1);
  out.Land(jump);
  return true;
}

template <typename Body>
bool AdviceCode::EmitContained(Emitter& out, const Locals& locals, const Body& body) {
  const std::uint32_t start = out.size();
  if (!body()) return false;
  const std::uint32_t end = out.size();
  const std::uint32_t jump = out.Jump();
  out.Handle(start, end, ObjectOf(shape_, pool_, kThrowable.class_name()), locals);
  if (plan_.failure()) {
    if (!EmitOnFailure(out, locals)) return false;
  } else {
    out.Op(op::kPop, -1);
  }
  out.Land(jump);
  out.Target(locals);
  return true;
}

void AdviceCode::WriteStoreResult(Emitter& out) const {
  if (shape_.type.result.kind() != 'V') out.Store(shape_.type.result, result_);
}

bool AdviceCode::WriteEntry(Emitter& out) {
  for (std::size_t i = 0; i < arguments_.size(); ++i) {
    if (arguments_[i] == kNone) continue;
    out.Load(shape_.type.arguments[i], shape_.argument_locals[i]);
    out.Store(shape_.type.arguments[i], kept_[static_cast<std::size_t>(arguments_[i])].local);
  }
  if (this_ != kNone) {
    out.Load(this_type_, 0);
    out.Store(this_type_, kept_[static_cast<std::size_t>(this_)].local);
  }
  for (const std::int32_t token : tokens_) {
    if (token == kNone) continue;
    const Kept& kept = kept_[static_cast<std::size_t>(token)];
    out.PushDefault(kept.type);
    out.Store(kept.type, kept.local);
  }
  Locals locals = shape_.initial;
  if (!Extend(locals)) return false;
  for (std::size_t i = 0; i < advice_.size(); ++i) {
    const Advice& advice = *advice_[i];
    if (!advice.entry()) continue;
    const Take take = advice.entry_take();
    if (take == Take::kReturned) return false;
    if (take == Take::kArgument && advice.argument() >= shape_.type.arguments.size()) return false;
    const cf::Type wanted =
        take == Take::kArgument ? shape_.type.arguments[advice.argument()] : cf::Type{};
    const bool fits = EmitContained(out, locals, [&] {
      cf::Type result;
      return EmitCall(out, *advice.entry(), Phase::kEntry, i, result) &&
             TakeResult(out, result, take, advice, i, wanted);
    });
    if (!fits) return false;
  }
  return true;
}

bool AdviceCode::WriteReturn(Emitter& out) {
  Locals locals = ExitLocals();
  const cf::Type result_type = shape_.type.result;
  if (result_type.kind() != 'V') locals.push_back(VerificationOf(shape_, pool_, result_type));
  out.Target(locals);
  for (std::size_t i = advice_.size(); i-- > 0;) {
    const Advice& advice = *advice_[i];
    if (!advice.on_return()) continue;
    if (advice.return_take() != Take::kNothing && advice.return_take() != Take::kReturned) {
      return false;
    }
    const bool fits = EmitContained(out, locals, [&] {
      cf::Type result;
      return EmitCall(out, *advice.on_return(), Phase::kReturn, i, result) &&
             TakeResult(out, result, advice.return_take(), advice, i, result_type);
    });
    if (!fits) return false;
  }
  if (result_type.kind() != 'V') out.Load(result_type, result_);
  out.Return(result_type);
  return true;
}

bool AdviceCode::WriteThrow(Emitter& out) {
  Locals locals = ExitLocals();
  const VT thrown = ObjectOf(shape_, pool_, kThrowable.class_name());
  out.Arrive(thrown, locals);
  locals.push_back(thrown);
  out.Store(kThrowable, result_);
  for (std::size_t i = advice_.size(); i-- > 0;) {
    const Advice& advice = *advice_[i];
    if (!advice.on_throw()) continue;
    const bool fits = EmitContained(out, locals, [&] {
      cf::Type result;
      return EmitCall(out, *advice.on_throw(), Phase::kThrow, i, result) &&
             TakeResult(out, result, Take::kNothing, advice, i, {});
    });
    if (!fits) return false;
  }
  out.Load(kThrowable, result_);
  out.Op(op::kAthrow, -1);
  return true;
}

}  // namespace ronda::agent::rewrite
