#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "agent/classfile/code.h"
#include "agent/classfile/descriptor.h"
#include "agent/classfile/frames.h"
#include "agent/classfile/pool_builder.h"
#include "agent/rewrite/plan.h"

namespace ronda::agent::rewrite {

// Writes a block of new instructions and keeps account of the stack, the frames and the exception
// handlers that it needs. Places are relative to the block until it is laid out. Owned by one thread.
class Emitter {
 public:
  explicit Emitter(classfile::PoolBuilder& pool) : pool_(pool) {}

  // How values change by these: `slots` for the stack's account.
  void Op(std::uint8_t op, std::int32_t change) {
    code_.U1(op);
    Grow(change);
  }
  void Load(classfile::Type type, std::uint32_t local);
  void Store(classfile::Type type, std::uint32_t local);
  void PushInt(std::int32_t value);
  void PushLong(std::int64_t value);
  void PushText(std::string_view text);
  // 0, 0.0 or null.
  void PushDefault(classfile::Type type);
  void InvokeStatic(std::string_view owner, std::string_view name, std::string_view descriptor);
  void GetField(const classfile::MemberRef& field);
  void PutField(const classfile::MemberRef& field);
  void CheckCast(classfile::Type type);
  void NewObjectArray(std::uint32_t size);
  // A primitive on the stack becomes its box.
  void Box(classfile::Type type);
  void Return(classfile::Type type);

  // A goto whose target is told later; -> the place to give to Land.
  [[nodiscard]] std::uint32_t Jump();
  // The jump goes to the present place, which must be within 32,767 bytes.
  void Land(std::uint32_t jump);

  // An exception handler starts here, with the thrown object on the stack, for what was thrown in
  // [start, end).
  void Handle(std::uint32_t start, std::uint32_t end, const classfile::VerificationType& thrown,
              const std::vector<classfile::VerificationType>& locals);
  // The same for a range outside the block, which the caller writes down.
  void Arrive(const classfile::VerificationType& thrown,
              const std::vector<classfile::VerificationType>& locals);
  // A place that is jumped to, with an empty stack.
  void Target(const std::vector<classfile::VerificationType>& locals);

  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(code_.size()); }
  [[nodiscard]] std::uint32_t max_stack() const { return static_cast<std::uint32_t>(max_depth_); }
  [[nodiscard]] classfile::ByteSpan code() const { return code_.bytes(); }
  [[nodiscard]] const std::vector<classfile::Frame>& frames() const { return frames_; }
  [[nodiscard]] const std::vector<classfile::Handler>& handlers() const { return handlers_; }
  // Something did not fit into its 16 bits.
  [[nodiscard]] bool overflow() const { return overflow_; }
  [[nodiscard]] bool boxed() const { return boxed_; }

 private:
  void Grow(std::int32_t change) {
    depth_ += change;
    if (depth_ > max_depth_) max_depth_ = depth_;
  }
  void Local(std::uint8_t op, std::uint32_t local);
  void Constant(std::uint16_t index);

  classfile::PoolBuilder& pool_;
  classfile::ByteWriter code_;
  std::int32_t depth_ = 0;
  std::int32_t max_depth_ = 0;
  std::vector<classfile::Frame> frames_;
  std::vector<classfile::Handler> handlers_;
  bool overflow_ = false;
  bool boxed_ = false;
};

}  // namespace ronda::agent::rewrite
