#pragma once

#include <string_view>

namespace ronda::store {

// The files of src/store/schema, embedded when the binary is built.
extern const std::string_view kSchemaControl;
extern const std::string_view kSchemaAccounts;

}  // namespace ronda::store
