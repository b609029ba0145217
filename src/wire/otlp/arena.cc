#include "wire/otlp/arena.h"

#include <cstring>

namespace ronda::wire::otlp {

char* Arena::Allocate(std::size_t size) {
  if (size > kChunk / 4) {
    large_.push_back(std::make_unique_for_overwrite<char[]>(size));
    return large_.back().get();
  }
  if (chunks_.empty() || kChunk - used_ < size) {
    chunks_.push_back(std::make_unique_for_overwrite<char[]>(kChunk));
    used_ = 0;
  }
  char* at = chunks_.back().get() + used_;
  used_ += size;
  return at;
}

std::string_view Arena::Copy(std::string_view text) {
  if (text.empty()) return {};
  char* at = Allocate(text.size());
  std::memcpy(at, text.data(), text.size());
  return {at, text.size()};
}

void Arena::Clear() {
  large_.clear();
  if (chunks_.size() > 1) chunks_.resize(1);
  used_ = chunks_.empty() ? kChunk : 0;
}

}  // namespace ronda::wire::otlp
