#pragma once

#include <string_view>

namespace ronda::agent::classfile {

// The form of an attribute of JVMS 4.7 (JDK 26), as a text:
//   1 2 4      bytes
//   u c h m p  index of a Utf8, Class, MethodHandle, Module, Package; n: of a NameAndType; k: of any
//              constant; each with ? after it: or 0
//   *[...]     a u2 count and so many times what stands inside; #[...]: a u1 count
//   A          attributes with their count
//   @ V T      an annotation, an element value, a type annotation
//   C S        Code and StackMapTable, which have readers of their own
// Empty when the name is not known: `known` tells it apart from an attribute without content.
struct AttributeForm {
  bool known = false;
  std::string_view form;
};
[[nodiscard]] AttributeForm FormOf(std::string_view name);

}  // namespace ronda::agent::classfile
