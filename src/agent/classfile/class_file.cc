#include "agent/classfile/class_file.h"

#include <string>

namespace ronda::agent::classfile {
namespace {

constexpr std::uint32_t kMagic = 0xcafebabe;
constexpr std::uint16_t kOldestMajor = 45;
constexpr std::size_t kSmallestMember = 8;

}  // namespace

AttributeList AttributeList::Read(ByteSpan file, Cursor& cursor) {
  AttributeList list;
  list.count_ = cursor.U2();
  const std::size_t begin = cursor.at();
  for (std::uint16_t i = 0; i < list.count_ && cursor.ok(); ++i) {
    cursor.Skip(2);
    cursor.Skip(cursor.U4());
  }
  if (!cursor.ok()) return {};
  list.bytes_ = file.subspan(begin, cursor.at() - begin);
  return list;
}

Attribute AttributeList::Find(const ConstantPool& pool, std::string_view name) const {
  for (const Attribute attribute : *this) {
    if (pool.Utf8(attribute.name) == name) return attribute;
  }
  return {};
}

base::Status ClassFile::ReadMembers(Cursor& cursor, std::string_view kind) {
  const std::uint16_t count = cursor.U2();
  if (count * kSmallestMember > cursor.left()) {
    return Malformed("more " + std::string(kind) + "s than bytes", cursor.at());
  }
  members_.reserve(members_.size() + count);
  for (std::uint16_t i = 0; i < count; ++i) {
    const std::size_t begin = cursor.at();
    Member member;
    member.access = cursor.U2();
    member.name = cursor.U2();
    member.descriptor = cursor.U2();
    member.attributes = AttributeList::Read(bytes_, cursor);
    if (!cursor.ok()) {
      return Malformed(std::string(kind) + " " + std::to_string(i) + " is cut off", begin);
    }
    member.whole = bytes_.subspan(begin, cursor.at() - begin);
    if (pool_.TagOf(member.name) != Tag::kUtf8 || pool_.TagOf(member.descriptor) != Tag::kUtf8) {
      return Malformed(std::string(kind) + " " + std::to_string(i) + " has no name or descriptor",
                       begin);
    }
    members_.push_back(member);
  }
  return base::Ok();
}

base::Result<ClassFile> ClassFile::ParseAll(ByteSpan bytes) {
  Cursor cursor(bytes);
  if (cursor.U4() != kMagic) return Malformed("no magic number", 0);
  cursor.Skip(2);
  const std::uint16_t major = cursor.U2();
  if (!cursor.ok()) return Malformed("ends in its version", bytes.size());
  if (major < kOldestMajor) return Malformed("version " + std::to_string(major), 6);
  ASSIGN_OR_RETURN(ConstantPool pool, ConstantPool::Parse(bytes, cursor));
  ClassFile file(bytes, std::move(pool));
  const std::size_t head = cursor.at();
  file.access_ = cursor.U2();
  file.this_class_ = cursor.U2();
  file.super_class_ = cursor.U2();
  file.interfaces_ = cursor.Take(std::size_t{2} * cursor.U2());
  if (!cursor.ok()) return Malformed("ends before its fields", head);
  if (file.name().empty()) return Malformed("this_class names no class", head + 2);
  RETURN_IF_ERROR(file.ReadMembers(cursor, "field"));
  file.field_count_ = file.members_.size();
  RETURN_IF_ERROR(file.ReadMembers(cursor, "method"));
  const std::size_t attributes = cursor.at();
  file.attributes_ = AttributeList::Read(bytes, cursor);
  if (!cursor.ok()) return Malformed("its attributes are cut off", attributes);
  if (cursor.left() != 0) return Malformed("bytes after its end", cursor.at());
  return file;
}

base::Result<ClassFile> ClassFile::Parse(ByteSpan bytes) noexcept {
  return Contained([&]() -> base::Result<ClassFile> { return ParseAll(bytes); });
}

}  // namespace ronda::agent::classfile
