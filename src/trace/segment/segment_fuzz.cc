#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/check.h"
#include "trace/segment/block.h"
#include "trace/segment/columns.h"
#include "trace/segment/segment_reader.h"
#include "trace/segment/segment_writer.h"
#include "wire/otlp/otlp_test_util.h"

namespace {

using namespace ronda::trace::segment;

class Bytes : public ReadableFile {
 public:
  explicit Bytes(std::string_view bytes) : bytes_(bytes) {}
  std::uint64_t size() const override { return bytes_.size(); }
  ronda::base::Status Read(std::uint64_t offset, std::uint64_t size,
                           std::string& out) const override {
    if (offset > bytes_.size() || size > bytes_.size() - offset) {
      return ronda::base::DataLoss("the file is too short");
    }
    out = bytes_.substr(offset, size);
    return ronda::base::Ok();
  }

 private:
  std::string_view bytes_;
};

}  // namespace

namespace {

// Reads every column; what the whole rows say, the columns say.
void CheckColumns(const SegmentReader& segment, const otlp::SpanBatch& spans) {
  const auto columns = ColumnsOf(segment);
  std::uint32_t row = 0;
  std::size_t attributes = 0;
  for (std::size_t page = 0; page < columns->pages(); ++page) {
    std::vector<std::uint32_t> rows;
    for (std::size_t i = 0; i < columns->attributes().size(); ++i) {
      (void)columns->AttributeZone(i, page);
      CHECK(columns->AttributeDictionary(i).ok());
      const auto cells = columns->AttributeCells(i, page);
      CHECK(cells.ok());
      CHECK(columns->RowsWith(i, page, rows).ok());
      CHECK(rows.size() == cells->size());
      attributes += rows.size();
    }
    const auto starts = columns->Fixed(Role::kStart, page);
    const auto names = columns->Fixed(Role::kName, page);
    const auto scopes = columns->Fixed(Role::kScope, page);
    CHECK(starts.ok() && names.ok() && scopes.ok());
    for (std::size_t i = 0; i < columns->RowsOf(page); ++i, ++row) {
      const otlp::Span& span = spans.spans[row];
      CHECK(starts->numbers[i] == span.start_ns);
      CHECK(names->TextAt(i) == span.name);
      const auto trace = columns->TraceOf(row);
      CHECK(!trace.ok() || *trace == span.trace);
    }
  }
  std::size_t expected = 0;
  for (const otlp::Span& span : spans.spans) expected += span.attributes.count;
  CHECK(attributes == expected);
  (void)columns->Scopes();
}

}  // namespace

// A segment of any bytes, checksums left out: it is refused, or what it says can be written and says
// the same again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto segment =
      SegmentReader::Open(std::make_unique<Bytes>(bytes), SegmentReader::Checksums::kIgnore);
  if (!segment.ok()) return 0;
  for (const TableLayout& table : (*segment)->directory().tables) {
    for (const std::uint32_t rows : table.page_rows) {
      if (rows > 10'000) return 0;  // right, and slow
    }
  }
  const auto rows = static_cast<std::uint32_t>((*segment)->info().rows);
  otlp::SpanBatch spans, again;
  if (rows == 0 || rows > 10'000 || !(*segment)->Read({0, rows}, spans).ok()) return 0;
  CHECK(spans.spans.size() == rows);
  CheckColumns(**segment, spans);
  (void)(*segment)->FindTrace(spans.spans[0].trace);
  otlp::SpanBatch part;
  const std::uint32_t count = 1 + rows / 16;
  CHECK((*segment)->Read({rows / 2, std::min(count, rows - rows / 2)}, part).ok());
  for (std::size_t i = 0; i < part.spans.size(); ++i) {
    const otlp::Span& one = part.spans[i];
    const otlp::Span& same = spans.spans[rows / 2 + i];
    CHECK(one.span == same.span && one.parent == same.parent && one.start_ns == same.start_ns &&
          one.name == same.name && one.events.count == same.events.count);
    const auto a = part.At(one.attributes), b = spans.At(same.attributes);
    CHECK(std::ranges::equal(a, b, [](const otlp::Attribute& x, const otlp::Attribute& y) {
      return x.key() == y.key() && x.value().type() == y.value().type();
    }));
  }
  Block block;
  block.Append(spans);
  const std::string written = SegmentWriter().Write(block, {}, 1);
  const auto same = SegmentReader::Open(std::make_unique<Bytes>(written));
  CHECK(same.ok());
  CHECK((*same)->Read({0, rows}, again).ok());
  CHECK(otlp::CanonicalSpans(again) == otlp::CanonicalSpans(spans));
  return 0;
}
