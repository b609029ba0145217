#include "cli/terminal.h"

#include <sys/ioctl.h>

namespace ronda::cli {
namespace {

std::string_view CodeOf(Tone tone) {
  switch (tone) {
    case Tone::kBold: return "1";
    case Tone::kDim: return "2";
    case Tone::kRed: return "31";
    case Tone::kGreen: return "32";
    case Tone::kYellow: return "33";
    case Tone::kCyan: return "36";
  }
  return "0";
}

}  // namespace

TerminalSize SizeOf(int fd) {
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_col, size.ws_row};
}

Color ColorFor(std::string_view choice, StreamKind stream,
               const std::function<const char*(const char*)>& getenv) {
  if (choice == "always") return Color::kOn;
  if (choice == "never" || stream != StreamKind::kTerminal) return Color::kOff;
  const char* no_color = getenv("NO_COLOR");
  if (no_color != nullptr && *no_color != '\0') return Color::kOff;
  const char* term = getenv("TERM");
  return term == nullptr || std::string_view(term) == "dumb" ? Color::kOff : Color::kOn;
}

std::string Paint(Color color, Tone tone, std::string_view text) {
  if (color == Color::kOff) return std::string(text);
  std::string painted = "\x1b[";
  painted += CodeOf(tone);
  painted += 'm';
  painted += text;
  painted += "\x1b[0m";
  return painted;
}

}  // namespace ronda::cli
