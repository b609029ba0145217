#pragma once

#include <cstdint>
#include <vector>

#include "agent/classfile/code.h"
#include "agent/classfile/frames.h"

namespace ronda::agent::classfile {

// How many slots the stack holds before each instruction, found by following control once: sizes only,
// no types, so that it is linear and needs no other class. Owned by one thread; keep it, it reuses its
// memory.
class StackDepths {
 public:
  static constexpr std::int32_t kUnreached = -1;

  // False when two ways to an instruction disagree, the stack runs empty, control leaves the code, or a
  // constant is not what an instruction needs: no verifier would take such code. `frames` may be empty;
  // theirs are the depths of code that nothing branches to.
  [[nodiscard]] bool Compute(const ClassFile& file, const CodeView& code,
                             const std::vector<Frame>& frames);

  // By pc; kUnreached where no control comes, or where no instruction starts.
  [[nodiscard]] std::int32_t At(std::uint32_t pc) const { return depths_[pc]; }

 private:
  [[nodiscard]] bool Reach(std::int64_t pc, std::int64_t depth);
  [[nodiscard]] bool Follow(std::uint32_t pc);
  [[nodiscard]] bool Branch(std::uint32_t pc, std::int32_t after);

  const ClassFile* file_ = nullptr;
  ByteSpan code_;
  std::vector<std::int32_t> depths_;
  std::vector<std::uint32_t> pending_;
};

}  // namespace ronda::agent::classfile
