#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace ronda::agent::classfile {

// A field descriptor (JVMS 4.3.2) or 'V'; a view of the class file's text.
struct Type {
  std::string_view text;  // "I", "Ljava/lang/String;", "[[J"

  // B C D F I J S Z V; L for classes, [ for arrays.
  [[nodiscard]] char kind() const { return text.empty() ? 'V' : text[0]; }
  [[nodiscard]] bool is_reference() const { return kind() == 'L' || kind() == '['; }
  // Slots on the stack and among the locals.
  [[nodiscard]] std::uint32_t slots() const {
    return kind() == 'V' ? 0 : kind() == 'J' || kind() == 'D' ? 2 : 1;
  }
  // As a Class constant names it: "java/lang/String", "[[J". Of references only.
  [[nodiscard]] std::string_view class_name() const {
    return kind() == 'L' ? text.substr(1, text.size() - 2) : text;
  }
  bool operator==(const Type&) const = default;
};

struct MethodType {
  std::vector<Type> arguments;
  Type result;
  std::uint32_t argument_slots = 0;  // without `this`
};

// Nothing when the text is no descriptor, or has more than 255 slots of arguments.
[[nodiscard]] std::optional<Type> ParseType(std::string_view text);
[[nodiscard]] std::optional<MethodType> ParseMethodType(std::string_view text);

// The slots alone, without memory: what an invoke or a field access does to the stack.
struct StackEffect {
  std::uint32_t pops = 0;
  std::uint32_t pushes = 0;
};
[[nodiscard]] std::optional<StackEffect> MethodEffect(std::string_view descriptor);

}  // namespace ronda::agent::classfile
