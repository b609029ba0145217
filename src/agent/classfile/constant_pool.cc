#include "agent/classfile/constant_pool.h"

#include <array>
#include <string>

namespace ronda::agent::classfile {
namespace {

constexpr std::uint8_t kBadTag = 0;
// Bytes of an entry with its tag, by tag; a Utf8's length is read.
constexpr std::array<std::uint8_t, 21> kSizes = {0, 3, kBadTag, 5, 5, 9, 9, 3, 3, 5, 5,
                                                 5, 5, 0,       0, 4, 3, 5, 5, 3, 3};

// What a constant's u2 fields may name; kNone: it has no such field, or it is no index.
struct Shape {
  Tag first = Tag::kNone;
  Tag second = Tag::kNone;
};
Shape ShapeOf(Tag tag) {
  switch (tag) {
    case Tag::kClass:
    case Tag::kString:
    case Tag::kMethodType:
    case Tag::kModule:
    case Tag::kPackage: return {Tag::kUtf8, Tag::kNone};
    case Tag::kFieldref:
    case Tag::kMethodref:
    case Tag::kInterfaceMethodref: return {Tag::kClass, Tag::kNameAndType};
    case Tag::kNameAndType: return {Tag::kUtf8, Tag::kUtf8};
    case Tag::kDynamic:
    case Tag::kInvokeDynamic: return {Tag::kNone, Tag::kNameAndType};
    default: return {};
  }
}

// The first version with this kind of constant (JVMS table 4.4-B).
std::uint16_t FirstMajor(Tag tag) {
  switch (tag) {
    case Tag::kMethodHandle:
    case Tag::kMethodType:
    case Tag::kInvokeDynamic: return 51;
    case Tag::kModule:
    case Tag::kPackage: return 53;
    case Tag::kDynamic: return 55;
    default: return 0;
  }
}

// JVMS 4.4.7: no byte is 0 or 0xf0 and above.
bool IsModifiedUtf8(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    if (byte == 0 || byte >= 0xf0) return false;
  }
  return true;
}

// Field, method or interface method, by the kind of handle (JVMS 4.4.8).
bool HandleFits(std::uint8_t kind, Tag target) {
  if (kind >= 1 && kind <= 4) return target == Tag::kFieldref;
  if (kind == 5 || kind == 8) return target == Tag::kMethodref;
  if (kind == 6 || kind == 7) {
    return target == Tag::kMethodref || target == Tag::kInterfaceMethodref;
  }
  return kind == 9 && target == Tag::kInterfaceMethodref;
}

}  // namespace

std::string_view NameOf(Tag tag) {
  constexpr std::array<std::string_view, 21> kNames = {
      "nothing",       "Utf8",    "nothing", "Integer",      "Float",      "Long",
      "Double",        "Class",   "String",  "Fieldref",     "Methodref",  "InterfaceMethodref",
      "NameAndType",   "nothing", "nothing", "MethodHandle", "MethodType", "Dynamic",
      "InvokeDynamic", "Module",  "Package"};
  const auto index = static_cast<std::size_t>(tag);
  return index < kNames.size() ? kNames[index] : "nothing";
}

base::Status Malformed(std::string_view what, std::size_t offset) {
  std::string text = "class file: ";
  text.append(what).append(" at byte ").append(std::to_string(offset));
  return base::InvalidArgument(std::move(text));
}

