#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "agent/classfile/bytes.h"
#include "base/core/status.h"

namespace ronda::agent::classfile {

// JVMS 4.4, table 4.4-A.
enum class Tag : std::uint8_t {
  kNone = 0,  // no entry: index 0, past the end, or the second half of a long or double
  kUtf8 = 1,
  kInteger = 3,
  kFloat = 4,
  kLong = 5,
  kDouble = 6,
  kClass = 7,
  kString = 8,
  kFieldref = 9,
  kMethodref = 10,
  kInterfaceMethodref = 11,
  kNameAndType = 12,
  kMethodHandle = 15,
  kMethodType = 16,
  kDynamic = 17,
  kInvokeDynamic = 18,
  kModule = 19,
  kPackage = 20,
};
[[nodiscard]] std::string_view NameOf(Tag tag);

// Names as they stand in the class file: modified UTF-8, classes with slashes.
struct NameAndType {
  std::string_view name;
  std::string_view descriptor;
  bool operator==(const NameAndType&) const = default;
};
struct MemberRef {
  Tag tag = Tag::kNone;  // kFieldref, kMethodref or kInterfaceMethodref
  std::string_view owner;
  NameAndType member;
};

// The constants of a class file, read in place; borrows its bytes. An index that names nothing, or
// something of another kind, gives an empty answer; CheckConstants tells such files apart.
class ConstantPool {
 public:
  // Reads from constant_pool_count on; the cursor then stands behind the pool. Unknown tags and an end
  // in the middle are InvalidArgument.
  [[nodiscard]] static base::Result<ConstantPool> Parse(ByteSpan file, Cursor& cursor);

  // constant_pool_count: one more than the highest index.
  [[nodiscard]] std::uint32_t count() const { return static_cast<std::uint32_t>(offsets_.size()); }
  // The entries' bytes, without the count.
  [[nodiscard]] ByteSpan entries() const { return file_.subspan(begin_, end_ - begin_); }

  [[nodiscard]] Tag TagOf(std::uint32_t index) const {
    return index < offsets_.size() && offsets_[index] != 0
               ? static_cast<Tag>(file_[offsets_[index]])
               : Tag::kNone;
  }
  // Where the entry stands in the file; 0 when there is none.
  [[nodiscard]] std::uint32_t OffsetOf(std::uint32_t index) const {
    return index < offsets_.size() ? offsets_[index] : 0;
  }
  [[nodiscard]] std::string_view Utf8(std::uint32_t index) const;
  // The first u2 of an entry of one of these kinds (Class, String, MethodType, Module, Package:
  // the name's index), or 0.
  [[nodiscard]] std::uint16_t FirstIndex(std::uint32_t index) const;
  // The second u2 of refs, NameAndType, Dynamic and InvokeDynamic, or 0.
  [[nodiscard]] std::uint16_t SecondIndex(std::uint32_t index) const;
  [[nodiscard]] std::string_view ClassName(std::uint32_t index) const;
  [[nodiscard]] NameAndType NameAndTypeAt(std::uint32_t index) const;
  // Of a Fieldref, Methodref or InterfaceMethodref; its tag is kNone otherwise.
  [[nodiscard]] MemberRef RefAt(std::uint32_t index) const;
  // Name and type of an InvokeDynamic or Dynamic entry.
  [[nodiscard]] NameAndType DynamicAt(std::uint32_t index) const;

  // Every constant refers to constants of the right kind, and texts are modified UTF-8's ranges.
  [[nodiscard]] base::Status CheckConstants(std::uint16_t major) const;

 private:
  ConstantPool() = default;

  ByteSpan file_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::vector<std::uint32_t> offsets_;  // of the tag byte; 0: no entry
};

// "class file: bad tag 99 of constant 7 at byte 120": InvalidArgument.
[[nodiscard]] base::Status Malformed(std::string_view what, std::size_t offset);

}  // namespace ronda::agent::classfile
