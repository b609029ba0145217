#include "net/http1/response_parser.h"

#include <algorithm>
#include <limits>

#include "net/http1/syntax.h"

namespace ronda::net {
namespace {

using http1::EqualsLower;
using http1::FindControl;
using http1::IsSpace;
using http1::IsTokenChar;
using http1::NextElement;
using http1::TrimRight;

constexpr std::string_view kPrefix = "HTTP/1.";
constexpr std::size_t kVersionAt = 7, kSpaceAt = 8, kStatusAt = 9, kReasonAt = 12;
constexpr std::size_t kUsualHeaders = 16;
constexpr std::size_t kMostRemembered = 2048;  // bytes of a head
// Lengths stay below this so that sums of lengths and offsets cannot overflow.
constexpr std::uint64_t kMaxLength = std::numeric_limits<std::int64_t>::max();

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// False unless `text` is a decimal number of at most kMaxLength.
bool ParseLength(std::string_view text, std::uint64_t& length) {
  if (text.empty() || text.size() > 19) return false;
  length = 0;
  for (const char c : text) {
    if (!IsDigit(c)) return false;
    length = length * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return length <= kMaxLength;
}

// Whether byte `at` of a status line may be `c`, for the part of it that has a fixed width.
bool FitsStatusLine(std::size_t at, char c) {
  if (at < kPrefix.size()) return c == kPrefix[at];
  if (at == kVersionAt) return c == '0' || c == '1';
  if (at == kSpaceAt) return c == ' ';
  if (at == kStatusAt) return c >= '1' && c <= '9';
  return IsDigit(c);
}

}  // namespace

void ResponseParser::Start(ResponseTo to) {
  to_ = to;
  at_ = At::kStatus;
  begun_ = false;
  error_ = {};
}

// What was read from the last head: kept until the next one has turned out to be another.
void ResponseParser::Forget() {
  has_length_ = has_transfer_encoding_ = has_chunked_ = says_close_ = says_keep_alive_ = false;
  position_ = line_ = 0;
  base_ = nullptr;
  length_ = 0;
  head_.reason = head_.content_encoding = {};
  headers_.clear();
  last_head_.clear();
}

bool ResponseParser::Repeats(std::string_view data) {
  if (last_head_.empty() || !data.starts_with(last_head_)) return false;
  if (data.data() != base_) Rebase(data.data() - base_);
  Finish(base_ + last_head_.size());
  return true;
}

ResponseParser::Progress ResponseParser::ParseHead(std::string_view data) {
  if (data.empty()) return Progress::kMore;
  if (!begun_) {
    begun_ = true;
    if (Repeats(data)) return Progress::kDone;
    Forget();
  }
  if (data.begin() != base_) Follow(data.begin());
  full_ = data.size() >= limits_.max_head;
  const char* const end = base_ + (full_ ? limits_.max_head : data.size());
  switch (at_) {
    case At::kStatus: return ParseStatusLine(end);
    case At::kReason: return ParseReason(end);
    case At::kDone: return Progress::kDone;
    case At::kFailed: return Progress::kError;
    default: return ParseHeaders(end);
  }
}

// The same bytes are at `base` now.
void ResponseParser::Follow(const char* base) {
  if (base_ != nullptr) Rebase(base - base_);
  base_ = base;
}

void ResponseParser::Rebase(std::ptrdiff_t delta) {
  const auto move = [delta](std::string_view& view) {
    if (view.data() != nullptr) view = {view.data() + delta, view.size()};
  };
  for (HeaderView& header : headers_) {
    move(header.name);
    move(header.value);
  }
  move(head_.reason);
  move(head_.content_encoding);
  base_ += delta;
}

// All bytes up to the end of `data` were read, and the head goes on.
ResponseParser::Progress ResponseParser::Wait(At at, const char* position) {
  position_ = static_cast<std::uint32_t>(position - base_);
  at_ = at;
  if (!full_) return Progress::kMore;
  return Fail(Http1ErrorCode::kHeadTooLarge, base_ + limits_.max_head);
}

ResponseParser::Progress ResponseParser::Fail(Http1ErrorCode code, const char* position) {
  at_ = At::kFailed;
  error_ = {code, static_cast<std::uint64_t>(position - base_)};
  return Progress::kError;
}

ResponseParser::Progress ResponseParser::ParseStatusLine(const char* end) {
  const char* p = base_ + position_;
  for (; p != end && p != base_ + kReasonAt; ++p) {
    const auto at = static_cast<std::size_t>(p - base_);
    if (FitsStatusLine(at, *p)) [[likely]]
      continue;
    return Fail(at <= kVersionAt ? Http1ErrorCode::kNotHttp : Http1ErrorCode::kBadStatusLine, p);
  }
  if (p == end) return Wait(At::kStatus, p);
  if (*p != ' ' && *p != '\r' && *p != '\n') return Fail(Http1ErrorCode::kBadStatusLine, p);

  head_.version = base_[kVersionAt] == '1' ? HttpVersion::k11 : HttpVersion::k10;
  head_.status = (base_[kStatusAt] - '0') * 100 + (base_[kStatusAt + 1] - '0') * 10 +
                 (base_[kStatusAt + 2] - '0');
  position_ = kReasonAt;
  return ParseReason(end);
}

ResponseParser::Progress ResponseParser::ParseReason(const char* end) {
  const char* const p = FindControl(base_ + position_, end);
  if (p == end) return Wait(At::kReason, p);
  const char* next = p + 1;
  if (*p == '\r') {
    if (next == end) return Wait(At::kReason, p);
    if (*next++ != '\n') return Fail(Http1ErrorCode::kBareCr, p);
  } else if (*p != '\n') {
    return Fail(Http1ErrorCode::kBadStatusLine, p);
  }
  const char* const begin = base_ + kReasonAt + (base_[kReasonAt] == ' ' ? 1 : 0);
  head_.reason = {begin, static_cast<std::size_t>(p - begin)};
  position_ = static_cast<std::uint32_t>(next - base_);
  at_ = At::kLine;
  return ParseHeaders(end);
}

// Resumes at at_; each line falls through the cases from kLine to the end of kValue.
ResponseParser::Progress ResponseParser::ParseHeaders(const char* end) {
  const char* p = base_ + position_;
  const char* line = base_ + line_;
  const char* value = base_ + value_;
  std::size_t name_size = name_size_;
  const auto wait = [&](At at) {
    line_ = static_cast<std::uint32_t>(line - base_);
    value_ = static_cast<std::uint32_t>(value - base_);
    name_size_ = static_cast<std::uint32_t>(name_size);
    return Wait(at, p);
  };

  for (At at = at_;; at = At::kLine) {
    switch (at) {
      case At::kLine:
        line = value = p;
        name_size = 0;
        if (p == end) return wait(At::kLine);
        if (*p == '\n' || *p == '\r') [[unlikely]] {
          if (*p == '\n') return Complete(p + 1);
          if (p + 1 == end) return wait(At::kLine);
          if (p[1] == '\n') return Complete(p + 2);
          return Fail(Http1ErrorCode::kBareCr, p);
        }
        if (IsSpace(*p)) return Fail(Http1ErrorCode::kFoldedLine, p);
        if (headers_.size() >= limits_.max_headers) {
          return Fail(Http1ErrorCode::kTooManyHeaders, p);
        }
        [[fallthrough]];

      case At::kName:
        while (p != end && IsTokenChar(*p)) ++p;
        if (p == end) return wait(At::kName);
        if (*p != ':' || p == line) return Fail(Http1ErrorCode::kBadHeaderName, p);
        name_size = static_cast<std::size_t>(p - line);
        ++p;
        [[fallthrough]];

      case At::kSpace:
        while (p != end && IsSpace(*p)) ++p;
        if (p == end) return wait(At::kSpace);
        value = p;
        [[fallthrough]];

      default: {
        p = FindControl(p, end);
        if (p == end) return wait(At::kValue);
        const char* const value_end = p;
        if (*p == '\r') [[likely]] {
          if (p + 1 == end) return wait(At::kValue);
          if (p[1] != '\n') return Fail(Http1ErrorCode::kBareCr, p);
          p += 2;
        } else if (*p == '\n') {
          ++p;
        } else {
          return Fail(Http1ErrorCode::kBadHeaderValue, p);
        }
        if (headers_.capacity() == 0) headers_.reserve(kUsualHeaders);
        const HeaderView& header = headers_.emplace_back(HeaderView{
            {line, name_size}, TrimRight({value, static_cast<std::size_t>(value_end - value)})});
        if (const auto code = Note(header); code != Http1ErrorCode::kNone) [[unlikely]] {
          return Fail(code, line);
        }
      }
    }
  }
}

// Remembers what a header says about framing and the connection. The length of the name decides
// cheaply that most headers say nothing.
Http1ErrorCode ResponseParser::Note(const HeaderView& header) {
  switch (header.name.size()) {
    case 10:
      if (EqualsLower(header.name, "connection")) NoteConnection(header.value);
      break;
    case 14:
      if (EqualsLower(header.name, "content-length")) return NoteContentLength(header.value);
      break;
    case 16:
      if (EqualsLower(header.name, "content-encoding")) head_.content_encoding = header.value;
      break;
    case 17:
      if (EqualsLower(header.name, "transfer-encoding")) return NoteTransferEncoding(header.value);
      break;
    default: break;
  }
  return Http1ErrorCode::kNone;
}

// One number, or the same one several times (RFC 9110, 8.6).
Http1ErrorCode ResponseParser::NoteContentLength(std::string_view value) {
  if (has_chunked_) return Http1ErrorCode::kConflictingLength;
  if (value.ends_with(',')) return Http1ErrorCode::kBadContentLength;
  do {
    std::uint64_t length = 0;
    if (!ParseLength(NextElement(value), length)) return Http1ErrorCode::kBadContentLength;
    if (has_length_ && length != length_) return Http1ErrorCode::kConflictingLength;
    has_length_ = true;
    length_ = length;
  } while (!value.empty());
  return Http1ErrorCode::kNone;
}

// We never ask for a transfer coding, so only chunked may come (RFC 9112, 7.4).
Http1ErrorCode ResponseParser::NoteTransferEncoding(std::string_view value) {
  if (has_transfer_encoding_) return Http1ErrorCode::kBadTransferEncoding;
  has_transfer_encoding_ = true;
  if (EqualsLower(value, "identity")) return Http1ErrorCode::kNone;
  if (!EqualsLower(value, "chunked")) return Http1ErrorCode::kBadTransferEncoding;
  if (has_length_) return Http1ErrorCode::kConflictingLength;
  has_chunked_ = true;
  return Http1ErrorCode::kNone;
}

void ResponseParser::NoteConnection(std::string_view value) {
  while (!value.empty()) {
    const std::string_view option = NextElement(value);
    if (EqualsLower(option, "close")) says_close_ = true;
    if (EqualsLower(option, "keep-alive")) says_keep_alive_ = true;
  }
}

ResponseParser::Progress ResponseParser::Complete(const char* end) {
  Finish(end);
  if (head_.size <= kMostRemembered) last_head_.assign(base_, head_.size);
  return Progress::kDone;
}

// The head ends before `end` (RFC 9112, 6.3 and 9.3).
void ResponseParser::Finish(const char* end) {
  at_ = At::kDone;
  head_.size = static_cast<std::size_t>(end - base_);
  head_.headers = headers_;
  head_.content_length = length_;
  head_.keep_alive = !says_close_ && (head_.version == HttpVersion::k11 || says_keep_alive_);
  offset_ = head_.size;

  const bool tunnel = to_ == ResponseTo::kConnect && head_.status / 100 == 2;
  if (to_ == ResponseTo::kHead || head_.status < 200 || head_.status == 204 ||
      head_.status == 304 || tunnel) {
    head_.framing = BodyFraming::kNone;
  } else if (has_chunked_) {
    head_.framing = BodyFraming::kChunked;
    chunked_.Start();
    // An HTTP/1.0 server cannot know the coding (RFC 9112, 6.1): what follows is not to be trusted.
    if (head_.version == HttpVersion::k10) head_.keep_alive = false;
  } else if (has_length_) {
    head_.framing = BodyFraming::kLength;
    remaining_ = length_;
  } else {
    head_.framing = BodyFraming::kUntilClose;
    head_.keep_alive = false;
  }
}

ResponseParser::Piece ResponseParser::Feed(char* data, std::size_t size) {
  Piece piece;
  switch (head_.framing) {
    case BodyFraming::kNone: piece.done = true; break;
    case BodyFraming::kUntilClose: piece.consumed = piece.body = size; break;
    case BodyFraming::kLength:
      piece.consumed = piece.body =
          static_cast<std::size_t>(std::min<std::uint64_t>(size, remaining_));
      remaining_ -= piece.consumed;
      piece.done = remaining_ == 0;
      break;
    case BodyFraming::kChunked: {
      const ChunkedDecoder::Piece decoded = chunked_.Decode(data, size);
      piece.consumed = decoded.consumed;
      piece.body = decoded.body;
      piece.done = decoded.done;
      piece.failed = decoded.error != Http1ErrorCode::kNone;
      if (piece.failed) error_ = {decoded.error, offset_ + decoded.consumed};
      break;
    }
  }
  offset_ += piece.consumed;
  return piece;
}

bool ResponseParser::Close() {
  const bool complete = at_ == At::kDone && head_.framing == BodyFraming::kUntilClose;
  if (!complete) error_ = {Http1ErrorCode::kClosedEarly, at_ == At::kDone ? offset_ : position_};
  return complete;
}

}  // namespace ronda::net
