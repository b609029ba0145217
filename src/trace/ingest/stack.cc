#include "trace/ingest/stack.h"

#include "disk/compression.h"

namespace ronda::trace::ingest {
namespace {

constexpr int kMostFrames = 64;
constexpr std::string_view kSpace = " \t\r";

std::string_view Trim(std::string_view line) {
  const std::size_t begin = line.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return line.substr(begin, line.find_last_not_of(kSpace) + 1 - begin);
}

std::string_view NextLine(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = Trim(text.substr(0, end));
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return line;
}

bool IsPython(std::string_view line) { return line.starts_with("File \""); }

bool IsFrame(std::string_view line) {
  return line.starts_with("at ") || IsPython(line) || line.find(".go:") != std::string_view::npos;
}

bool IsHex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

// The line without line numbers, addresses and the numbers of generated classes.
void AppendSteady(std::string_view line, std::string& out) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '0' && i + 1 < line.size() && line[i + 1] == 'x') {
      for (i += 2; i < line.size() && IsHex(line[i]); ++i) {
      }
      --i;
    } else if (line[i] < '0' || line[i] > '9') {
      out += line[i];
    }
  }
}

template <typename Take>
Stack Read(std::string_view text, const Take& take) {
  Stack stack;
  std::string steady;
  for (int frames = 0; !text.empty() && frames < kMostFrames;) {
    const std::string_view line = NextLine(text);
    if (line.empty() || !take(line)) continue;
    ++frames;
    steady.clear();
    AppendSteady(line, steady);
    // Python names the innermost frame last.
    if (stack.innermost.empty() || IsPython(line)) stack.innermost = steady;
    stack.fingerprint = disk::Hash(steady, stack.fingerprint);
  }
  return stack;
}

}  // namespace

Stack ReadStack(std::string_view stacktrace) {
  Stack stack = Read(stacktrace, IsFrame);
  if (!stack.innermost.empty()) return stack;
  (void)NextLine(stacktrace);
  return Read(stacktrace, [](std::string_view) { return true; });
}

}  // namespace ronda::trace::ingest
