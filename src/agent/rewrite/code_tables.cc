#include "agent/rewrite/code_tables.h"

#include <algorithm>

namespace ronda::agent::rewrite {
namespace {

namespace cf = classfile;

// What came first comes first still: the entry block belongs to the first line and its variables.
std::uint32_t Start(const Relocation& relocation, std::uint32_t pc) {
  return pc == 0 ? 0 : relocation.At(pc);
}

Moved MoveLines(cf::ByteSpan body, const Relocation& relocation, std::size_t code_size,
                cf::ByteWriter& out) {
  cf::Cursor cursor(body);
  const std::uint16_t rows = cursor.U2();
  out.U2(rows);
  for (std::uint16_t i = 0; i < rows; ++i) {
    const std::uint16_t pc = cursor.U2();
    if (!cursor.ok() || pc >= code_size) return Moved::kMalformed;
    out.U2(Start(relocation, pc));
    out.U2(cursor.U2());
  }
  return cursor.ok() && cursor.left() == 0 ? Moved::kWritten : Moved::kMalformed;
}

Moved MoveVariables(cf::ByteSpan body, const Relocation& relocation, std::size_t code_size,
                    cf::ByteWriter& out) {
  cf::Cursor cursor(body);
  const std::uint16_t rows = cursor.U2();
  out.U2(rows);
  for (std::uint16_t i = 0; i < rows; ++i) {
    const std::uint16_t pc = cursor.U2();
    const std::uint16_t size = cursor.U2();
    if (!cursor.ok() || std::size_t{pc} + size > code_size) return Moved::kMalformed;
    const std::uint32_t start = Start(relocation, pc);
    out.U2(start);
    out.U2(size == 0 ? 0 : relocation.At(std::uint32_t{pc} + size) - start);
    out.Raw(cursor.Take(6));
  }
  return cursor.ok() && cursor.left() == 0 ? Moved::kWritten : Moved::kMalformed;
}

}  // namespace

Moved MoveTable(const cf::ConstantPool& pool, const cf::Attribute& attribute,
                const Relocation& relocation, std::size_t code_size, cf::ByteWriter& out) {
  const std::string_view name = pool.Utf8(attribute.name);
  const bool lines = name == "LineNumberTable";
  if (!lines && name != "LocalVariableTable" && name != "LocalVariableTypeTable") {
    return Moved::kLeftOut;
  }
  out.U2(attribute.name);
  const std::size_t size_at = out.size();
  out.U4(0);
  const Moved moved = lines ? MoveLines(attribute.body, relocation, code_size, out)
                            : MoveVariables(attribute.body, relocation, code_size, out);
  out.PatchU4(size_at, static_cast<std::uint32_t>(out.size() - size_at - 4));
  return moved;
}

}  // namespace ronda::agent::rewrite
