#include "net/http1/chunked_decoder.h"

#include <algorithm>
#include <cstring>

#include "net/http1/syntax.h"

namespace ronda::net {
namespace {

constexpr std::uint8_t kMaxDigits = 15;  // sizes stay below 2^60
constexpr std::uint32_t kMaxExtension = 4096;

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  if (lower >= 'a' && lower <= 'f') return lower - 'a' + 10;
  return -1;
}

}  // namespace

void ChunkedDecoder::Start() {
  state_ = State::kSize;
  digits_ = 0;
  extension_ = 0;
  remaining_ = 0;
  trailer_line_ = 0;
  trailer_text_.clear();
  trailers_.clear();
}

ChunkedDecoder::Piece ChunkedDecoder::Decode(char* data, std::size_t size) {
  Piece piece;
  while (piece.consumed < size && state_ != State::kDone) {
    if (state_ == State::kData) {
      const auto n =
          static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, size - piece.consumed));
      std::memmove(data + piece.body, data + piece.consumed, n);
      piece.consumed += n;
      piece.body += n;
      remaining_ -= n;
      if (remaining_ == 0) state_ = State::kDataCr;
      continue;
    }
    piece.error = Step(data[piece.consumed]);
    if (piece.error != Http1ErrorCode::kNone) return piece;
    ++piece.consumed;
  }
  piece.done = state_ == State::kDone;
  return piece;
}

// Lines of the framing end with CRLF and nothing else: two readers that disagree about a lone LF
// here disagree about where the next response begins.
Http1ErrorCode ChunkedDecoder::Step(char c) {
  switch (state_) {
    case State::kSize:
    case State::kPadding:
    case State::kExtension: return StepSize(c);
    case State::kSizeLf:
      if (c != '\n') return Http1ErrorCode::kBareCr;
      state_ = remaining_ == 0 ? State::kTrailer : State::kData;
      digits_ = 0;
      extension_ = 0;
      return Http1ErrorCode::kNone;
    case State::kDataCr:
      if (c != '\r') return Http1ErrorCode::kBadChunkEnd;
      state_ = State::kDataLf;
      return Http1ErrorCode::kNone;
    case State::kDataLf:
      if (c != '\n') return Http1ErrorCode::kBadChunkEnd;
      state_ = State::kSize;
      return Http1ErrorCode::kNone;
    default: return StepTrailer(c);
  }
}

Http1ErrorCode ChunkedDecoder::StepSize(char c) {
  if (c == '\r' && digits_ > 0) {
    state_ = State::kSizeLf;
    return Http1ErrorCode::kNone;
  }
  if (state_ == State::kExtension) {
    if (http1::IsControl(c) || ++extension_ > kMaxExtension) {
      return Http1ErrorCode::kBadChunkExtension;
    }
    return Http1ErrorCode::kNone;
  }
  const int digit = HexDigit(c);
  if (state_ == State::kSize && digit >= 0 && digits_ < kMaxDigits) {
    remaining_ = remaining_ * 16 + static_cast<std::uint64_t>(digit);
    ++digits_;
    return Http1ErrorCode::kNone;
  }
  if (digits_ == 0 || (c != ';' && !http1::IsSpace(c))) return Http1ErrorCode::kBadChunkSize;
  if (++extension_ > kMaxExtension) return Http1ErrorCode::kBadChunkExtension;
  state_ = c == ';' ? State::kExtension : State::kPadding;
  return Http1ErrorCode::kNone;
}

Http1ErrorCode ChunkedDecoder::StepTrailer(char c) {
  if (state_ == State::kTrailerLf) {
    if (c != '\n') return Http1ErrorCode::kBareCr;
    if (trailer_text_.size() == trailer_line_) {
      state_ = State::kDone;
      return ParseTrailers();
    }
    trailer_text_ += '\n';
    trailer_line_ = trailer_text_.size();
    state_ = State::kTrailer;
    return Http1ErrorCode::kNone;
  }
  if (c == '\r') {
    state_ = State::kTrailerLf;
    return Http1ErrorCode::kNone;
  }
  if (http1::IsControl(c)) return Http1ErrorCode::kBadHeaderValue;
  if (trailer_text_.size() == trailer_line_ && http1::IsSpace(c)) {
    return Http1ErrorCode::kFoldedLine;
  }
  if (trailer_text_.size() >= max_trailer_) return Http1ErrorCode::kTrailerTooLarge;
  trailer_text_ += c;
  return Http1ErrorCode::kNone;
}

Http1ErrorCode ChunkedDecoder::ParseTrailers() {
  std::string_view rest = trailer_text_;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() + 1);
    const std::size_t colon = line.find(':');
    const std::string_view name = line.substr(0, colon);
    if (colon == std::string_view::npos || !http1::IsToken(name)) {
      trailers_.clear();
      return Http1ErrorCode::kBadHeaderName;
    }
    trailers_.push_back({name, http1::Trim(line.substr(colon + 1))});
  }
  return Http1ErrorCode::kNone;
}

}  // namespace ronda::net
