#include "agent/classfile/attribute_forms.h"

#include <algorithm>
#include <array>
#include <utility>

namespace ronda::agent::classfile {
namespace {

using Row = std::pair<std::string_view, std::string_view>;
// Sorted by name. JVMS table 4.7-A.
constexpr std::array kForms = {
    Row{"AnnotationDefault", "V"},
    Row{"BootstrapMethods", "*[h*[k]]"},
    Row{"Code", "C"},
    Row{"ConstantValue", "k"},
    Row{"Deprecated", ""},
    Row{"EnclosingMethod", "cn?"},
    Row{"Exceptions", "*[c]"},
    Row{"InnerClasses", "*[cc?u?2]"},
    Row{"LineNumberTable", "*[22]"},
    Row{"LocalVariableTable", "*[22uu2]"},
    Row{"LocalVariableTypeTable", "*[22uu2]"},
    Row{"MethodParameters", "#[u?2]"},
    Row{"Module", "m2u?*[m2u?]*[p2*[m]]*[p2*[m]]*[c]*[c*[c]]"},
    Row{"ModuleMainClass", "c"},
    Row{"ModulePackages", "*[p]"},
    Row{"NestHost", "c"},
    Row{"NestMembers", "*[c]"},
    Row{"PermittedSubclasses", "*[c]"},
    Row{"Record", "*[uuA]"},
    Row{"RuntimeInvisibleAnnotations", "*[@]"},
    Row{"RuntimeInvisibleParameterAnnotations", "#[*[@]]"},
    Row{"RuntimeInvisibleTypeAnnotations", "*[T]"},
    Row{"RuntimeVisibleAnnotations", "*[@]"},
    Row{"RuntimeVisibleParameterAnnotations", "#[*[@]]"},
    Row{"RuntimeVisibleTypeAnnotations", "*[T]"},
    Row{"Signature", "u"},
    Row{"SourceFile", "u"},
    Row{"StackMapTable", "S"},
    Row{"Synthetic", ""},
};
static_assert(std::ranges::is_sorted(kForms));

}  // namespace

AttributeForm FormOf(std::string_view name) {
  const auto row = std::ranges::lower_bound(kForms, name, {}, &Row::first);
  if (row == kForms.end() || row->first != name) return {};
  return {true, row->second};
}

}  // namespace ronda::agent::classfile
