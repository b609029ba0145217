#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "agent/classfile/class_file.h"
#include "agent/classfile/code.h"
#include "agent/classfile/descriptor.h"
#include "agent/classfile/frames.h"
#include "agent/classfile/pool_builder.h"

namespace ronda::agent::rewrite {

// Where a constructor's `this` is an object: from the end of its super() or this() call on.
struct Initialized {
  std::uint32_t from = 0;
  bool covers_rest =
      false;  // all code from `from` on runs after it, so that a handler may cover it
  bool this_in_local_0 = false;  // and there local 0 still is `this`, at every return and throw
};

// A method with code, as far as advice needs to know it. Borrows the class's bytes.
struct MethodShape {
  const classfile::ClassFile* file = nullptr;
  classfile::CodeView code;
  classfile::MethodType type;
  bool is_static = false;
  bool is_constructor = false;
  bool has_frames = false;  // the class is of a version with StackMapTable
  std::vector<std::uint32_t> argument_locals;
  std::vector<classfile::VerificationType> initial;  // the locals at the start
  std::vector<std::uint32_t> pcs;
  std::vector<classfile::Frame> frames;
  std::optional<Initialized> initialized;  // of constructors; nothing: super() was not found
};

// The verification type of a value. References name a Class constant, which is added when there are
// frames to write.
[[nodiscard]] classfile::VerificationType VerificationOf(const MethodShape& shape,
                                                         classfile::PoolBuilder& pool,
                                                         classfile::Type type);
[[nodiscard]] classfile::VerificationType ObjectOf(const MethodShape& shape,
                                                   classfile::PoolBuilder& pool,
                                                   std::string_view class_name);

// Finds super() or this() by counting `new` against <init> calls in the order of the bytes, and asks the
// frames behind it whether they agree.
[[nodiscard]] std::optional<Initialized> FindInitialized(const MethodShape& shape);

}  // namespace ronda::agent::rewrite
