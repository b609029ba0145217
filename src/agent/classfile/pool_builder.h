#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "agent/classfile/constant_pool.h"

namespace ronda::agent::classfile {

// Adds constants behind those of a class. Nothing is renumbered, so whatever the class says by index
// stays true; a constant that is there already is used again. Owned by one thread; borrows the pool.
//
// Index 0 is the answer when the pool is full (65,535 indices) or a text is longer than 65,535 bytes;
// `full` then stays true until RollBack. Allocation may throw std::bad_alloc; see Contained.
class PoolBuilder {
 public:
  explicit PoolBuilder(const ConstantPool& pool) : pool_(pool), count_(pool.count()) {}

  [[nodiscard]] std::uint16_t Utf8(std::string_view text);
  [[nodiscard]] std::uint16_t Class(std::string_view name) { return Named(Tag::kClass, name); }
  [[nodiscard]] std::uint16_t String(std::string_view text) { return Named(Tag::kString, text); }
  [[nodiscard]] std::uint16_t Integer(std::int32_t value);
  // Takes two indices.
  [[nodiscard]] std::uint16_t Long(std::int64_t value);
  // `ref.tag` is kFieldref, kMethodref or kInterfaceMethodref.
  [[nodiscard]] std::uint16_t Ref(const MemberRef& ref);

  // constant_pool_count of the pool with what was added.
  [[nodiscard]] std::uint32_t count() const { return count_; }
  [[nodiscard]] bool full() const { return full_; }
  // What was added, to stand behind the class's own entries.
  [[nodiscard]] ByteSpan added() const { return added_.bytes(); }

  // Takes back what was added since Mark, so that a change that fails leaves nothing behind.
  struct Mark {
    std::uint32_t count = 0;
    std::size_t bytes = 0;
  };
  [[nodiscard]] Mark GetMark() const { return {count_, added_.size()}; }
  void RollBack(Mark mark);

 private:
  [[nodiscard]] std::uint16_t Named(Tag tag, std::string_view name);
  [[nodiscard]] std::uint16_t Pair(Tag tag, std::uint16_t first, std::uint16_t second);
  // The index of the entry with these bytes, added if there is none.
  [[nodiscard]] std::uint16_t Find(ByteSpan entry, std::uint32_t indices);
  [[nodiscard]] ByteSpan EntryAt(std::uint32_t index) const;
  void Insert(std::uint32_t index);
  void Rehash(std::size_t slots);

  const ConstantPool& pool_;
  std::uint32_t count_;
  bool full_ = false;
  ByteWriter added_;
  std::vector<std::uint32_t> offsets_;  // into added_, of the indices from pool_.count() on
  ByteWriter entry_;  // the one that is being looked for
  // Open addressing: indices, 0 is free. After RollBack a slot may name an index that is free or was
  // given anew; it then never equals what is looked for, or does so rightly.
  std::vector<std::uint16_t> table_;
  std::size_t used_ = 0;
};

}  // namespace ronda::agent::classfile
