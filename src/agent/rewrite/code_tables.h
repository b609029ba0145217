#pragma once

#include <cstdint>

#include "agent/classfile/class_file.h"
#include "agent/rewrite/relocation.h"

namespace ronda::agent::rewrite {

enum class Moved : std::uint8_t { kWritten, kLeftOut, kMalformed };

// Appends an attribute of Code with its places moved: line numbers and local variables. The others are
// left out: frames are written apart, and what else there is (type annotations of code, tables that no
// JVM reads) names places in ways that only its maker knows.
[[nodiscard]] Moved MoveTable(const classfile::ConstantPool& pool,
                              const classfile::Attribute& attribute, const Relocation& relocation,
                              std::size_t code_size, classfile::ByteWriter& out);

}  // namespace ronda::agent::rewrite
