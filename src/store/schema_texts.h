#pragma once

#include <string_view>

namespace ronda::store {

// The files of src/store/schema, embedded when the binary is built.
extern const std::string_view kSchemaControl;

}  // namespace ronda::store
