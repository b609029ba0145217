#include "trace/segment/block_columns.h"

#include <algorithm>

#include "base/core/check.h"

namespace ronda::trace::segment {
namespace {

std::optional<TextList> DictionaryOfTexts(const TextColumn& texts) {
  if (texts.plain()) return std::nullopt;
  return TextList{texts.dictionary().texts(), texts.dictionary().begins()};
}

}  // namespace

BlockColumns::BlockColumns(const Block& block) : block_(block) {
  for (const AttributeColumn& column : block.attributes_.columns()) {
    attributes_.push_back({column.key, column.type, column.overflow});
  }
}

std::uint32_t BlockColumns::RowsOf(std::size_t) const { return block_.rows(); }

const TextColumn& BlockColumns::TextsOf(Role role) const {
  return role == Role::kName ? block_.names_ : block_.status_messages_;
}

Cells BlockColumns::CellsOf(const TextColumn& texts, std::vector<std::uint64_t>& numbers) {
  if (texts.plain()) {
    return {.form = Cells::Form::kTexts, .texts = {texts.plain_texts(), texts.plain_ends()}};
  }
  if (numbers.size() != texts.size()) {
    numbers.resize(texts.size());
    for (std::uint32_t i = 0; i < texts.size(); ++i) numbers[i] = texts.NumberAt(i);
  }
  return {.form = Cells::Form::kCoded, .numbers = numbers, .texts = *DictionaryOfTexts(texts)};
}

base::Result<Cells> BlockColumns::Fixed(Role role, std::size_t) {
  std::vector<std::uint64_t>& numbers = fixed_[role];
  if (role == Role::kName || role == Role::kStatusMessage) return CellsOf(TextsOf(role), numbers);
  if (!numbers.empty()) return Cells{.numbers = numbers};
  numbers.reserve(block_.rows());
  for (const Block::Row& row : block_.spans_) {
    switch (role) {
      case Role::kSpanId: numbers.push_back(row.span); break;
      case Role::kParentCode: numbers.push_back(row.parent == 0 ? 0 : 1); break;
      case Role::kStart: numbers.push_back(row.start_ns); break;
      case Role::kDuration: numbers.push_back(row.duration_ns); break;
      case Role::kKind: numbers.push_back(row.kind); break;
      case Role::kStatus: numbers.push_back(row.status); break;
      case Role::kScope: numbers.push_back(row.scope); break;
      default: CHECK(false);
    }
  }
  return Cells{.numbers = numbers};
}

Zone BlockColumns::ZoneOf(Role, std::size_t) { return {}; }

base::Result<std::optional<TextList>> BlockColumns::DictionaryOf(Role role) {
  return DictionaryOfTexts(TextsOf(role));
}

base::Result<Cells> BlockColumns::AttributeCells(std::size_t index, std::size_t) {
  const AttributeColumn& column = block_.attributes_.columns()[index];
  if (column.has_texts()) return CellsOf(column.texts, cells_[index]);
  return Cells{.numbers = column.numbers};
}

std::optional<Zone> BlockColumns::AttributeZone(std::size_t index, std::size_t) {
  if (block_.attributes_.columns()[index].size() == 0) return std::nullopt;
  return Zone();
}

base::Result<std::optional<TextList>> BlockColumns::AttributeDictionary(std::size_t index) {
  const AttributeColumn& column = block_.attributes_.columns()[index];
  if (!column.has_texts()) return std::optional<TextList>();
  return DictionaryOfTexts(column.texts);
}

base::Result<bool> BlockColumns::MayHaveText(std::size_t, std::string_view) { return true; }

base::Status BlockColumns::RowsWith(std::size_t index, std::size_t,
                                    std::vector<std::uint32_t>& rows) {
  const auto& shapes = block_.attributes_.shapes();
  std::vector<std::uint32_t> times(shapes.size());
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    times[i] = static_cast<std::uint32_t>(std::ranges::count(shapes[i], index));
  }
  rows.clear();
  for (std::uint32_t row = 0; row < block_.rows(); ++row) {
    for (std::uint32_t k = times[block_.attributes_.ShapeOf(row)]; k > 0; --k) rows.push_back(row);
  }
  return base::Ok();
}

base::Result<const otlp::SpanBatch*> BlockColumns::Scopes() {
  if (scopes_) return &*scopes_;
  otlp::SpanBatch& batch = scopes_.emplace();
  ScopeReader reader(batch);
  for (std::uint32_t number = 0; number < block_.scopes_.size(); ++number) {
    std::uint32_t index = 0;
    CHECK(reader.Index(
        number,
        [&](std::uint64_t i, std::string_view& text) {
          text = block_.resources_.At(static_cast<std::uint32_t>(i));
          return true;
        },
        [&](std::uint32_t i) { return block_.scopes_.At(i); }, index));
  }
  return &batch;
}

base::Result<base::TraceId> BlockColumns::TraceOf(std::uint32_t row) {
  return block_.spans_[row].trace;
}

base::Result<std::vector<std::uint32_t>> BlockColumns::RowsOfTrace(base::TraceId trace) {
  return block_.RowsOf(trace);
}

std::unique_ptr<SpanColumns> ColumnsOf(const Block& block) {
  return std::make_unique<BlockColumns>(block);
}

}  // namespace ronda::trace::segment
