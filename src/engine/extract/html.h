#pragma once

#include <memory>
#include <string>

#include "engine/extract/extractor.h"

namespace ronda::engine::extract {

// An XPath 1.0 expression over HTML, compiled. Private to the room. Immutable; thread-safe.
class HtmlPath {
 public:
  // Null, with `error` filled, when the text is no XPath.
  [[nodiscard]] static std::unique_ptr<const HtmlPath> Compile(const std::string& xpath,
                                                               model::LoadError& error);
  ~HtmlPath();
  // The text of each node found, or the one value of an expression, in the arena.
  [[nodiscard]] bool Read(Reader& reader, model::Arena& arena, std::vector<model::Value>& found,
                          std::string_view& error) const;

 private:
  HtmlPath() = default;
  struct Compiled;
  std::unique_ptr<Compiled> compiled_;
};

}  // namespace ronda::engine::extract
