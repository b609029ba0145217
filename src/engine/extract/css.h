#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/expression.h"

namespace ronda::engine::extract {

// Translates a CSS selector (Selectors Level 3: types, #id, .class, [attribute] with = ~= |= ^= $= *=,
// descendant, child, adjacent and sibling combinators, groups, :first-child, :last-child,
// :nth-child(n), :not(simple)) into XPath 1.0. Two endings of ours say what is read of an element:
// `::text` its text, `@name` an attribute; else its text. Nothing, with `error` filled, when it is none.
[[nodiscard]] std::optional<std::string> CssToXPath(std::string_view selector,
                                                    model::LoadError& error);

}  // namespace ronda::engine::extract
