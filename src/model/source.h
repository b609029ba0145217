#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/status.h"
#include "base/text.h"

namespace ronda::model {

// A text that definitions were read from; shared by all that point into it.
struct Source {
  std::string name;  // the file as the user named it
  std::string text;
};

// A place in a source, both from 1; line 0 means "the whole file".
struct Location {
  std::shared_ptr<const Source> source;
  int line = 0;
  int column = 0;
};

enum class Severity { kError, kWarning };

// Something wrong with a definition: what, where, and what to do.
struct Diagnostic {
  Severity severity = Severity::kError;
  Location where;
  int length = 1;        // characters to underline
  std::string message;
  std::string hint;      // "did you mean \"token\"?"; may be empty
};

// All that was found; loading goes on after an error so that a user sees every one at once.
class Diagnostics {
 public:
  void Error(Location where, std::string message, std::string hint = {}, int length = 1);
  void Warning(Location where, std::string message, std::string hint = {}, int length = 1);

  [[nodiscard]] bool has_errors() const { return errors_ > 0; }
  [[nodiscard]] int error_count() const { return errors_; }
  [[nodiscard]] const std::vector<Diagnostic>& all() const { return all_; }
  // For people: "buy.yaml:7:13: error: unknown name \"lgoin\"", the line, a caret, the hint.
  [[nodiscard]] std::string Render() const;
  // InvalidArgument with Render(), or ok.
  [[nodiscard]] base::Status ToStatus() const;

 private:
  std::vector<Diagnostic> all_;
  int errors_ = 0;
};

using base::Nearest;

}  // namespace ronda::model
