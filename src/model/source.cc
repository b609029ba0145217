#include "model/source.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "model/text_width.h"

namespace ronda::model {
namespace {

constexpr std::size_t kMostShown = 100;
constexpr std::size_t kLongestLine = 160;  // columns of a source line that are shown

std::string_view LineOf(std::string_view text, int line) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  for (int i = 1; i < line; ++i) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  text = text.substr(0, text.find('\n'));
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

// Appends the line and a caret under `column`. Tabs stay tabs in both lines, so that the caret stands
// right whatever their width; wide characters count as two.
void AppendCaret(std::string_view line, int column, int length, std::string& out) {
  std::string shown, below;
  std::size_t at = 0;
  const std::size_t first = column > 100 ? static_cast<std::size_t>(column - 100) : 0;
  std::size_t index = 0;  // of the character, from 0
  bool marked = false;
  for (; at < line.size() && index < first + kLongestLine; ++index) {
    const Utf8Char c = DecodeUtf8(line.substr(at));
    const std::string_view bytes = line.substr(at, c.length);
    at += c.length;
    if (index < first) continue;
    // What a terminal would act on, or could not show, stays out of it.
    const bool control = c.code < 0x20 || (c.code >= 0x7f && c.code < 0xa0) || !c.valid;
    shown += control && c.code != '\t' ? std::string_view("?") : bytes;
    const auto position = static_cast<int>(index) + 1;
    if (position < column) {
      below += c.code == '\t' ? "\t" : std::string(static_cast<std::size_t>(c.width), ' ');
    } else if (position < column + length) {
      below += std::string(static_cast<std::size_t>(c.width), marked ? '~' : '^');
      if (!marked && c.width > 1) below.back() = '~';
      marked = true;
    }
  }
  if (!marked) below += '^';
  (out += "  ") += shown;
  (out += "\n  ") += below;
  out += '\n';
}

void AppendDiagnostic(const Diagnostic& d, std::string& out) {
  if (d.where.source != nullptr) {
    out += d.where.source->name;
    if (d.where.line > 0) {
      (out += ':') += std::to_string(d.where.line);
      (out += ':') += std::to_string(d.where.column);
    }
    out += ": ";
  }
  out += d.severity == Severity::kError ? "error: " : "warning: ";
  (out += d.message) += '\n';
  if (d.where.source != nullptr && d.where.line > 0) {
    AppendCaret(LineOf(d.where.source->text, d.where.line), d.where.column, d.length, out);
  }
  if (!d.hint.empty()) ((out += "  ") += d.hint) += '\n';
}

}  // namespace

void Diagnostics::Error(Location where, std::string message, std::string hint, int length) {
  ++errors_;
  all_.push_back({Severity::kError, std::move(where), length, std::move(message), std::move(hint)});
}

void Diagnostics::Warning(Location where, std::string message, std::string hint, int length) {
  all_.push_back(
      {Severity::kWarning, std::move(where), length, std::move(message), std::move(hint)});
}

std::string Diagnostics::Render() const {
  std::map<const Source*, std::size_t> sources;  // in the order in which they were read
  std::vector<const Diagnostic*> sorted;
  for (const Diagnostic& diagnostic : all_) {
    sources.emplace(diagnostic.where.source.get(), sources.size());
    sorted.push_back(&diagnostic);
  }
  std::ranges::sort(sorted, {}, [&sources](const Diagnostic* d) {
    return std::tuple(sources[d->where.source.get()], d->where.line, d->where.column, d);
  });
  std::string out;
  for (std::size_t i = 0; i < std::min(sorted.size(), kMostShown); ++i) {
    AppendDiagnostic(*sorted[i], out);
  }
  if (all_.size() > kMostShown) {
    out += "and " + std::to_string(all_.size() - kMostShown) + " more\n";
  }
  return out;
}

base::Status Diagnostics::ToStatus() const {
  return has_errors() ? base::InvalidArgument(Render()) : base::Ok();
}

}  // namespace ronda::model
