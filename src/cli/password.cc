#include "cli/password.h"

#include <termios.h>
#include <unistd.h>

#include <ostream>

namespace ronda::cli {
namespace {

// Whatever is typed is not shown meanwhile.
class Hidden {
 public:
  Hidden() : is_terminal_(tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (!is_terminal_) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  }
  ~Hidden() {
    if (is_terminal_) tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  Hidden(const Hidden&) = delete;
  Hidden& operator=(const Hidden&) = delete;
  [[nodiscard]] bool is_terminal() const { return is_terminal_; }

 private:
  termios before_{};
  bool is_terminal_;
};

}  // namespace

base::Result<std::string> ReadPassword(std::string_view what, const Context& context) {
  constexpr std::size_t kLongest = 500;
  const Hidden hidden;
  if (hidden.is_terminal()) context.err << what << ": " << std::flush;
  std::string line;
  char c = 0;
  // Byte by byte: the line after belongs to the next question.
  while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n' && line.size() < kLongest) line += c;
  if (hidden.is_terminal()) context.err << '\n';
  if (line.ends_with('\r')) line.pop_back();
  if (!line.empty()) return line;
  return base::FailedPrecondition(std::string(what) + ": none came on standard input");
}

}  // namespace ronda::cli
