#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "agent/classfile/code.h"

namespace ronda::agent::rewrite {

// A method's old instructions at new places: moved behind a prefix, with calls replaced and with returns
// that store their result and go to a shared exit behind the last of them. Branches grow to their wide
// forms where 16 bits do not reach. Owned by one thread; borrows what it is given.
class Relocation {
 public:
  struct CallAt {
    std::uint32_t pc;
    std::uint16_t method;  // a Methodref, called by invokestatic
  };
  // What a conditional branch that has to go further than 16 bits becomes: the opposite condition around
  // a goto_w, which needs a frame behind it that only a verifier could compute, or nothing.
  enum class FarConditionals : std::uint8_t { kInvert, kRefuse };
  struct Changes {
    std::uint32_t begin = 0;  // the new place of the first instruction
    bool leaves_by_exit = false;  // returns become jumps
    classfile::ByteSpan store_result;  // before such a jump; empty for void
    std::span<const CallAt> calls;  // by rising pc
    FarConditionals far = FarConditionals::kRefuse;
  };
  enum class Outcome : std::uint8_t { kOk, kMalformed, kFarBranch };

  // `pcs` are the instructions of `code`.
  [[nodiscard]] Outcome Lay(classfile::ByteSpan code, std::span<const std::uint32_t> pcs,
                            const Changes& changes);
  // Appends the instructions to what is `begin` bytes long.
  void Write(classfile::ByteWriter& out) const;

  // The new place of what stood at `pc`, which may lie inside an instruction or be the end of the code.
  [[nodiscard]] std::uint32_t At(std::uint32_t pc) const { return at_[pc]; }
  // Whether an instruction starts at `pc`.
  [[nodiscard]] bool Starts(std::uint32_t pc) const { return pc < starts_.size() && starts_[pc]; }
  // Behind the last instruction: where the exit stands.
  [[nodiscard]] std::uint32_t end() const { return at_.back(); }

 private:
  enum class Width : std::uint8_t { kShort, kWide };

  [[nodiscard]] std::uint32_t SizeAt(std::size_t i, std::uint32_t place,
                                     std::size_t& next_call) const;
  void Place();
  [[nodiscard]] bool TargetsFit(std::uint32_t pc) const;
  [[nodiscard]] std::int64_t BranchTarget(std::uint32_t pc) const;
  void WriteBranch(std::size_t i, classfile::ByteWriter& out) const;
  void WriteSwitch(std::uint32_t pc, classfile::ByteWriter& out) const;
  void WriteReturn(std::size_t i, classfile::ByteWriter& out) const;

  classfile::ByteSpan code_;
  std::span<const std::uint32_t> pcs_;
  Changes changes_;
  std::vector<std::uint32_t> at_;  // by pc, one past the end included
  std::vector<bool> starts_;
  std::vector<Width> widths_;  // by instruction
};

}  // namespace ronda::agent::rewrite
