#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "model/expression_lexer.h"
#include "model/expression_program.h"

namespace ronda::model {

// What bounds a text; beyond it is a load error.
inline constexpr std::size_t kMaxTextLength = 64 * 1024;
inline constexpr int kMaxNesting = 64;   // of brackets
inline constexpr int kMaxDepth = 200;    // of the tree

// Compiles the expression in program.text[begin, end) into `program`; the root's index, or nothing
// with `error` filled. Call FinishProgram once after the last one.
[[nodiscard]] std::optional<std::uint32_t> CompileInto(Program& program, std::uint32_t begin,
                                                       std::uint32_t end, Names& names,
                                                       LoadError& error);
void FinishProgram(Program& program);

}  // namespace ronda::model
