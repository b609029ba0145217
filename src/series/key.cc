#include "series/key.h"

#include "base/core/varint.h"

namespace ronda::series {

std::string_view Key::At(std::string_view label) const {
  for (const Label& l : labels) {
    if (l.name == label) return l.value;
  }
  return {};
}

void PutKey(Kind kind, std::string_view metric, std::span<const Label> labels, std::string& out) {
  out.push_back(static_cast<char>(kind));
  base::PutBytes(metric, out);
  for (const Label& label : labels) {
    if (label.value.empty()) continue;
    base::PutBytes(label.name, out);
    base::PutBytes(label.value, out);
  }
}

bool ReadKey(std::string_view bytes, Key& key) {
  key.labels.clear();
  base::VarintReader reader(bytes);
  std::uint64_t kind = 0;
  if (!reader.NextUpTo(static_cast<std::uint64_t>(kLastKind), kind) ||
      !reader.NextBytes(key.metric)) {
    return false;
  }
  key.kind = static_cast<Kind>(kind);
  while (!reader.at_end()) {
    Label label;
    if (!reader.NextBytes(label.name) || !reader.NextBytes(label.value)) return false;
    if (label.value.empty()) return false;
    if (!key.labels.empty() && label.name <= key.labels.back().name) return false;
    key.labels.push_back(label);
  }
  return true;
}

}  // namespace ronda::series
