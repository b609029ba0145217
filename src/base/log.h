#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace ronda::base {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// Where progress and trouble go: standard error, one line a message, "level: text" (data goes to
// standard output and never through here). Thread-safe. Made in main, handed down by reference.
// spdlog stands behind it: formatting and sinks are not ours to write.
class Log {
 public:
  explicit Log(LogLevel least);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // Messages below `least` are dropped from now on.
  void SetLevel(LogLevel least);
  void Write(LogLevel level, std::string_view text);
  void Debug(std::string_view text) { Write(LogLevel::kDebug, text); }
  void Info(std::string_view text) { Write(LogLevel::kInfo, text); }
  void Warning(std::string_view text) { Write(LogLevel::kWarning, text); }
  void Error(std::string_view text) { Write(LogLevel::kError, text); }

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ronda::base