base::Result<ConstantPool> ConstantPool::Parse(ByteSpan file, Cursor& cursor) {
  ConstantPool pool;
  pool.file_ = file;
  const std::uint16_t count = cursor.U2();
  if (!cursor.ok() || count == 0) return Malformed("no constant pool", 8);
  // An index takes three bytes at least: a count that cannot be filled costs no memory.
  if ((count - std::size_t{1}) * 3 > cursor.left()) {
    return Malformed("more constants than bytes", 8);
  }
  pool.begin_ = cursor.at();
  pool.offsets_.resize(count, 0);
  for (std::uint32_t i = 1; i < count; ++i) {
    const std::size_t at = cursor.at();
    const std::uint8_t tag = cursor.U1();
    const std::uint8_t size = tag < kSizes.size() ? kSizes[tag] : kBadTag;
    if (size == kBadTag) {
      if (!cursor.ok()) return Malformed("ends in its constant pool", at);
      return Malformed("bad tag " + std::to_string(tag) + " of constant " + std::to_string(i), at);
    }
    cursor.Skip(static_cast<Tag>(tag) == Tag::kUtf8 ? cursor.U2() : size - 1u);
    if (!cursor.ok()) return Malformed("constant " + std::to_string(i) + " is cut off", at);
    pool.offsets_[i] = static_cast<std::uint32_t>(at);
    if (static_cast<Tag>(tag) == Tag::kLong || static_cast<Tag>(tag) == Tag::kDouble) {
      if (++i == count) return Malformed("a long or double is the last constant", at);
    }
  }
  pool.end_ = cursor.at();
  return pool;
}

std::string_view ConstantPool::Utf8(std::uint32_t index) const {
  if (TagOf(index) != Tag::kUtf8) return {};
  const std::uint32_t at = offsets_[index];
  return TextOf(file_.subspan(at + 3, LoadU2(file_.data() + at + 1)));
}

std::uint16_t ConstantPool::FirstIndex(std::uint32_t index) const {
  return ShapeOf(TagOf(index)).first == Tag::kNone ? 0 : LoadU2(file_.data() + offsets_[index] + 1);
}

std::uint16_t ConstantPool::SecondIndex(std::uint32_t index) const {
  return ShapeOf(TagOf(index)).second == Tag::kNone ? 0
                                                    : LoadU2(file_.data() + offsets_[index] + 3);
}

std::string_view ConstantPool::ClassName(std::uint32_t index) const {
  return TagOf(index) == Tag::kClass ? Utf8(FirstIndex(index)) : std::string_view();
}

NameAndType ConstantPool::NameAndTypeAt(std::uint32_t index) const {
  if (TagOf(index) != Tag::kNameAndType) return {};
  return {Utf8(FirstIndex(index)), Utf8(SecondIndex(index))};
}

MemberRef ConstantPool::RefAt(std::uint32_t index) const {
  const Tag tag = TagOf(index);
  if (tag != Tag::kFieldref && tag != Tag::kMethodref && tag != Tag::kInterfaceMethodref) return {};
  return {tag, ClassName(FirstIndex(index)), NameAndTypeAt(SecondIndex(index))};
}

NameAndType ConstantPool::DynamicAt(std::uint32_t index) const {
  const Tag tag = TagOf(index);
  if (tag != Tag::kDynamic && tag != Tag::kInvokeDynamic) return {};
  return NameAndTypeAt(SecondIndex(index));
}

base::Status ConstantPool::CheckConstants(std::uint16_t major) const {
  for (std::uint32_t i = 1; i < count(); ++i) {
    const Tag tag = TagOf(i);
    if (tag == Tag::kNone) continue;
    const auto bad = [&](std::string_view what) {
      std::string text(NameOf(tag));
      text.append(" constant ").append(std::to_string(i)).append(" ").append(what);
      return Malformed(text, offsets_[i]);
    };
    if (major < FirstMajor(tag)) return bad("is newer than the class");
    const Shape shape = ShapeOf(tag);
    if (shape.first != Tag::kNone && TagOf(FirstIndex(i)) != shape.first) {
      return bad("does not name a " + std::string(NameOf(shape.first)));
    }
    if (shape.second != Tag::kNone && TagOf(SecondIndex(i)) != shape.second) {
      return bad("does not name a " + std::string(NameOf(shape.second)));
    }
    if (tag == Tag::kUtf8 && !IsModifiedUtf8(Utf8(i))) return bad("is not modified UTF-8");
    if (tag == Tag::kMethodHandle) {
      const std::uint8_t* p = file_.data() + offsets_[i];
      if (!HandleFits(p[1], TagOf(LoadU2(p + 2)))) return bad("names the wrong kind of member");
    }
  }
  return base::Ok();
}

}  // namespace ronda::agent::classfile
