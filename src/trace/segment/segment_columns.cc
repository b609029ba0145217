#include <algorithm>
#include <map>
#include <numeric>

#include "trace/segment/columns.h"
#include "trace/segment/page_reader.h"
#include "trace/segment/table.h"
#include "trace/segment/trace_index.h"

namespace ronda::trace::segment {
namespace {

TextList ListOf(const Texts& texts) { return {texts.bytes, texts.begins}; }

class SegmentColumns : public SpanColumns {
 public:
  explicit SegmentColumns(const SegmentReader& segment)
      : segment_(segment), table_(segment.directory().tables[0]), reader_(segment) {
    for (const Column& column : table_.columns) {
      if (!IsAttribute(column)) {
        fixed_.emplace(column.role, &column);
        continue;
      }
      attribute_columns_.push_back(&column);
      attributes_.push_back({column.key, column.type, column.role == Role::kOverflow});
    }
  }

  std::size_t pages() const override { return table_.page_rows.size(); }
  std::uint32_t RowsOf(std::size_t page) const override { return table_.page_rows[page]; }

  base::Result<Cells> Fixed(Role role, std::size_t page) override {
    const auto found = fixed_.find(role);
    if (found == fixed_.end()) return Damaged("a column is missing");
    const Column& column = *found->second;
    const bool text = role == Role::kName || role == Role::kStatusMessage;
    if (HasTexts(column) != text) return Damaged("a column of the wrong encoding");
    if (column.pages[page].count != RowsOf(page)) {
      return Damaged("a column is too short or too long");
    }
    return Read(column, page);
  }

  Zone ZoneOf(Role role, std::size_t page) override {
    const auto found = fixed_.find(role);
    return found == fixed_.end() ? Zone() : PageZone(*found->second, page);
  }

  base::Result<std::optional<TextList>> DictionaryOf(Role role) override {
    const auto found = fixed_.find(role);
    if (found == fixed_.end()) return Damaged("a column is missing");
    return DictionaryOfColumn(*found->second);
  }

  std::span<const Attribute> attributes() const override { return attributes_; }

  base::Result<Cells> AttributeCells(std::size_t index, std::size_t page) override {
    const Column& column = *attribute_columns_[index];
    RETURN_IF_ERROR(LoadShapes(page));
    if (column.pages[page].count != (index < cell_counts_.size() ? cell_counts_[index] : 0)) {
      return Damaged("an attribute column is too short or too long");
    }
    if (HasTexts(column) != (attributes_[index].overflow || otlp::Value::IsBytes(column.type))) {
      return Damaged("an attribute column of the wrong encoding");
    }
    return Read(column, page);
  }

  std::optional<Zone> AttributeZone(std::size_t index, std::size_t page) override {
    const Column& column = *attribute_columns_[index];
    if (column.pages[page].count == 0) return std::nullopt;
    return PageZone(column, page);
  }

  base::Result<std::optional<TextList>> AttributeDictionary(std::size_t index) override {
    return DictionaryOfColumn(*attribute_columns_[index]);
  }

  base::Result<bool> MayHaveText(std::size_t index, std::string_view text) override {
    const Column& column = *attribute_columns_[index];
    if (column.encoding != Encoding::kTexts) return true;
    const auto [bloom, made] = blooms_.try_emplace(index);
    if (made) RETURN_IF_ERROR(reader_.ReadPiece(column.bloom, bloom->second));
    return bloom->second.empty() || Bloom::MayHave(bloom->second, Hash(text));
  }

  base::Status RowsWith(std::size_t index, std::size_t page,
                        std::vector<std::uint32_t>& rows) override {
    RETURN_IF_ERROR(LoadShapes(page));
    std::vector<std::uint32_t> times(shapes_->size());  // of the column in each shape
    for (std::size_t i = 0; i < times.size(); ++i) {
      times[i] = static_cast<std::uint32_t>(std::ranges::count((*shapes_)[i], index));
    }
    rows.clear();
    for (std::uint32_t row = 0; row < shape_of_rows_.size(); ++row) {
      for (std::uint32_t k = times[shape_of_rows_[row]]; k > 0; --k) rows.push_back(row);
    }
    return base::Ok();
  }

