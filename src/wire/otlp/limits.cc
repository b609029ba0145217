#include "wire/otlp/limits.h"

namespace ronda::wire::otlp {

std::string_view NameOf(Refusal refusal) {
  switch (refusal) {
    case Refusal::kTraceId: return "bad trace id";
    case Refusal::kSpanId: return "bad span id";
    case Refusal::kParentId: return "bad parent id";
    case Refusal::kTooLarge: return "too large";
    case Refusal::kPoint: return "bad data point";
  }
  return "";
}

std::uint64_t DecodeReport::total_refused() const {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : refused) sum += count;
  return sum;
}

std::string DecodeReport::Describe() const {
  std::string text;
  if (total_refused() > 0) {
    text = std::to_string(total_refused()) + " of " + std::to_string(accepted + total_refused()) +
           " refused";
    char separator = ':';
    for (std::size_t i = 0; i < kRefusals; ++i) {
      if (refused[i] == 0) continue;
      text += separator;
      text += " ";
      text += NameOf(static_cast<Refusal>(i));
      text += " " + std::to_string(refused[i]);
      separator = ',';
    }
  }
  if (total_cut() > 0) {
    text += text.empty() ? "cut:" : "; cut:";
    std::string_view separator = " ";
    const auto part = [&](std::string_view name, std::uint64_t count) {
      if (count == 0) return;
      text += separator;
      text += name;
      text += " " + std::to_string(count);
      separator = ", ";
    };
    part("attributes", attributes_cut);
    part("values", values_cut);
    part("events", events_cut);
    part("links", links_cut);
  }
  return text;
}

void DecodeReport::Add(const DecodeReport& other) {
  accepted += other.accepted;
  for (std::size_t i = 0; i < kRefusals; ++i) refused[i] += other.refused[i];
  attributes_cut += other.attributes_cut;
  values_cut += other.values_cut;
  events_cut += other.events_cut;
  links_cut += other.links_cut;
}

}  // namespace ronda::wire::otlp
