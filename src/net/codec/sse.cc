#include "net/codec/sse.h"

#include <algorithm>
#include <charconv>

namespace ronda::net {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

}  // namespace

void SseParser::Start() {
  first_line_ = true;
  skip_lf_ = false;
  line_.clear();
  data_.clear();
  type_.clear();
  id_.clear();
  last_id_.clear();
  retry_ms_.reset();
}

base::Status SseParser::Feed(std::string_view bytes, SseHandler& handler) {
  while (!bytes.empty()) {
    if (skip_lf_ && bytes.front() == '\n') bytes.remove_prefix(1);
    skip_lf_ = false;
    const std::size_t end = bytes.find_first_of("\r\n");
    const std::string_view piece = bytes.substr(0, end);
    if (line_.size() + piece.size() + data_.size() > max_event_) {
      return base::ResourceExhausted("an event of the stream is larger than " +
                                     std::to_string(max_event_) + " bytes");
    }
    if (end == std::string_view::npos) {
      line_ += piece;
      return base::Ok();
    }
    skip_lf_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    if (line_.empty()) {
      EndLine(piece, handler);
    } else {
      line_ += piece;
      EndLine(line_, handler);
      line_.clear();
    }
  }
  return base::Ok();
}

void SseParser::EndLine(std::string_view line, SseHandler& handler) {
  if (first_line_ && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  first_line_ = false;
  if (line.empty()) {
    Dispatch(handler);
    return;
  }
  const std::size_t colon = line.find(':');
  if (colon == 0) return;  // a comment
  std::string_view value;
  if (colon != std::string_view::npos) value = line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  Field(line.substr(0, colon), value);
}

void SseParser::Field(std::string_view name, std::string_view value) {
  if (name == "data") {
    data_.append(value).append("\n");
  } else if (name == "event") {
    type_ = value;
  } else if (name == "id") {
    if (value.find('\0') == std::string_view::npos) id_ = value;
  } else if (name == "retry") {
    std::uint64_t ms = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), ms);
    if (error == std::errc() && end == value.data() + value.size()) retry_ms_ = ms;
  }
}

void SseParser::Dispatch(SseHandler& handler) {
  last_id_ = id_;
  if (!data_.empty()) {
    data_.pop_back();
    handler.OnEvent({type_.empty() ? "message" : std::string_view(type_), data_, last_id_});
  }
  data_.clear();
  type_.clear();
}

}  // namespace ronda::net
