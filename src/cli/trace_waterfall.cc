#include "cli/trace_waterfall.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "cli/trace_client.h"
#include "engine/report/text.h"

namespace ronda::cli {
namespace {

using engine::report::Columns;
using engine::report::Cut;
using engine::report::PadLeft;
using engine::report::PadRight;
using engine::report::PlainText;
using Element = simdjson::dom::element;

constexpr std::size_t kDurationColumns = 8;
constexpr std::size_t kLeastBar = 10;
constexpr std::size_t kMostIndent = 20;

// One line of the drawing before its columns are known.
struct Line {
  std::string label;
  Element span;
  bool error = false;
};

std::string LabelOf(Element span) {
  const auto depth = static_cast<std::size_t>(NumberOf(span, "depth"));
  const bool callee = TextOf(span, "half") == "callee";
  std::string label(std::min(depth, kMostIndent), ' ');
  // A callee stands under its caller with the same path.
  label += callee ? "  => " : TextOf(span, "path") + " ";
  label += PlainText(TextOf(span, "service")) + " " + PlainText(TextOf(span, "name"));
  return label;
}

class Bars {
 public:
  Bars(Element trace, std::size_t columns)
      : total_(std::max<std::int64_t>(1, NumberOf(trace, "duration_ns"))), columns_(columns) {
    for (const Element piece : ListOf(trace, "critical_path")) {
      critical_[TextOf(piece, "span_id")].emplace_back(NumberOf(piece, "from_ns"),
                                                       NumberOf(piece, "to_ns"));
    }
  }

  [[nodiscard]] std::string Of(Element span, std::int64_t callee_from,
                               std::int64_t callee_to) const {
    const std::int64_t from = NumberOf(span, "offset_ns");
    const std::int64_t to = from + NumberOf(span, "duration_ns");
    const std::size_t first = std::min(At(from), columns_ - 1);
    const std::size_t last = std::max(first, At(std::max(from, to - 1)));
    const auto own = critical_.find(TextOf(span, "span_id"));
    std::string bar;
    for (std::size_t i = 0; i < columns_; ++i) {
      if (i < first || i > last) {
        bar += ' ';
        continue;
      }
      const bool gap = callee_to > callee_from && (i < At(callee_from) || i > At(callee_to - 1));
      const bool critical =
          own != critical_.end() && NumberOf(span, "critical_ns") > 0 &&
          std::ranges::any_of(own->second, [&](const auto& piece) {
            return i >= At(piece.first) && i <= At(std::max(piece.first, piece.second - 1));
          });
      bar += critical ? (gap ? "▒" : "█") : (gap ? "·" : "░");
    }
    return bar;
  }

 private:
  [[nodiscard]] std::size_t At(std::int64_t ns) const {
    const double share = static_cast<double>(ns) / static_cast<double>(total_);
    return static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * static_cast<double>(columns_));
  }

  std::int64_t total_;
  std::size_t columns_;
  std::map<std::string, std::vector<std::pair<std::int64_t, std::int64_t>>> critical_;
};

std::string NotesOf(Element trace, Color color) {
  std::string out;
  const auto note = [&](const std::string& text) {
    out += Paint(color, Tone::kYellow, "note: ") + text + "\n";
  };
  for (const Element skew : ListOf(trace, "skews")) {
    const std::int64_t shift = NumberOf(skew, "shift_ns");
    note(fmt::format("the clock of {} is {} {}: its {} spans were moved",
                     PlainText(TextOf(skew, "service")), ShortDuration(std::abs(shift)),
                     shift < 0 ? "ahead" : "behind", NumberOf(skew, "spans")));
  }
  if (const auto n = NumberOf(trace, "missing_parents"); n > 0) {
    note(fmt::format("{} spans name a parent that is not there", n));
  }
  if (const auto n = NumberOf(trace, "duplicates"); n > 0) {
    note(fmt::format("{} spans came more than once and are drawn once", n));
  }
  if (const auto n = NumberOf(trace, "cycles"); n > 0) {
    note(fmt::format("{} spans are their own ancestors; drawn as roots", n));
  }
  for (const Element notice : ListOf(trace, "notices")) {
    note(PlainText(std::string(notice.get_string().value_unsafe())));
  }
  return out;
}

}  // namespace

std::string Waterfall(Element trace, std::size_t columns, Color color) {
  std::vector<Line> lines;
  std::size_t widest = 0;
  for (const Element span : ListOf(trace, "spans")) {
    Line line{.label = LabelOf(span), .span = span};
    line.error = TextOf(span, "status") == "error";
    widest = std::max(widest, Columns(line.label));
    lines.push_back(std::move(line));
  }
  const std::size_t fixed = kDurationColumns + 4;
  const std::size_t room = columns > fixed + kLeastBar ? columns - fixed - kLeastBar : kLeastBar;
  const std::size_t label_columns = std::min({widest, room, std::max(columns / 2, kLeastBar)});
  const std::size_t bar_columns =
      columns > fixed + label_columns + kLeastBar ? columns - fixed - label_columns : kLeastBar;

  std::string out = fmt::format(
      "trace {}  {}  {}  {} spans  {} errors\n", TextOf(trace, "trace_id"),
      TimeText(std::strtoull(TextOf(trace, "start_unix_ns").c_str(), nullptr, 10)),
      ShortDuration(NumberOf(trace, "duration_ns")), lines.size(), NumberOf(trace, "errors"));
  const Bars bars(trace, bar_columns);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const Line& line = lines[i];
    std::int64_t from = 0, to = 0;
    const bool caller = TextOf(line.span, "half") == "caller";
    if (caller && i + 1 < lines.size()) {
      from = NumberOf(lines[i + 1].span, "offset_ns");
      to = from + NumberOf(lines[i + 1].span, "duration_ns");
    }
    const std::string label = PadRight(Cut(line.label, label_columns), label_columns);
    const std::string duration =
        PadLeft(ShortDuration(NumberOf(line.span, "duration_ns")), kDurationColumns);
    const Tone tone = line.error                               ? Tone::kRed
                      : NumberOf(line.span, "critical_ns") > 0 ? Tone::kCyan
                                                               : Tone::kDim;
    out += (line.error ? Paint(color, Tone::kRed, "!") : " ") + label + duration + "  " +
           Paint(color, tone, bars.Of(line.span, from, to));
    while (out.ends_with(' ')) out.pop_back();
    out += '\n';
    if (line.error && !TextOf(line.span, "status_message").empty()) {
      out += "   " +
             Paint(color, Tone::kRed,
                   Cut(PlainText(TextOf(line.span, "status_message")),
                       columns > 3 ? columns - 3 : columns)) +
             "\n";
    }
    if (caller) {
      out += "   " +
             Paint(color, Tone::kDim,
                   fmt::format("network: {} there, {} back",
                               ShortDuration(NumberOf(line.span, "request_gap_ns")),
                               ShortDuration(NumberOf(line.span, "response_gap_ns")))) +
             "\n";
    }
  }
  out += "█ critical path  ░ beside it  · network  ! error\n";
  return out + NotesOf(trace, color);
}

}  // namespace ronda::cli
