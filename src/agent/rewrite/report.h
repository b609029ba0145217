#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace ronda::agent::rewrite {

// Why a method that was matched stays as it is.
enum class Skip : std::uint8_t {
  kNoCode,  // abstract or native
  kObjectInit,  // java/lang/Object.<init>: every object passes it
  kFinalizer,  // an empty finalize(): filling it makes every object of the class wait for the finalizer
  kBoxing,  // of a box class, with advice that boxes: it would call itself
  kOldCode,  // a class before 45.3
  kMalformed,  // no verifier would take it
  kUnknownFrame,  // a StackMapTable of a newer kind
  kAdviceMisfit,  // values or results that do not fit the method's types
  kStackAtReturn,  // returns with more on the stack than the result
  kFarBranch,  // a conditional branch would have to go further than 16 bits
  kCodeTooLong,  // more than 65,535 bytes
  kNotCompiled,  // the JIT would not compile it any more (Limits::compiled_bytes)
  kTooManyLocals,  // locals, stack, handlers or frames past the format's limits
  kPoolFull,  // more than 65,535 constants
};
inline constexpr std::size_t kSkips = 14;
// "no code" and the like.
[[nodiscard]] std::string_view NameOf(Skip skip);

// What became of a class; adding two makes the sum.
struct Report {
  std::uint64_t matched = 0;  // methods that advice or a replacement names
  std::uint64_t changed = 0;
  std::uint64_t calls_replaced = 0;
  std::array<std::uint64_t, kSkips> skipped{};
  // Changed constructors whose exceptions are not seen, since no place is surely after super().
  std::uint64_t constructors_without_throw = 0;
  std::uint64_t fields_added = 0;
  std::uint64_t interfaces_added = 0;
  std::uint64_t schema_refused =
      0;  // fields and interfaces that were there, did not fit or were not allowed

  [[nodiscard]] std::uint64_t skips(Skip skip) const {
    return skipped[static_cast<std::size_t>(skip)];
  }
  void Add(const Report& other);
  bool operator==(const Report&) const = default;
};

}  // namespace ronda::agent::rewrite
