#include "trace/segment/table.h"

#include <utility>

#include "base/core/check.h"
#include "wire/otlp/decode.h"
#include "wire/otlp/encode.h"

namespace ronda::trace::segment {

using otlp::Attribute;
using otlp::Value;
using otlp::ValueType;

void TextColumn::Add(std::string_view text) {
  if (plain_) {
    texts_ += text;
    ends_.push_back(texts_.size());
    return;
  }
  numbers_.push_back(dictionary_.Add(text));
  if (numbers_.size() == kJudgedAt && dictionary_.size() > kJudgedAt * kDistinctPercent / 100) {
    GiveUpDictionary();
  }
}

void TextColumn::GiveUpDictionary() {
  for (const std::uint32_t number : numbers_) {
    texts_ += dictionary_.At(number);
    ends_.push_back(texts_.size());
  }
  plain_ = true;
  numbers_.clear();
  dictionary_.Clear();
}

void TextColumn::Pop() {
  if (plain_) {
    ends_.pop_back();
    texts_.resize(ends_.back());
  } else {
    numbers_.pop_back();
  }
}

void TextColumn::Clear() {
  plain_ = false;
  dictionary_.Clear();
  numbers_.clear();
  texts_.clear();
  ends_.assign(1, 0);
}

std::uint64_t OrderedOf(ValueType type, std::int64_t bits) {
  const auto raw = static_cast<std::uint64_t>(bits);
  constexpr std::uint64_t kSign = std::uint64_t{1} << 63;
  if (type == ValueType::kInt) return raw ^ kSign;
  if (type == ValueType::kDouble) return (raw & kSign) != 0 ? ~raw : raw | kSign;
  return raw;
}

std::int64_t BitsOf(ValueType type, std::uint64_t ordered) {
  constexpr std::uint64_t kSign = std::uint64_t{1} << 63;
  if (type == ValueType::kInt) ordered ^= kSign;
  if (type == ValueType::kDouble) ordered = (ordered & kSign) != 0 ? ordered ^ kSign : ~ordered;
  return static_cast<std::int64_t>(ordered);
}

std::uint32_t AttributeTable::NewColumn(std::string_view key, ValueType type) {
  AttributeColumn& column = columns_.emplace_back();
  column.key = key;
  column.type = type;
  return static_cast<std::uint32_t>(columns_.size() - 1);
}

std::uint32_t AttributeTable::ColumnOf(const Attribute& attribute, std::uint32_t guess) {
  const ValueType type = attribute.value().type();
  if (guess < columns_.size() && columns_[guess].type == type &&
      columns_[guess].key == attribute.key() && !columns_[guess].overflow) [[likely]] {
    return guess;
  }
  key_.assign(attribute.key());
  key_ += static_cast<char>(type);
  const auto found = column_numbers_.find(key_);
  if (found != column_numbers_.end()) return found->second;
  if (columns_.size() < kMostColumns) {
    const std::uint32_t made = NewColumn(attribute.key(), type);
    column_numbers_.emplace(key_, made);
    return made;
  }
  if (overflow_ > kMostColumns) {
    overflow_ = NewColumn("", ValueType::kKvlist);
    columns_[overflow_].overflow = true;
  }
  return overflow_;
}

std::uint32_t AttributeTable::NumberOfShape(const std::vector<std::uint32_t>& shape) {
  key_.assign(reinterpret_cast<const char*>(shape.data()), shape.size() * sizeof(std::uint32_t));
  const auto [found, made] =
      shape_numbers_.try_emplace(key_, static_cast<std::uint32_t>(shapes_.size()));
  if (made) shapes_.push_back(shape);
  return found->second;
}

void AttributeTable::Add(std::span<const Attribute> attributes, std::uint64_t hint) {
  hint = (hint * 0x100 + attributes.size() + 1) * 0x9e3779b97f4a7c15u;
  Guess& guess = guesses_[hint >> 52];
  const std::vector<std::uint32_t>* likely =
      guess.hint == hint && guess.shape < shapes_.size() ? &shapes_[guess.shape] : nullptr;
  bool same = likely != nullptr && likely->size() == attributes.size();
  cell_begin_.push_back(static_cast<std::uint32_t>(cells_.size()));
  made_.clear();
  for (std::size_t i = 0; i < attributes.size(); ++i) {
    const Attribute& attribute = attributes[i];
    const std::uint32_t guessed = likely != nullptr && i < likely->size() ? (*likely)[i] : ~0u;
    const std::uint32_t number = ColumnOf(attribute, guessed);
    same = same && number == guessed;
    made_.push_back(number);
    AttributeColumn& column = columns_[number];
    cells_.push_back(column.size());
    if (column.overflow) {
      std::string cell;
      EncodeElements(ValueType::kKvlist, {&attribute, 1}, cell);
      column.texts.Add(cell);
    } else if (column.has_texts()) {
      column.texts.Add(attribute.value().bytes());
    } else {
      column.numbers.push_back(OrderedOf(column.type, attribute.value().bits()));
    }
  }
  if (!same) guess = {hint, NumberOfShape(made_)};
  shape_.push_back(guess.shape);
}

void AttributeTable::Pop() {
  for (const std::uint32_t number : shapes_[shape_.back()]) {
    AttributeColumn& column = columns_[number];
    if (column.has_texts()) {
      column.texts.Pop();
    } else {
      column.numbers.pop_back();
    }
  }
  cells_.resize(cell_begin_.back());
  cell_begin_.pop_back();
  shape_.pop_back();
}

bool ReadOverflow(std::string_view cell, otlp::BatchParts& out) {
  const std::size_t before = out.attributes.size();
  if (ReadElements(ValueType::kKvlist, cell, out.attributes) &&
      out.attributes.size() == before + 1) {
    return true;
  }
  out.attributes.resize(before);
  return false;
}

otlp::Range AttributeTable::Read(std::uint32_t row, otlp::BatchParts& out) const {
  const std::uint32_t* cell = CellsOf(row);
  otlp::Range range{static_cast<std::uint32_t>(out.attributes.size()), 0};
  for (const std::uint32_t number : shapes_[shape_[row]]) {
    const AttributeColumn& column = columns_[number];
    const std::uint32_t position = *cell++;
    ++range.count;
    if (column.overflow) {
      CHECK(ReadOverflow(out.arena.Copy(column.texts.At(position)), out));
      continue;
    }
    const Value value =
        column.has_texts()
            ? Value::OfBytes(column.type, out.arena.Copy(column.texts.At(position)))
            : Value::OfBits(column.type, BitsOf(column.type, column.numbers[position]));
    out.attributes.emplace_back(out.arena.Copy(column.key), value);
  }
  return range;
}

std::size_t AttributeTable::bytes() const {
  std::size_t sum = 4 * (shape_.size() + cell_begin_.size() + cells_.size());
  for (const AttributeColumn& column : columns_) {
    sum += column.texts.bytes() + 8 * column.numbers.size() + sizeof column;
  }
  return sum;
}

void AttributeTable::Clear() {
  constexpr std::size_t kKeptColumns = 512;
  if (columns_.size() > kKeptColumns) {
    columns_.clear();
    column_numbers_.clear();
    overflow_ = kMostColumns + 1;
  }
  for (AttributeColumn& column : columns_) {
    column.texts.Clear();
    column.numbers.clear();
  }
  shapes_.clear();
  shape_numbers_.clear();
  shape_.clear();
  cell_begin_.clear();
  cells_.clear();
  guesses_.assign(guesses_.size(), {});
}

}  // namespace ronda::trace::segment
