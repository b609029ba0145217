#include "cli/text_diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace ronda::cli {
namespace {

constexpr std::size_t kContext = 3;
// Past it the whole is shown as replaced: the table below has the product of both numbers of lines.
constexpr std::size_t kMostCells = 16'000'000;

std::vector<std::string_view> LinesOf(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

struct Edit {
  char mark;  // ' ', '-', '+'
  std::string_view line;
};

// The longest common subsequence, by dynamic programming from the end.
std::vector<Edit> EditsOf(const std::vector<std::string_view>& a,
                          const std::vector<std::string_view>& b) {
  std::vector<Edit> edits;
  if ((a.size() + 1) * (b.size() + 1) > kMostCells) {
    for (const auto line : a) edits.push_back({'-', line});
    for (const auto line : b) edits.push_back({'+', line});
    return edits;
  }
  const std::size_t width = b.size() + 1;
  std::vector<std::uint32_t> common((a.size() + 1) * width, 0);
  for (std::size_t i = a.size(); i-- > 0;) {
    for (std::size_t j = b.size(); j-- > 0;) {
      common[i * width + j] =
          a[i] == b[j] ? common[(i + 1) * width + j + 1] + 1
                       : std::max(common[(i + 1) * width + j], common[i * width + j + 1]);
    }
  }
  std::size_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    if (i < a.size() && j < b.size() && a[i] == b[j]) {
      edits.push_back({' ', a[i]});
      ++i, ++j;
    } else if (j == b.size() ||
               (i < a.size() && common[(i + 1) * width + j] >= common[i * width + j + 1])) {
      edits.push_back({'-', a[i++]});
    } else {
      edits.push_back({'+', b[j++]});
    }
  }
  return edits;
}

}  // namespace

std::string UnifiedDiff(std::string_view before, std::string_view after) {
  const std::vector<Edit> edits = EditsOf(LinesOf(before), LinesOf(after));
  std::string out;
  std::size_t shown = 0, old_line = 1, new_line = 1, counted = 0;
  const auto count_to = [&](std::size_t to) {
    for (; counted < to; ++counted) {
      old_line += edits[counted].mark != '+';
      new_line += edits[counted].mark != '-';
    }
  };
  for (std::size_t at = 0; at < edits.size(); ++at) {
    if (edits[at].mark == ' ') continue;
    const std::size_t from = std::max(shown, at > kContext ? at - kContext : 0);
    // As far as changes follow one another closely.
    std::size_t last = at;
    for (std::size_t i = at; i < edits.size() && i <= last + 2 * kContext; ++i) {
      if (edits[i].mark != ' ') last = i;
    }
    const std::size_t to = std::min(edits.size(), last + kContext + 1);
    count_to(from);
    std::size_t old_count = 0, new_count = 0;
    for (std::size_t i = from; i < to; ++i) {
      old_count += edits[i].mark != '+';
      new_count += edits[i].mark != '-';
    }
    out += fmt::format("@@ -{},{} +{},{} @@\n", old_line, old_count, new_line, new_count);
    for (std::size_t i = from; i < to; ++i) ((out += edits[i].mark) += edits[i].line) += '\n';
    shown = to;
    at = to - 1;
  }
  return out;
}

}  // namespace ronda::cli
