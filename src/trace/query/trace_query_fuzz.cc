#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

#include "base/core/check.h"
#include "trace/query/query_text.h"
#include "trace/query/span_filter.h"
#include "wire/otlp/otlp_test_util.h"

namespace {

using namespace ronda::trace;

// Spans that queries of the corpus are about, once as a block.
const segment::Block& Spans() {
  static const segment::Block* const block = [] {
    auto* made = new segment::Block;
    ronda::wire::otlp::SpanBatch batch;
    ronda::wire::otlp::BatchMaker(1).Make(50, batch);
    made->Append(batch);
    return made;
  }();
  return *block;
}

}  // namespace

// Any text: an error that lies within it and can be shown, or a condition that can be asked.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = query::ParseQuery(text);
  if (const auto* error = std::get_if<query::QueryError>(&parsed)) {
    CHECK(error->column >= 1 && error->column <= size + 1 && !error->message.empty());
    CHECK(!query::Render(*error, text).empty());
    return 0;
  }
  const auto columns = segment::ColumnsOf(Spans());
  query::Flags flags;
  query::SpanFilter filter(std::get<query::Condition>(parsed), *columns);
  CHECK(filter.Page(0, flags).ok() && flags.size() == columns->RowsOf(0));
  return 0;
}
