#pragma once

#include <string_view>

#include "agent/classfile/class_file.h"

namespace ronda::agent::classfile {

// True when the class, field or method of these attributes carries the annotation, visible at run time
// or not: "Lorg/junit/Test;". Bytes that are no annotations carry none.
[[nodiscard]] bool HasAnnotation(const ClassFile& file, const AttributeList& attributes,
                                 std::string_view type);

}  // namespace ronda::agent::classfile
