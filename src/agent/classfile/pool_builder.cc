#include "agent/classfile/pool_builder.h"

#include <algorithm>
#include <bit>

namespace ronda::agent::classfile {
namespace {

constexpr std::uint32_t kMostIndices = 65535;

std::size_t HashOf(ByteSpan bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const std::uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3;
  return static_cast<std::size_t>(hash ^ hash >> 32);
}

// The entry that starts at `p`, whose kind and size the reader has checked, or the builder made.
ByteSpan EntryFrom(const std::uint8_t* p) {
  switch (static_cast<Tag>(*p)) {
    case Tag::kUtf8: return {p, std::size_t{3} + LoadU2(p + 1)};
    case Tag::kLong:
    case Tag::kDouble: return {p, 9};
    case Tag::kClass:
    case Tag::kString:
    case Tag::kMethodType:
    case Tag::kModule:
    case Tag::kPackage: return {p, 3};
    case Tag::kMethodHandle: return {p, 4};
    default: return {p, 5};
  }
}

}  // namespace

ByteSpan PoolBuilder::EntryAt(std::uint32_t index) const {
  if (index >= pool_.count()) {
    return EntryFrom(added_.bytes().data() + offsets_[index - pool_.count()]);
  }
  const ByteSpan entries = pool_.entries();
  return EntryFrom(entries.data() + (pool_.OffsetOf(index) - pool_.OffsetOf(1)));
}

void PoolBuilder::Insert(std::uint32_t index) {
  if ((used_ + 1) * 2 > table_.size()) Rehash(std::max<std::size_t>(64, table_.size() * 2));
  std::size_t slot = HashOf(EntryAt(index)) & (table_.size() - 1);
  while (table_[slot] != 0) slot = (slot + 1) & (table_.size() - 1);
  table_[slot] = static_cast<std::uint16_t>(index);
  ++used_;
}

void PoolBuilder::Rehash(std::size_t slots) {
  table_.assign(std::bit_ceil(slots), 0);
  used_ = 0;
  for (std::uint32_t i = 1; i < count_; ++i) {
    if (i < pool_.count() ? pool_.OffsetOf(i) != 0 : offsets_[i - pool_.count()] != kMostIndices) {
      Insert(i);
    }
  }
}

std::uint16_t PoolBuilder::Find(ByteSpan entry, std::uint32_t indices) {
  if (table_.empty()) Rehash(std::size_t{2} * count_ + 64);
  std::size_t slot = HashOf(entry) & (table_.size() - 1);
  for (; table_[slot] != 0; slot = (slot + 1) & (table_.size() - 1)) {
    if (table_[slot] < count_ && std::ranges::equal(EntryAt(table_[slot]), entry)) {
      return table_[slot];
    }
  }
  if (count_ + indices > kMostIndices) {
    full_ = true;
    return 0;
  }
  const std::uint32_t index = count_;
  offsets_.push_back(static_cast<std::uint32_t>(added_.size()));
  if (indices == 2) offsets_.push_back(kMostIndices);
  added_.Raw(entry);
  count_ += indices;
  Insert(index);
  return static_cast<std::uint16_t>(index);
}

std::uint16_t PoolBuilder::Utf8(std::string_view text) {
  if (text.size() > 65535) {
    full_ = true;
    return 0;
  }
  entry_.Clear();
  entry_.U1(static_cast<std::uint32_t>(Tag::kUtf8));
  entry_.U2(static_cast<std::uint32_t>(text.size()));
  entry_.Raw(text);
  return Find(entry_.bytes(), 1);
}

std::uint16_t PoolBuilder::Named(Tag tag, std::string_view name) {
  const std::uint16_t text = Utf8(name);
  if (text == 0) return 0;
  entry_.Clear();
  entry_.U1(static_cast<std::uint32_t>(tag));
  entry_.U2(text);
  return Find(entry_.bytes(), 1);
}

std::uint16_t PoolBuilder::Pair(Tag tag, std::uint16_t first, std::uint16_t second) {
  if (first == 0 || second == 0) return 0;
  entry_.Clear();
  entry_.U1(static_cast<std::uint32_t>(tag));
  entry_.U2(first);
  entry_.U2(second);
  return Find(entry_.bytes(), 1);
}

std::uint16_t PoolBuilder::Integer(std::int32_t value) {
  entry_.Clear();
  entry_.U1(static_cast<std::uint32_t>(Tag::kInteger));
  entry_.U4(static_cast<std::uint32_t>(value));
  return Find(entry_.bytes(), 1);
}

std::uint16_t PoolBuilder::Long(std::int64_t value) {
  entry_.Clear();
  entry_.U1(static_cast<std::uint32_t>(Tag::kLong));
  entry_.U4(static_cast<std::uint32_t>(static_cast<std::uint64_t>(value) >> 32));
  entry_.U4(static_cast<std::uint32_t>(value));
  return Find(entry_.bytes(), 2);
}

std::uint16_t PoolBuilder::Ref(const MemberRef& ref) {
  const std::uint16_t owner = Class(ref.owner);
  const std::uint16_t name = Utf8(ref.member.name);
  const std::uint16_t descriptor = Utf8(ref.member.descriptor);
  return Pair(ref.tag, owner, Pair(Tag::kNameAndType, name, descriptor));
}

void PoolBuilder::RollBack(Mark mark) {
  // The table forgets by itself: an index past the count is passed over.
  count_ = mark.count;
  full_ = false;
  offsets_.resize(count_ - pool_.count());
  added_.Truncate(mark.bytes);
}

}  // namespace ronda::agent::classfile
