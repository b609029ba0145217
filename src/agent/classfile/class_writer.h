#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "agent/classfile/class_file.h"
#include "agent/classfile/pool_builder.h"

namespace ronda::agent::classfile {

// Puts a class file together from the bytes of one that was read and what replaces or joins them.
// Without a change the bytes are the same. Owned by one thread; borrows the file, the pool builder and
// every span that it is given until Write.
class ClassWriter {
 public:
  ClassWriter(const ClassFile& file, const PoolBuilder& pool) : file_(file), pool_(pool) {}

  // `whole` stands for method `index` from now on: a method_info with its attributes. In rising order.
  void ReplaceMethod(std::size_t index, ByteSpan whole) { methods_.push_back({index, whole}); }
  void AddInterface(std::uint16_t class_index) { interfaces_.push_back(class_index); }
  // A field_info, a method_info.
  void AddField(ByteSpan whole) { new_fields_.push_back(whole); }
  void AddMethod(ByteSpan whole) { new_methods_.push_back(whole); }

  // False when a count would pass 65,535. Allocation may throw std::bad_alloc; see Contained.
  [[nodiscard]] bool Write(std::vector<std::uint8_t>& out) const;

 private:
  struct Replacement {
    std::size_t index;
    ByteSpan whole;
  };

  const ClassFile& file_;
  const PoolBuilder& pool_;
  std::vector<Replacement> methods_;
  std::vector<std::uint16_t> interfaces_;
  std::vector<ByteSpan> new_fields_;
  std::vector<ByteSpan> new_methods_;
};

}  // namespace ronda::agent::classfile
