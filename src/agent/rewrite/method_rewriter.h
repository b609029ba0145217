#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "agent/classfile/class_file.h"
#include "agent/classfile/pool_builder.h"
#include "agent/classfile/stack_depth.h"
#include "agent/rewrite/advice_code.h"
#include "agent/rewrite/method_shape.h"
#include "agent/rewrite/plan.h"
#include "agent/rewrite/relocation.h"
#include "agent/rewrite/report.h"
#include "agent/rewrite/rewriter.h"

namespace ronda::agent::rewrite {

// Changes the methods of one class, one after the other. Owned by one thread; borrows all that it is
// made of. Allocation may throw std::bad_alloc; the rewriter's caller is shielded (Rewrite).
class MethodRewriter {
 public:
  MethodRewriter(const classfile::ClassFile& file, classfile::PoolBuilder& pool, const Plan& plan,
                 const Limits& limits);

  // What the plan says of a method; the vectors are replaced. False: nothing.
  [[nodiscard]] bool Match(const classfile::Member& method);

  // Changes the method that was matched last and appends the new method_info to `out`. Nothing came of it:
  // why; the pool and `out` are then as before. `unchanged` is true when there was no call to replace.
  [[nodiscard]] std::optional<Skip> Rewrite(const classfile::Member& method,
                                            classfile::ByteWriter& out, Report& report,
                                            bool& unchanged);

 private:
  [[nodiscard]] std::optional<Skip> ReadShape(const classfile::Member& method,
                                              classfile::ByteSpan body);
  [[nodiscard]] std::optional<Skip> ReadFrames();
  [[nodiscard]] bool FindCalls();
  [[nodiscard]] std::optional<Skip> CheckReturns();
  [[nodiscard]] std::optional<Skip> WriteCode(AdviceCode& advice, classfile::ByteWriter& body,
                                              Report& report);
  [[nodiscard]] std::optional<Skip> WriteHandlers(const Emitter& entry, const Emitter& exit,
                                                  bool covers_throw, std::uint32_t throw_at,
                                                  classfile::ByteWriter& body) const;
  [[nodiscard]] std::optional<Skip> MergeFrames(const AdviceCode& advice, const Emitter& entry,
                                                const Emitter& exit,
                                                std::vector<classfile::Frame>& frames) const;
  [[nodiscard]] std::optional<Skip> WriteAttributes(const AdviceCode& advice, const Emitter& entry,
                                                    const Emitter& exit,
                                                    classfile::ByteWriter& body) const;

  const classfile::ClassFile& file_;
  classfile::PoolBuilder& pool_;
  const Plan& plan_;
  const Limits& limits_;
  std::vector<const CallReplacement*> callable_;  // whose call the class names at all

  // Of the method at hand.
  std::vector<const Advice*> advice_;
  std::vector<const CallReplacement*> replacements_;
  MethodShape shape_;
  std::vector<Relocation::CallAt> calls_;
  Relocation relocation_;
  classfile::StackDepths depths_;
};

}  // namespace ronda::agent::rewrite
