#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "agent/classfile/bytes.h"
#include "agent/classfile/constant_pool.h"
#include "base/core/status.h"

namespace ronda::agent::classfile {

// JVMS tables 4.1-B, 4.5-A, 4.6-A: the flags that these rooms ask for.
inline constexpr std::uint16_t kAccPublic = 0x0001;
inline constexpr std::uint16_t kAccPrivate = 0x0002;
inline constexpr std::uint16_t kAccStatic = 0x0008;
inline constexpr std::uint16_t kAccSynchronized = 0x0020;
inline constexpr std::uint16_t kAccTransient = 0x0080;
inline constexpr std::uint16_t kAccNative = 0x0100;
inline constexpr std::uint16_t kAccInterface = 0x0200;
inline constexpr std::uint16_t kAccAbstract = 0x0400;
inline constexpr std::uint16_t kAccSynthetic = 0x1000;
inline constexpr std::uint16_t kAccModule = 0x8000;

inline constexpr std::uint16_t kNewestKnownMajor = 70;  // JDK 26

struct Attribute {
  std::uint16_t name = 0;  // a Utf8 constant
  ByteSpan body;
  ByteSpan whole;  // with name and length
};

// Attributes one behind the other, as the reader found them well-formed in form: for (Attribute a : list).
class AttributeList {
 public:
  AttributeList() = default;
  // Walks the attributes at the cursor, from their count on. The cursor is bad when they do not fit.
  [[nodiscard]] static AttributeList Read(ByteSpan file, Cursor& cursor);

  class Iterator {
   public:
    explicit Iterator(const std::uint8_t* at) : at_(at) {}
    Attribute operator*() const {
      const std::uint32_t size = LoadU4(at_ + 2);
      return {LoadU2(at_), {at_ + 6, size}, {at_, 6 + std::size_t{size}}};
    }
    Iterator& operator++() {
      at_ += 6 + std::size_t{LoadU4(at_ + 2)};
      return *this;
    }
    bool operator==(const Iterator&) const = default;

   private:
    const std::uint8_t* at_;
  };
  [[nodiscard]] Iterator begin() const { return Iterator(bytes_.data()); }
  [[nodiscard]] Iterator end() const { return Iterator(bytes_.data() + bytes_.size()); }

  [[nodiscard]] std::uint16_t count() const { return count_; }
  // Without the count.
  [[nodiscard]] ByteSpan bytes() const { return bytes_; }
  // The first of this name; its whole is empty when there is none.
  [[nodiscard]] Attribute Find(const ConstantPool& pool, std::string_view name) const;

 private:
  std::uint16_t count_ = 0;
  ByteSpan bytes_;
};

// A field or method.
struct Member {
  std::uint16_t access = 0;
  std::uint16_t name = 0;  // Utf8 constants
  std::uint16_t descriptor = 0;
  AttributeList attributes;
  ByteSpan whole;
};

// A class file of any version, read in place: it borrows the bytes and copies nothing but places. Time
// and memory are linear in the size of the bytes, whatever they hold. What it does not know it keeps:
// attributes are bytes until somebody asks for one (code.h, frames.h, attribute_check.h).
class ClassFile {
 public:
  // InvalidArgument says what is wrong and at which byte; ResourceExhausted: no memory. Nothing throws.
  [[nodiscard]] static base::Result<ClassFile> Parse(ByteSpan bytes) noexcept;

  [[nodiscard]] ByteSpan bytes() const { return bytes_; }
  [[nodiscard]] std::uint16_t minor() const { return LoadU2(bytes_.data() + 4); }
  [[nodiscard]] std::uint16_t major() const { return LoadU2(bytes_.data() + 6); }
  [[nodiscard]] const ConstantPool& pool() const { return pool_; }

  [[nodiscard]] std::uint16_t access() const { return access_; }
  [[nodiscard]] std::uint16_t this_class() const { return this_class_; }
  [[nodiscard]] std::uint16_t super_class() const { return super_class_; }
  [[nodiscard]] std::string_view name() const { return pool_.ClassName(this_class_); }
  [[nodiscard]] std::string_view super_name() const { return pool_.ClassName(super_class_); }
  [[nodiscard]] std::size_t interface_count() const { return interfaces_.size() / 2; }
  [[nodiscard]] std::uint16_t interface_at(std::size_t i) const {
    return LoadU2(interfaces_.data() + 2 * i);
  }

  [[nodiscard]] std::span<const Member> fields() const {
    return std::span(members_).first(field_count_);
  }
  [[nodiscard]] std::span<const Member> methods() const {
    return std::span(members_).subspan(field_count_);
  }
  [[nodiscard]] const AttributeList& attributes() const { return attributes_; }

  [[nodiscard]] std::string_view NameOf(const Member& member) const {
    return pool_.Utf8(member.name);
  }
  [[nodiscard]] std::string_view DescriptorOf(const Member& member) const {
    return pool_.Utf8(member.descriptor);
  }

 private:
  ClassFile(ByteSpan bytes, ConstantPool pool) : bytes_(bytes), pool_(std::move(pool)) {}
  [[nodiscard]] static base::Result<ClassFile> ParseAll(ByteSpan bytes);
  [[nodiscard]] base::Status ReadMembers(Cursor& cursor, std::string_view kind);

  ByteSpan bytes_;
  ConstantPool pool_;
  std::uint16_t access_ = 0;
  std::uint16_t this_class_ = 0;
  std::uint16_t super_class_ = 0;
  ByteSpan interfaces_;
  std::size_t field_count_ = 0;
  std::vector<Member> members_;  // fields, then methods
  AttributeList attributes_;
};

}  // namespace ronda::agent::classfile
