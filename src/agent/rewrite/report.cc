#include "agent/rewrite/report.h"

namespace ronda::agent::rewrite {

std::string_view NameOf(Skip skip) {
  constexpr std::array<std::string_view, kSkips> kNames = {
      "no code",       "Object.<init>", "empty finalize",  "boxing",          "old code",
      "malformed",     "unknown frame", "advice misfit",   "stack at return", "far branch",
      "code too long", "not compiled",  "too many locals", "pool full"};
  return kNames[static_cast<std::size_t>(skip)];
}

void Report::Add(const Report& other) {
  matched += other.matched;
  changed += other.changed;
  calls_replaced += other.calls_replaced;
  for (std::size_t i = 0; i < kSkips; ++i) skipped[i] += other.skipped[i];
  constructors_without_throw += other.constructors_without_throw;
  fields_added += other.fields_added;
  interfaces_added += other.interfaces_added;
  schema_refused += other.schema_refused;
}

}  // namespace ronda::agent::rewrite
