#pragma once

#include <cstdint>
#include <vector>

#include "agent/classfile/class_file.h"
#include "agent/rewrite/plan.h"
#include "agent/rewrite/report.h"
#include "base/core/status.h"

namespace ronda::agent::rewrite {

// Whether more than the bodies of methods may change. JVMs refuse to retransform a class to another
// schema, and other agents may want to: fields and interfaces only at the first load, and when asked.
enum class Schema : std::uint8_t { kBodiesOnly, kFirstLoad };

struct Limits {
  // Bytes of code up to which HotSpot compiles a method (HugeMethodLimit): one that would cross it is left
  // alone. 0: no limit.
  std::uint32_t compiled_bytes = 8000;
  // Types in a method's frames, written out; more is no class that a compiler wrote.
  std::size_t frame_types = 1 << 18;
};

struct Rewritten {
  std::vector<std::uint8_t> bytes;  // empty: nothing changed
  Report report;
};

// The class with the plan's changes. A method that cannot be changed stays as it is, and the report says
// why; the others change. The new bytes pass the verifier where the old ones did: frames are moved and
// added, never computed, so no other class is needed. ResourceExhausted: no memory; nothing throws.
[[nodiscard]] base::Result<Rewritten> Rewrite(const classfile::ClassFile& file, const Plan& plan,
                                              Schema schema = Schema::kBodiesOnly,
                                              const Limits& limits = {}) noexcept;

}  // namespace ronda::agent::rewrite
