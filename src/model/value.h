#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/check.h"

namespace ronda::model {

enum class Type : std::uint8_t { kNull, kBool, kInt, kFloat, kString, kDuration, kList, kMap };

// "null", "bool", ... as error messages name them.
[[nodiscard]] std::string_view NameOf(Type type);

struct Member;

// One value of the expression language: 16 bytes, trivially copyable, BORROWED. Strings, lists and
// maps point into memory that somebody else keeps alive: a constant of the compiled program, a feed's
// table, an Arena, a user's slot. Copy it into an Arena (CopyInto) to keep it longer.
class Value {
 public:
  constexpr Value() = default;  // null
  static constexpr Value Bool(bool b) {
    Value v(Type::kBool, 0);
    v.int_ = b ? 1 : 0;
    return v;
  }
  static constexpr Value Int(std::int64_t i) {
    Value v(Type::kInt, 0);
    v.int_ = i;
    return v;
  }
  static constexpr Value Float(double d) {
    Value v(Type::kFloat, 0);
    v.float_ = d;
    return v;
  }
  static constexpr Value DurationNs(std::int64_t ns) {
    Value v(Type::kDuration, 0);
    v.int_ = ns;
    return v;
  }
  static constexpr Value String(std::string_view s) {
    Value v(Type::kString, static_cast<std::uint32_t>(s.size()));
    v.string_ = s.data();
    return v;
  }
  static constexpr Value List(std::span<const Value> items) {
    Value v(Type::kList, static_cast<std::uint32_t>(items.size()));
    v.items_ = items.data();
    return v;
  }
  static constexpr Value Map(std::span<const Member> members);

  [[nodiscard]] constexpr Type type() const { return type_; }
  [[nodiscard]] constexpr bool is_null() const { return type_ == Type::kNull; }
  [[nodiscard]] constexpr bool is_number() const {
    return type_ == Type::kInt || type_ == Type::kFloat;
  }

  // Each requires the type it names (a DCHECK).
  [[nodiscard]] bool AsBool() const {
    DCHECK(type_ == Type::kBool);
    return int_ != 0;
  }
  [[nodiscard]] std::int64_t AsInt() const {
    DCHECK(type_ == Type::kInt);
    return int_;
  }
  [[nodiscard]] double AsFloat() const {
    DCHECK(type_ == Type::kFloat);
    return float_;
  }
  [[nodiscard]] std::int64_t AsDurationNs() const {
    DCHECK(type_ == Type::kDuration);
    return int_;
  }
  [[nodiscard]] std::string_view AsString() const {
    DCHECK(type_ == Type::kString);
    return {string_, size_};
  }
  [[nodiscard]] std::span<const Value> AsList() const {
    DCHECK(type_ == Type::kList);
    return {items_, size_};
  }
  [[nodiscard]] std::span<const Member> AsMap() const;

  // The member of that name, or null; null too if this is no map.
  [[nodiscard]] Value Get(std::string_view key) const;

 private:
  constexpr Value(Type type, std::uint32_t size) : type_(type), size_(size) {}

  Type type_ = Type::kNull;
  std::uint32_t size_ = 0;
  union {
    std::int64_t int_ = 0;
    double float_;
    const char* string_;
    const Value* items_;
    const Member* members_;
  };
};
static_assert(sizeof(Value) == 16);

// One entry of a map; maps keep the order in which they were written.
struct Member {
  std::string_view key;
  Value value;
};

inline std::span<const Member> Value::AsMap() const {
  DCHECK(type_ == Type::kMap);
  return {members_, size_};
}

constexpr Value Value::Map(std::span<const Member> members) {
  Value v(Type::kMap, static_cast<std::uint32_t>(members.size()));
  v.members_ = members.data();
  return v;
}

// Memory that is given out piece by piece and taken back all at once; after it has grown to what a
// step needs it allocates no more. Owned by one thread.
class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  Arena(Arena&&) noexcept = default;
  Arena& operator=(Arena&&) noexcept = default;

  [[nodiscard]] void* Allocate(std::size_t size, std::size_t alignment = 8);
  template <typename T>
  [[nodiscard]] std::span<T> AllocateArray(std::size_t n) {
    T* p = static_cast<T*>(Allocate(n * sizeof(T), alignof(T)));
    for (std::size_t i = 0; i < n; ++i) new (p + i) T();
    return {p, n};
  }
  [[nodiscard]] std::string_view Copy(std::string_view s);
  // Forgets all that was given out; keeps the memory (up to a bound) for the next round.
  void Reset();
  // Bytes held.
  [[nodiscard]] std::size_t capacity() const;

 private:
  struct Chunk {
    std::unique_ptr<char[]> bytes;
    std::size_t size = 0;
  };
  std::vector<Chunk> chunks_;
  std::size_t chunk_ = 0;  // the one in use
  std::size_t used_ = 0;  // of it
};

// A deep copy whose every byte lies in `arena`.
[[nodiscard]] Value CopyInto(Value value, Arena& arena);

// Deep equality without conversion: 1 == 1.0 is true (both are numbers), 1 == "1" is false.
[[nodiscard]] bool Equal(Value a, Value b);

// Appends the value as text: what `${x}` puts into a string. Durations as "1.5s", lists and maps as
// JSON. Null appends nothing: a template checks for it before.
void AppendText(Value value, std::string& out);
// Appends the value as JSON (RFC 8259). Durations as seconds (a number); NaN and infinities as null.
void AppendJson(Value value, std::string& out);

}  // namespace ronda::model
