#include "agent/rewrite/method_rewriter.h"

#include <algorithm>
#include <string>

#include "agent/classfile/annotations.h"
#include "agent/rewrite/code_tables.h"

namespace ronda::agent::rewrite {
namespace {

namespace cf = classfile;
namespace op = classfile::op;
using VT = cf::VerificationType;

constexpr std::uint16_t kFirstWithFrames = 50;

bool Matches(const MethodMatcher& where, const cf::ClassFile& file, const cf::Member& method) {
  return (where.name.empty() || where.name == file.NameOf(method)) &&
         (where.descriptor.empty() || where.descriptor == file.DescriptorOf(method)) &&
         (where.annotation.empty() || cf::HasAnnotation(file, method.attributes, where.annotation));
}

bool IsBoxClass(std::string_view name) {
  return name == "java/lang/Boolean" || name == "java/lang/Byte" || name == "java/lang/Character" ||
         name == "java/lang/Short" || name == "java/lang/Integer" || name == "java/lang/Long" ||
         name == "java/lang/Float" || name == "java/lang/Double" || name == "java/lang/Number";
}

bool Names(const cf::MemberRef& ref, const CallReplacement& replacement) {
  return ref.tag != cf::Tag::kFieldref && replacement.name == ref.member.name &&
         replacement.owner == ref.owner && replacement.descriptor == ref.member.descriptor;
}

// HotSpot registers each object of a class whose finalize() does anything.
bool IsEmptyFinalizer(const cf::ClassFile& file, const cf::Member& method, cf::ByteSpan code) {
  return file.NameOf(method) == "finalize" && file.DescriptorOf(method) == "()V" &&
         code.size() == 1 && code[0] == op::kReturn;
}

// The descriptor of the static method that takes the place of the call.
std::string ReplacedDescriptor(const CallReplacement& replacement, std::uint8_t invoke) {
  if (invoke == op::kInvokestatic) return replacement.descriptor;
  const std::string& receiver =
      replacement.receiver.empty() ? replacement.owner : replacement.receiver;
  return (receiver.starts_with('[') ? "(" + receiver : "(L" + receiver + ";") +
         replacement.descriptor.substr(1);
}

}  // namespace

MethodRewriter::MethodRewriter(const cf::ClassFile& file, cf::PoolBuilder& pool, const Plan& plan,
                               const Limits& limits)
    : file_(file), pool_(pool), plan_(plan), limits_(limits) {
  for (const CallReplacement& replacement : plan_.replacements()) {
    for (std::uint32_t i = 1; i < file_.pool().count(); ++i) {
      if (Names(file_.pool().RefAt(i), replacement)) {
        callable_.push_back(&replacement);
        break;
      }
    }
  }
}

bool MethodRewriter::Match(const cf::Member& method) {
  advice_.clear();
  replacements_.clear();
  for (const Advice& advice : plan_.advice()) {
    if (Matches(advice.where(), file_, method)) advice_.push_back(&advice);
  }
  for (const CallReplacement* replacement : callable_) {
    if (Matches(replacement->where, file_, method)) replacements_.push_back(replacement);
  }
  return !advice_.empty() || !replacements_.empty();
}

std::optional<Skip> MethodRewriter::ReadFrames() {
  shape_.frames.clear();
  if (!shape_.has_frames) return std::nullopt;
  const cf::Attribute table = shape_.code.attributes.Find(file_.pool(), "StackMapTable");
  if (table.whole.empty()) return std::nullopt;
  switch (cf::ReadFrames(table.body, shape_.initial, limits_.frame_types, shape_.frames)) {
    case cf::FrameError::kNone: return std::nullopt;
    case cf::FrameError::kUnknownFrame: return Skip::kUnknownFrame;
    case cf::FrameError::kTooMany: return Skip::kTooManyLocals;
    default: return Skip::kMalformed;
  }
}

std::optional<Skip> MethodRewriter::ReadShape(const cf::Member& method, cf::ByteSpan body) {
  auto code = cf::ReadCode(body, cf::CodeSizes::kWide);
  auto type = cf::ParseMethodType(file_.DescriptorOf(method));
  if (!code.ok() || !type) return Skip::kMalformed;
  shape_.file = &file_;
  shape_.code = *code;
  shape_.type = *std::move(type);
  shape_.is_static = (method.access & cf::kAccStatic) != 0;
  shape_.is_constructor = file_.NameOf(method) == "<init>";
  shape_.has_frames = file_.major() >= kFirstWithFrames;
  if (!cf::ReadInstructions(shape_.code.code, shape_.pcs)) return Skip::kMalformed;

  shape_.initial.clear();
  shape_.argument_locals.clear();
  std::uint32_t local = 0;
  if (!shape_.is_static) {
    local = 1;
    shape_.initial.push_back(shape_.is_constructor ? VT{VT::kUninitializedThis, 0}
                                                   : VT{VT::kObject, file_.this_class()});
  }
  for (const cf::Type argument : shape_.type.arguments) {
    shape_.argument_locals.push_back(local);
    local += argument.slots();
    shape_.initial.push_back(VerificationOf(shape_, pool_, argument));
  }
  if (local > shape_.code.max_locals) return Skip::kMalformed;
  if (const auto skip = ReadFrames()) return skip;
  shape_.initialized.reset();
  if (shape_.is_constructor) shape_.initialized = FindInitialized(shape_);
  return std::nullopt;
}

// The calls to replace; false when one does not fit into the pool.
bool MethodRewriter::FindCalls() {
  calls_.clear();
  if (replacements_.empty()) return true;
  for (const std::uint32_t pc : shape_.pcs) {
    const std::uint8_t op = shape_.code.code[pc];
    if (op < op::kInvokevirtual || op > op::kInvokeinterface) continue;
    const cf::MemberRef ref = file_.pool().RefAt(cf::LoadU2(shape_.code.code.data() + pc + 1));
    if (ref.member.name == "<init>") continue;
    for (const CallReplacement* replacement : replacements_) {
      if (!Names(ref, *replacement)) continue;
      const std::string descriptor = ReplacedDescriptor(*replacement, op);
      const std::uint16_t method = pool_.Ref(
          {cf::Tag::kMethodref, replacement->new_owner, {replacement->new_name, descriptor}});
      if (method == 0) return false;
      calls_.push_back({pc, method});
      break;
    }
  }
  return true;
}

// Returns become jumps to one place: nothing but the result may be on the stack there.
std::optional<Skip> MethodRewriter::CheckReturns() {
  if (!depths_.Compute(file_, shape_.code, shape_.frames)) return Skip::kMalformed;
  const auto slots = static_cast<std::int32_t>(shape_.type.result.slots());
  for (const std::uint32_t pc : shape_.pcs) {
    if (!op::IsReturn(shape_.code.code[pc])) continue;
    const std::int32_t depth = depths_.At(pc);
    if (depth == cf::StackDepths::kUnreached) continue;
    if (depth < slots) return Skip::kMalformed;
    if (depth > slots) return Skip::kStackAtReturn;
  }
  return std::nullopt;
}

std::optional<Skip> MethodRewriter::WriteHandlers(const Emitter& entry, const Emitter& exit,
                                                  bool covers_throw, std::uint32_t throw_at,
                                                  cf::ByteWriter& body) const {
  const std::uint32_t size = static_cast<std::uint32_t>(shape_.code.code.size());
  std::uint32_t count = 0;
  const std::size_t count_at = body.size();
  body.U2(0);
  const auto write = [&](cf::Handler handler) {
    if (handler.start >= handler.end) return;
    body.U2(handler.start);
    body.U2(handler.end);
    body.U2(handler.target);
    body.U2(handler.catch_type);
    ++count;
  };
  for (const cf::Handler& handler : entry.handlers()) write(handler);
  for (std::size_t i = 0; i < shape_.code.handler_count(); ++i) {
    cf::Handler handler = shape_.code.handler(i);
    const bool end_fits = handler.end == size || relocation_.Starts(handler.end);
    if (handler.start >= handler.end || !relocation_.Starts(handler.start) || !end_fits ||
        !relocation_.Starts(handler.target)) {
      return Skip::kMalformed;
    }
    handler.start = relocation_.At(handler.start);
    handler.end = relocation_.At(handler.end);
    handler.target = relocation_.At(handler.target);
    write(handler);
  }
  const std::uint32_t base = relocation_.end();
  for (cf::Handler handler : exit.handlers()) {
    handler.start += base;
    handler.end += base;
    handler.target += base;
    write(handler);
  }
  if (covers_throw) {
    const std::uint32_t from = shape_.is_constructor ? shape_.initialized->from : 0;
    write({relocation_.At(from), base, throw_at, 0});
  }
  if (count > 65535) return Skip::kTooManyLocals;
  body.PatchU2(count_at, count);
  return std::nullopt;
}

std::optional<Skip> MethodRewriter::MergeFrames(const AdviceCode& advice, const Emitter& entry,
                                                const Emitter& exit,
                                                std::vector<cf::Frame>& frames) const {
  frames = entry.frames();
  // The method's own frame at its first instruction is at the place where the entry block's last one is,
  // and asks for no more.
  const bool own_first = !shape_.frames.empty() && shape_.frames[0].pc == 0;
  if (own_first && !frames.empty() && frames.back().pc == entry.size()) frames.pop_back();
  for (cf::Frame frame : shape_.frames) {
    if (!relocation_.Starts(frame.pc)) return Skip::kMalformed;
    frame.pc = relocation_.At(frame.pc);
    for (auto* types : {&frame.locals, &frame.stack}) {
      for (VT& type : *types) {
        if (type.kind != VT::kUninitialized) continue;
        if (!relocation_.Starts(type.index)) return Skip::kMalformed;
        type.index = static_cast<std::uint16_t>(relocation_.At(type.index));
      }
    }
    if (!advice.Extend(frame.locals)) return Skip::kMalformed;
    frames.push_back(std::move(frame));
  }
  for (cf::Frame frame : exit.frames()) {
    frame.pc += relocation_.end();
    frames.push_back(std::move(frame));
  }
  if (frames.size() > 65535) return Skip::kTooManyLocals;
  return std::nullopt;
}

std::optional<Skip> MethodRewriter::WriteAttributes(const AdviceCode& advice, const Emitter& entry,
                                                    const Emitter& exit,
                                                    cf::ByteWriter& body) const {
  std::uint32_t count = 0;
  const std::size_t count_at = body.size();
  body.U2(0);
  if (shape_.has_frames) {
    std::vector<cf::Frame> frames;
    if (const auto skip = MergeFrames(advice, entry, exit, frames)) return skip;
    if (!frames.empty()) {
      body.U2(pool_.Utf8("StackMapTable"));
      const std::size_t size_at = body.size();
      body.U4(0);
      cf::WriteFrames(frames, shape_.initial, body);
      body.PatchU4(size_at, static_cast<std::uint32_t>(body.size() - size_at - 4));
      ++count;
    }
  }
  for (const cf::Attribute attribute : shape_.code.attributes) {
    switch (MoveTable(file_.pool(), attribute, relocation_, shape_.code.code.size(), body)) {
      case Moved::kMalformed: return Skip::kMalformed;
      case Moved::kWritten: ++count; break;
      case Moved::kLeftOut: break;
    }
  }
  body.PatchU2(count_at, count);
  return std::nullopt;
}

std::optional<Skip> MethodRewriter::WriteCode(AdviceCode& advice, cf::ByteWriter& body,
                                              Report& report) {
  Emitter entry{pool_}, exit{pool_}, store{pool_};
  if (!advice.PlanLocals() || !advice.WriteEntry(entry)) return Skip::kAdviceMisfit;
  if (advice.has_return()) {
    if (const auto skip = CheckReturns()) return skip;
    advice.WriteStoreResult(store);
    if (!advice.WriteReturn(exit)) return Skip::kAdviceMisfit;
  }
  const std::uint32_t throw_in_exit = exit.size();
  if (advice.has_throw() && !advice.WriteThrow(exit)) return Skip::kAdviceMisfit;
  if (advice.boxed() && IsBoxClass(file_.name())) return Skip::kBoxing;

  using Far = Relocation::FarConditionals;
  const Relocation::Outcome outcome =
      relocation_.Lay(shape_.code.code, shape_.pcs,
                      {.begin = entry.size(),
                       .leaves_by_exit = advice.has_return(),
                       .store_result = store.code(),
                       .calls = calls_,
                       .far = shape_.has_frames ? Far::kRefuse : Far::kInvert});
  if (outcome == Relocation::Outcome::kMalformed) return Skip::kMalformed;
  if (outcome == Relocation::Outcome::kFarBranch) return Skip::kFarBranch;
  const std::uint32_t size = relocation_.end() + exit.size();
  const std::uint32_t stack =
      std::max({shape_.code.max_stack, entry.max_stack(), exit.max_stack()});
  if (size > 65535) return Skip::kCodeTooLong;
  if (limits_.compiled_bytes != 0 && size > limits_.compiled_bytes &&
      shape_.code.code.size() <= limits_.compiled_bytes) {
    return Skip::kNotCompiled;
  }
  if (stack > 65535 || advice.max_locals() > 65535 || entry.overflow() || exit.overflow()) {
    return Skip::kTooManyLocals;
  }
  body.U2(stack);
  body.U2(advice_.empty() ? shape_.code.max_locals : advice.max_locals());
  body.U4(size);
  cf::ByteWriter code;
  code.Reserve(size);
  code.Raw(entry.code());
  relocation_.Write(code);
  code.Raw(exit.code());
  body.Raw(code.bytes());
  if (const auto skip =
          WriteHandlers(entry, exit, advice.has_throw(), relocation_.end() + throw_in_exit, body)) {
    return skip;
  }
  if (const auto skip = WriteAttributes(advice, entry, exit, body)) return skip;
  if (pool_.full()) return Skip::kPoolFull;
  const bool wants_throw =
      std::ranges::any_of(advice_, [](const Advice* a) { return a->on_throw().has_value(); });
  if (wants_throw && !advice.has_throw()) ++report.constructors_without_throw;
  return std::nullopt;
}

std::optional<Skip> MethodRewriter::Rewrite(const cf::Member& method, cf::ByteWriter& out,
                                            Report& report, bool& unchanged) {
  unchanged = false;
  const cf::Attribute code = method.attributes.Find(file_.pool(), "Code");
  if (code.whole.empty() || (method.access & (cf::kAccAbstract | cf::kAccNative)) != 0) {
    return Skip::kNoCode;
  }
  if (file_.super_class() == 0 && file_.NameOf(method) == "<init>") return Skip::kObjectInit;
  if (cf::CodeSizesOf(file_) != cf::CodeSizes::kWide) return Skip::kOldCode;

  const cf::PoolBuilder::Mark mark = pool_.GetMark();
  const std::size_t begin = out.size();
  const auto give_up = [&](Skip skip) {
    pool_.RollBack(mark);
    out.Truncate(begin);
    return skip;
  };
  if (const auto skip = ReadShape(method, code.body)) return give_up(*skip);
  if (IsEmptyFinalizer(file_, method, shape_.code.code)) return give_up(Skip::kFinalizer);
  if (!FindCalls()) return give_up(Skip::kPoolFull);
  if (advice_.empty() && calls_.empty()) {
    unchanged = true;
    pool_.RollBack(mark);
    return std::nullopt;
  }
  out.Raw(method.whole.first(8));
  for (const cf::Attribute attribute : method.attributes) {
    if (attribute.whole.data() != code.whole.data()) {
      out.Raw(attribute.whole);
      continue;
    }
    out.U2(attribute.name);
    const std::size_t size_at = out.size();
    out.U4(0);
    AdviceCode advice(shape_, pool_, plan_, advice_);
    if (const auto skip = WriteCode(advice, out, report)) return give_up(*skip);
    out.PatchU4(size_at, static_cast<std::uint32_t>(out.size() - size_at - 4));
  }
  report.calls_replaced += calls_.size();
  return std::nullopt;
}

}  // namespace ronda::agent::rewrite
