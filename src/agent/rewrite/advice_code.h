#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "agent/rewrite/emitter.h"
#include "agent/rewrite/method_shape.h"
#include "agent/rewrite/plan.h"

namespace ronda::agent::rewrite {

// Writes the instructions that advice adds to one method, in three blocks: before the body, behind it
// where returns meet, and behind that where exceptions arrive. Each call stands in a range of its own
// whose handler goes on as if the call had given nothing back. Owned by one thread; borrows all.
//
// Locals of its own, behind the method's: copies of arguments that are wanted later, tokens, the result
// or exception, and one to keep a failed call's exception.
class AdviceCode {
 public:
  AdviceCode(const MethodShape& shape, classfile::PoolBuilder& pool, const Plan& plan,
             std::span<const Advice* const> advice);

  // False when a call's values or results do not fit the method; then nothing else may be called.
  [[nodiscard]] bool PlanLocals();
  [[nodiscard]] bool has_return() const { return has_return_; }
  [[nodiscard]] bool has_throw() const { return has_throw_; }
  [[nodiscard]] std::uint32_t max_locals() const { return scratch_ + 1; }
  [[nodiscard]] bool boxed() const { return boxed_; }

  // What stores the result where the exit block finds it.
  void WriteStoreResult(Emitter& out) const;
  // False as PlanLocals.
  [[nodiscard]] bool WriteEntry(Emitter& out);
  [[nodiscard]] bool WriteReturn(Emitter& out);
  [[nodiscard]] bool WriteThrow(Emitter& out);

  // Adds our locals to those of a frame of the method's own; false when the frame has more than the
  // method's locals.
  [[nodiscard]] bool Extend(std::vector<classfile::VerificationType>& locals) const;

 private:
  using Locals = std::vector<classfile::VerificationType>;
  enum class Phase : std::uint8_t { kEntry, kReturn, kThrow, kFailure };
  // A value of ours that lives as long as the method.
  struct Kept {
    classfile::Type type;
    std::uint32_t local = 0;
  };
  static constexpr std::int32_t kNone = -1;

  [[nodiscard]] std::int32_t Keep(classfile::Type type);
  [[nodiscard]] bool KeepWhatIsWanted(const Call& call);
  [[nodiscard]] bool KeepToken(const Advice& advice);

  [[nodiscard]] bool EmitCall(Emitter& out, const Call& call, Phase phase, std::size_t index,
                              classfile::Type& result);
  [[nodiscard]] bool EmitValue(Emitter& out, const Value& value, Phase phase, std::size_t index,
                               classfile::Type wanted);
  [[nodiscard]] bool EmitConstant(Emitter& out, const Value& value, classfile::Type wanted);
  [[nodiscard]] bool EmitThis(Emitter& out, Phase phase, classfile::Type wanted);
  [[nodiscard]] bool EmitArgument(Emitter& out, std::uint64_t index, Phase phase,
                                  classfile::Type wanted);
  [[nodiscard]] bool EmitArguments(Emitter& out, Phase phase, classfile::Type wanted);
  // What is on the stack becomes `to`.
  [[nodiscard]] bool Convert(Emitter& out, classfile::Type from, classfile::Type to);
  [[nodiscard]] bool TakeResult(Emitter& out, classfile::Type result, Take take,
                                const Advice& advice, std::size_t index, classfile::Type wanted);
  // `body` in a range of its own, with the handler behind it.
  template <typename Body>
  [[nodiscard]] bool EmitContained(Emitter& out, const Locals& locals, const Body& body);
  [[nodiscard]] bool EmitOnFailure(Emitter& out, const Locals& locals);
  [[nodiscard]] Locals ExitLocals() const;

  const MethodShape& shape_;
  classfile::PoolBuilder& pool_;
  const Plan& plan_;
  std::span<const Advice* const> advice_;
  classfile::Type this_type_;
  std::string this_text_;  // what this_type_ is a view of
  bool has_return_ = false;
  bool has_throw_ = false;
  bool boxed_ = false;
  std::uint32_t next_local_;
  std::vector<Kept> kept_;
  std::vector<std::int32_t> tokens_;  // of each advice: index into kept_, or kNone
  std::vector<std::int32_t> arguments_;  // of each argument's copy
  std::int32_t this_ = kNone;  // of the copy of `this`
  std::uint32_t result_ = 0;  // the result, and the exception on its way out
  std::uint32_t scratch_ = 0;
};

}  // namespace ronda::agent::rewrite
