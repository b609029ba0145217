#include "engine/vu/slots.h"

#include <cstring>

namespace ronda::engine {

void Slots::Keep(std::uint32_t slot, model::Value value) {
  if (value.type() == model::Type::kString) {
    if (cells_.empty()) cells_.resize(values_.size());
    const std::string_view text = value.AsString();
    Cell& cell = cells_[slot];
    if (text.size() > cell.capacity) {
      const auto capacity = static_cast<std::uint32_t>(std::max<std::size_t>(32, text.size() * 2));
      auto bytes = std::make_unique_for_overwrite<char[]>(capacity);
      std::memcpy(bytes.get(), text.data(), text.size());
      cell.text = std::move(bytes);
      cell.capacity = capacity;
    } else if (!text.empty()) {
      std::memmove(cell.text.get(), text.data(), text.size());
    }
    values_[slot] = model::Value::String({cell.text.get(), text.size()});
    return;
  }
  if (value.type() == model::Type::kList || value.type() == model::Type::kMap) {
    if (cells_.empty()) cells_.resize(values_.size());
    // A new arena first: the value may lie in the old one.
    auto arena = std::make_unique<model::Arena>();
    values_[slot] = model::CopyInto(value, *arena);
    cells_[slot].composite = std::move(arena);
    return;
  }
  values_[slot] = value;
}

void Slots::CopyFrom(const Slots& other) {
  for (std::uint32_t slot = 0; slot < values_.size(); ++slot) {
    const bool kept = !other.cells_.empty() && (other.cells_[slot].text != nullptr ||
                                                other.cells_[slot].composite != nullptr);
    if (kept) {
      Keep(slot, other.values_[slot]);
    } else {
      values_[slot] = other.values_[slot];
    }
  }
}

}  // namespace ronda::engine