  base::Result<const otlp::SpanBatch*> Scopes() override {
    if (scopes_) return &*scopes_;
    ASSIGN_OR_RETURN(const Texts* scopes, reader_.Dictionary(segment_.directory().scopes));
    ASSIGN_OR_RETURN(const Texts* resources, reader_.Dictionary(segment_.directory().resources));
    otlp::SpanBatch& batch = scopes_.emplace();
    ScopeReader reader(batch);
    for (std::uint32_t number = 0; number < scopes->size(); ++number) {
      std::uint32_t index = 0;
      if (!reader.Index(
              number,
              [&](std::uint64_t i, std::string_view& text) {
                if (i >= resources->size()) return false;
                text = resources->At(i);
                return true;
              },
              [&](std::uint32_t i) { return scopes->At(i); }, index)) {
        scopes_.reset();
        return Damaged("a scope or resource");
      }
    }
    return &batch;
  }

  base::Result<base::TraceId> TraceOf(std::uint32_t row) override {
    if (!traces_.loaded()) RETURN_IF_ERROR(traces_.Load(segment_, reader_));
    return traces_.IdAt(traces_.NumberOf(row));
  }

  base::Result<std::vector<std::uint32_t>> RowsOfTrace(base::TraceId trace) override {
    std::vector<std::uint32_t> rows;
    if (!segment_.MayHave(trace)) return rows;
    if (!traces_.loaded()) RETURN_IF_ERROR(traces_.Load(segment_, reader_));
    const std::optional<RowRange> range = traces_.Find(trace);
    rows.resize(range ? range->count : 0);
    if (range) std::iota(rows.begin(), rows.end(), range->begin);
    return rows;
  }

 private:
  struct Kept {
    std::size_t page = 0;
    PageColumn values;
  };

  base::Result<Cells> Read(const Column& column, std::size_t page) {
    const auto [kept, made] = kept_.try_emplace(&column);
    PageColumn& values = kept->second.values;
    if (made || kept->second.page != page) {
      values = {};
      const base::Status status = reader_.ReadColumn(column, page, values);
      if (!status.ok()) {
        kept_.erase(kept);
        return status;
      }
      kept->second.page = page;
    }
    if (column.encoding == Encoding::kTexts) {
      return Cells{.form = Cells::Form::kTexts, .texts = ListOf(values.texts)};
    }
    if (column.encoding == Encoding::kDictionary) {
      return Cells{.form = Cells::Form::kCoded,
                   .numbers = values.numbers,
                   .texts = ListOf(*values.dictionary)};
    }
    return Cells{.numbers = values.numbers};
  }

  base::Result<std::optional<TextList>> DictionaryOfColumn(const Column& column) {
    if (column.encoding != Encoding::kDictionary) return std::optional<TextList>();
    ASSIGN_OR_RETURN(const Texts* texts, reader_.Dictionary(column.dictionary));
    return std::optional(ListOf(*texts));
  }

  static Zone PageZone(const Column& column, std::size_t page) {
    if (column.encoding == Encoding::kRaw || column.encoding == Encoding::kTexts) return {};
    return {column.pages[page].min, column.pages[page].max};
  }

  base::Status LoadShapes(std::size_t page) {
    if (shapes_ != nullptr && shapes_page_ == page) return base::Ok();
    ASSIGN_OR_RETURN(shapes_, reader_.ShapesOf(Table::kSpans, attributes_.size()));
    ASSIGN_OR_RETURN(const Cells cells, Fixed(Role::kShape, page));
    shape_of_rows_.assign(cells.numbers.begin(), cells.numbers.end());
    const base::Status status = PageReader::CountCells(*shapes_, shape_of_rows_, cell_counts_);
    if (!status.ok()) shapes_ = nullptr;
    shapes_page_ = page;
    return status;
  }

  const SegmentReader& segment_;
  const TableLayout& table_;
  PageReader reader_;
  std::map<Role, const Column*> fixed_;
  std::vector<const Column*> attribute_columns_;
  std::vector<Attribute> attributes_;
  std::map<const Column*, Kept> kept_;
  std::map<std::size_t, std::string> blooms_;
  const Shapes* shapes_ = nullptr;
  std::size_t shapes_page_ = 0;
  Values shape_of_rows_;
  std::vector<std::uint64_t> cell_counts_;
  std::optional<otlp::SpanBatch> scopes_;
  TraceIndex traces_;
};

}  // namespace

std::unique_ptr<SpanColumns> ColumnsOf(const SegmentReader& segment) {
  return std::make_unique<SegmentColumns>(segment);
}

}  // namespace ronda::trace::segment
