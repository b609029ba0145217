#pragma once

#include <map>
#include <vector>

#include "base/core/status.h"
#include "trace/query/condition.h"
#include "trace/segment/columns.h"

namespace ronda::trace::query {

// A flag for each row of a page.
using Flags = std::vector<std::uint8_t>;

// Which rows of some columns meet a condition: dictionaries are judged once, pages are read only where
// their zones allow a match, and of them only the columns that the condition names. Borrows both.
// Owned by one thread.
class SpanFilter {
 public:
  SpanFilter(const Condition& condition, segment::SpanColumns& columns)
      : condition_(condition), columns_(columns) {}

  // Replaces `flags`. DataLoss when what was read is damaged.
  [[nodiscard]] base::Status Page(std::size_t page, Flags& flags);

 private:
  // What is known of a text column once its dictionary was judged.
  struct Verdicts {
    bool judged = false;  // there is a dictionary
    std::vector<std::uint8_t> by_number;
    std::uint64_t first = 1, last = 0;  // numbers that match lie between; none: first > last
  };
  // What a test means in these columns.
  struct Prepared {
    bool ready = false;
    std::vector<std::uint8_t> scopes;  // by number: whether the resource matches
    bool any_scope = false;
    Verdicts texts;  // of a fixed text
    std::vector<std::size_t> columns;  // of the attribute's key, and those of overflow
    std::vector<Verdicts> attributes;  // the same
  };

  base::Status Run(const Condition& node, std::size_t page, Flags& flags);
  base::Status RunTest(const Test& test, std::size_t page, Flags& flags);
  base::Status Prepare(const Test& test, Prepared& prepared);
  base::Status RunNumber(const Test& test, std::size_t page, Flags& flags);
  base::Status RunText(const Test& test, const Prepared& prepared, std::size_t page, Flags& flags);
  base::Status RunResource(const Prepared& prepared, std::size_t page, Flags& flags);
  base::Status RunAttribute(const Test& test, std::size_t column, const Verdicts& verdicts,
                            std::size_t page, Flags& flags);
  base::Status MatchCells(const Test& test, std::size_t column, const Verdicts& verdicts,
                          const segment::Cells& cells, Flags& matches);
  static void Judge(const Test& test, const segment::TextList& dictionary, Verdicts& verdicts);

  const Condition& condition_;
  segment::SpanColumns& columns_;
  std::map<const Test*, Prepared> prepared_;
  Flags matches_;  // scratch: of a column's cells
  std::vector<std::uint32_t> rows_;  // scratch
};

}  // namespace ronda::trace::query
