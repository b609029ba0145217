#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "model/source.h"

namespace ronda::model {

// Byte offsets of a source to lines and columns (in characters) and back. Made once a load; the
// source outlives it through the shared pointer.
class Places {
 public:
  explicit Places(std::shared_ptr<const Source> source);

  [[nodiscard]] Location At(std::size_t offset) const;
  [[nodiscard]] std::size_t OffsetOf(const Location& where) const;
  // The bytes of a line, from 1, without its end; empty beyond the last.
  [[nodiscard]] std::string_view Line(int line) const;

 private:
  std::shared_ptr<const Source> source_;
  std::vector<std::size_t> line_starts_;
};

}  // namespace ronda::model
