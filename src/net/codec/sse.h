#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/core/status.h"

namespace ronda::net {

// One event of a text/event-stream. BORROWED: valid during the callback.
struct SseEvent {
  std::string_view type;   // "message" unless the stream said otherwise
  std::string_view data;   // lines joined by LF
  std::string_view id;     // the last id seen, also one of an earlier event
};

class SseHandler {
 public:
  virtual ~SseHandler() = default;
  virtual void OnEvent(const SseEvent& event) = 0;
};

// Parses an event stream (WHATWG HTML, 9.2.6) in any split: CR, LF or CRLF, a leading BOM,
// comments. Bytes that are not UTF-8 pass as they are. Owned by one thread; reuses its memory.
class SseParser {
 public:
  // An event, or a line, of more than `max_event` bytes is an error.
  explicit SseParser(std::size_t max_event = 4 * 1024 * 1024) : max_event_(max_event) {}

  void Start();
  // ResourceExhausted when an event is too large; then Start.
  [[nodiscard]] base::Status Feed(std::string_view bytes, SseHandler& handler);

  // What the stream asked for with "retry:", milliseconds.
  [[nodiscard]] std::optional<std::uint64_t> retry_ms() const { return retry_ms_; }
  // For the Last-Event-ID header of a reconnection.
  [[nodiscard]] std::string_view last_event_id() const { return last_id_; }

 private:
  void EndLine(std::string_view line, SseHandler& handler);
  void Field(std::string_view name, std::string_view value);
  void Dispatch(SseHandler& handler);

  std::size_t max_event_;
  bool first_line_ = true;  // it may begin with a BOM
  bool skip_lf_ = false;    // the last line ended with CR
  std::string line_;  // an unfinished line
  std::string data_, type_, id_, last_id_;
  std::optional<std::uint64_t> retry_ms_;
};

}  // namespace ronda::net
