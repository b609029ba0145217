#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "model/source.h"

namespace ronda::model {

// Byte offsets of a source to lines and columns (in characters) and back. Made once a load, used by
// one thread; the source outlives it through the shared pointer. Offsets that grow are cheap even in
// one endless line.
class Places {
 public:
  explicit Places(std::shared_ptr<const Source> source);

  [[nodiscard]] Location At(std::size_t offset);
  [[nodiscard]] std::size_t OffsetOf(const Location& where) const;
  // The bytes of a line, from 1, without its end; empty beyond the last.
  [[nodiscard]] std::string_view Line(int line) const;

 private:
  std::shared_ptr<const Source> source_;
  std::vector<std::size_t> line_starts_;
  // The last answer of At: the next one counts on from there.
  std::size_t last_line_ = 0, last_offset_ = 0, last_characters_ = 0;
};

}  // namespace ronda::model
