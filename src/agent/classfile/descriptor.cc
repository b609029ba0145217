#include "agent/classfile/descriptor.h"

namespace ronda::agent::classfile {
namespace {

constexpr std::uint32_t kMostSlots = 255;
constexpr std::size_t kMostDimensions = 255;

// The characters of the type at the start of `text`, 0 when there is none. Not for 'V'.
std::size_t TypeSize(std::string_view text) {
  const std::size_t element = text.find_first_not_of('[');
  if (element == std::string_view::npos || element > kMostDimensions) return 0;
  switch (text[element]) {
    case 'B':
    case 'C':
    case 'D':
    case 'F':
    case 'I':
    case 'J':
    case 'S':
    case 'Z': return element + 1;
    case 'L': {
      const std::size_t end = text.find(';', element);
      return end == std::string_view::npos || end == element + 1 ? 0 : end + 1;
    }
    default: return 0;
  }
}

// Calls `each` for every argument; the result's type, or nothing.
template <typename Each>
std::optional<Type> Walk(std::string_view text, const Each& each) {
  if (text.empty() || text[0] != '(') return std::nullopt;
  text.remove_prefix(1);
  std::uint32_t slots = 0;
  while (!text.empty() && text[0] != ')') {
    const std::size_t size = TypeSize(text);
    if (size == 0) return std::nullopt;
    const Type type{text.substr(0, size)};
    slots += type.slots();
    if (slots > kMostSlots) return std::nullopt;
    each(type);
    text.remove_prefix(size);
  }
  if (text.empty()) return std::nullopt;
  text.remove_prefix(1);
  return text == "V" ? Type{text} : ParseType(text);
}

}  // namespace

std::optional<Type> ParseType(std::string_view text) {
  const std::size_t size = TypeSize(text);
  if (size == 0 || size != text.size()) return std::nullopt;
  return Type{text};
}

std::optional<MethodType> ParseMethodType(std::string_view text) {
  MethodType type;
  const std::optional<Type> result = Walk(text, [&](Type argument) {
    type.arguments.push_back(argument);
    type.argument_slots += argument.slots();
  });
  if (!result) return std::nullopt;
  type.result = *result;
  return type;
}

std::optional<StackEffect> MethodEffect(std::string_view descriptor) {
  StackEffect effect;
  const std::optional<Type> result =
      Walk(descriptor, [&](Type argument) { effect.pops += argument.slots(); });
  if (!result) return std::nullopt;
  effect.pushes = result->slots();
  return effect;
}

}  // namespace ronda::agent::classfile
