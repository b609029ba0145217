#include "stats/shape_codec.h"

#include <cstdint>

#include "base/core/varint.h"

namespace ronda::stats {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::uint64_t kMostRows = 1u << 20;

bool ReadText(base::VarintReader& reader, std::string& text) {
  std::string_view bytes;
  if (!reader.NextBytes(bytes)) return false;
  text = bytes;
  return true;
}

// Reads a list whose rows take a byte or more each, so that its length cannot lie.
template <typename Row, typename Read>
bool ReadList(base::VarintReader& reader, std::vector<Row>& rows, Read&& read) {
  std::uint64_t count = 0;
  if (!reader.NextUpTo(kMostRows, count) || count > reader.left()) return false;
  rows.clear();
  rows.resize(count);
  for (Row& row : rows) {
    if (!read(row)) return false;
  }
  return true;
}

bool Read(base::VarintReader& reader, Shape& shape) {
  std::uint64_t number = 0;
  if (!reader.Next(number) || number != kVersion) return false;
  const auto below = [&](std::size_t end, std::uint32_t& id) {
    if (!reader.Next(number) || number >= end) return false;
    id = static_cast<std::uint32_t>(number);
    return true;
  };
  return ReadList(reader, shape.scenarios,
                  [&](ScenarioInfo& s) {
                    return ReadText(reader, s.name) && ReadText(reader, s.executor);
                  }) &&
         ReadList(reader, shape.steps,
                  [&](StepInfo& s) {
                    std::uint32_t kind = 0;
                    if (!ReadText(reader, s.id) || !ReadText(reader, s.action) || !below(2, kind))
                      return false;
                    s.kind = static_cast<StepKind>(kind);
                    return below(shape.scenarios.size(), s.scenario);
                  }) &&
         ReadList(reader, shape.checks,
                  [&](CheckInfo& c) {
                    return ReadText(reader, c.name) && below(shape.steps.size(), c.step);
                  }) &&
         ReadList(reader, shape.errors, [&](std::string& e) { return ReadText(reader, e); }) &&
         !shape.errors.empty() && shape.errors.size() <= 0x10000 && reader.at_end();
}

}  // namespace

void EncodeShape(const Shape& shape, std::string& out) {
  base::PutVarint(kVersion, out);
  base::PutVarint(shape.scenarios.size(), out);
  for (const ScenarioInfo& s : shape.scenarios) {
    base::PutBytes(s.name, out);
    base::PutBytes(s.executor, out);
  }
  base::PutVarint(shape.steps.size(), out);
  for (const StepInfo& s : shape.steps) {
    base::PutBytes(s.id, out);
    base::PutBytes(s.action, out);
    base::PutVarint(static_cast<std::uint64_t>(s.kind), out);
    base::PutVarint(s.scenario, out);
  }
  base::PutVarint(shape.checks.size(), out);
  for (const CheckInfo& c : shape.checks) {
    base::PutBytes(c.name, out);
    base::PutVarint(c.step, out);
  }
  base::PutVarint(shape.errors.size(), out);
  for (const std::string& e : shape.errors) base::PutBytes(e, out);
}

base::Result<Shape> DecodeShape(std::string_view bytes) {
  Shape shape;
  base::VarintReader reader(bytes);
  if (Read(reader, shape)) return shape;
  return base::InvalidArgument("these bytes are no shape of a run");
}

}  // namespace ronda::stats
