#include "agent/classfile/annotations.h"

namespace ronda::agent::classfile {
namespace {

constexpr int kMostDepth = 64;

void SkipElementValue(Cursor& cursor, int depth);

void SkipPairs(Cursor& cursor, int depth) {
  const std::uint16_t pairs = cursor.U2();
  for (std::uint16_t i = 0; i < pairs && cursor.ok(); ++i) {
    cursor.Skip(2);
    SkipElementValue(cursor, depth);
  }
}

void SkipElementValue(Cursor& cursor, int depth) {
  if (depth >= kMostDepth) {
    cursor.Fail();
    return;
  }
  switch (cursor.U1()) {
    case 'e': cursor.Skip(4); return;
    case '@':
      cursor.Skip(2);
      SkipPairs(cursor, depth + 1);
      return;
    case '[': {
      const std::uint16_t count = cursor.U2();
      for (std::uint16_t i = 0; i < count && cursor.ok(); ++i) SkipElementValue(cursor, depth + 1);
      return;
    }
    default: cursor.Skip(2);
  }
}

bool Lists(const ClassFile& file, ByteSpan body, std::string_view type) {
  Cursor cursor(body);
  const std::uint16_t count = cursor.U2();
  for (std::uint16_t i = 0; i < count && cursor.ok(); ++i) {
    if (file.pool().Utf8(cursor.U2()) == type && cursor.ok()) return true;
    SkipPairs(cursor, 0);
  }
  return false;
}

}  // namespace

bool HasAnnotation(const ClassFile& file, const AttributeList& attributes, std::string_view type) {
  for (const Attribute attribute : attributes) {
    const std::string_view name = file.pool().Utf8(attribute.name);
    if ((name == "RuntimeVisibleAnnotations" || name == "RuntimeInvisibleAnnotations") &&
        Lists(file, attribute.body, type)) {
      return true;
    }
  }
  return false;
}

}  // namespace ronda::agent::classfile
