#pragma once

#include <cstdint>

#include "agent/classfile/class_file.h"

namespace ronda::agent::classfile {

// What Check has walked through.
struct CheckCounts {
  std::uint64_t known_attributes = 0;
  std::uint64_t unknown_attributes = 0;  // kept as bytes, not looked into
  std::uint64_t instructions = 0;
  std::uint64_t frames = 0;
};

// Looks into everything that Parse passes over: constants refer to the right kinds, members have
// descriptors, every attribute of JVMS 4.7 has its form and names constants of the right kind, code is
// instructions, branches and tables point at instructions, frames can be read. Not a verifier: no types
// of values. For tools and tests; the rewriter checks what it needs by itself. InvalidArgument says what
// and at which byte, the class's or, in Code, the attribute's. Counts are added to. Nothing throws.
[[nodiscard]] base::Status Check(const ClassFile& file, CheckCounts& counts) noexcept;

}  // namespace ronda::agent::classfile
