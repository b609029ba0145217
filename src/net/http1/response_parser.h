#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/http1/chunked_decoder.h"
#include "net/http1/error.h"
#include "net/message.h"

namespace ronda::net {

struct Http1Limits {
  std::uint32_t max_head = 64 * 1024;  // bytes of status line and headers, blank line included
  std::uint32_t max_headers = 256;
  std::uint32_t max_trailer = 16 * 1024;  // bytes after the last chunk
};

// How the end of a body is known (RFC 9112, 6.3).
enum class BodyFraming : std::uint8_t { kNone, kLength, kChunked, kUntilClose };

// What the request asked for, as far as it changes how the response is framed.
enum class ResponseTo : std::uint8_t { kAny, kHead, kConnect };

struct ResponseHead {
  int status = 0;
  HttpVersion version = HttpVersion::k11;
  BodyFraming framing = BodyFraming::kNone;
  bool keep_alive = true;            // the connection may carry another request after the body
  std::uint64_t content_length = 0;  // with kLength; for HEAD and 304 what the header says, else 0
  std::size_t size = 0;  // bytes of the head: the body starts here
  std::string_view reason;
  std::string_view content_encoding;  // the header's value (the last one), or empty
  std::span<const HeaderView> headers;

  // 1xx but not 101: another head follows on the same exchange.
  [[nodiscard]] bool interim() const { return status < 200 && status != 101; }
};

// Parses HTTP/1.x responses (RFC 9112) that the caller keeps in one contiguous buffer. No I/O, no
// copies: all views point into the caller's bytes. Owned by one connection (or lent to one exchange
// at a time); a parser that has not met a response yet holds no heap memory.
//
//   parser.Start(ResponseTo::kAny);
//   while (parser.ParseHead({buffer, used}) == kMore) read on behind `used` (the buffer may move);
//   then parser.Feed(bytes after the head, size) until done
//
// Strict where two readers could disagree about the end of a message (conflicting lengths, bare CR,
// folded lines, NUL, space before the colon), lenient where real servers are sloppy (lines ended by
// a lone LF, RFC 9112 2.2; a missing reason).
//
// A server under load often says the same head again to the byte (its Date changes once a second). So
// the last head is remembered, and one that repeats it is recognised and not parsed anew.
class ResponseParser {
 public:
  enum class Progress : std::uint8_t { kMore, kDone, kError };

  explicit ResponseParser(const Http1Limits& limits = {})
      : limits_(limits), chunked_(limits.max_trailer) {}

  // Begins a response; forgets the last one. Needed before each head, also after a 1xx.
  void Start(ResponseTo to);

  // `data` is all that has come since the first byte of the head: the same bytes as last time,
  // perhaps elsewhere in memory, with more behind them. Work done is never repeated. With kDone,
  // head() is valid as long as `data` stays where it is.
  [[nodiscard]] Progress ParseHead(std::string_view data);
  [[nodiscard]] const ResponseHead& head() const { return head_; }

  // Moves head()'s views after the caller has moved the bytes they point into, by `delta` bytes
  // (new address - old address).
  void Rebase(std::ptrdiff_t delta);

  struct Piece {
    std::size_t consumed = 0;  // bytes of the input that belong to this response
    std::size_t body = 0;  // body bytes, now at the start of the input
    bool done = false;  // the response ends after `consumed`
    bool failed = false;  // see error()
  };
  // The next bytes behind the head, any split. Chunks are joined in place: `data` is overwritten up
  // to `body`; the framing between them is gone. Call once with size 0 when no byte has come: a
  // response without a body is done at once.
  [[nodiscard]] Piece Feed(char* data, std::size_t size);

  // The peer has closed: true if that is the proper end of this response, else false and error() is
  // kClosedEarly.
  [[nodiscard]] bool Close();

  // Trailer lines of a chunked body; they live until Start.
  [[nodiscard]] std::span<const HeaderView> trailers() const { return chunked_.trailers(); }

  [[nodiscard]] const Http1Error& error() const { return error_; }

 private:
  // Where in the head the first unread byte is.
  enum class At : std::uint8_t { kStatus, kReason, kLine, kName, kSpace, kValue, kDone, kFailed };

  // The head that `data` begins with is the last one again: head() holds for it.
  [[nodiscard]] bool Repeats(std::string_view data);
  void Forget();
  [[nodiscard]] Progress Wait(At at, const char* position);
  [[nodiscard]] Progress Fail(Http1ErrorCode code, const char* position);
  void Follow(const char* base);
  [[nodiscard]] Progress ParseStatusLine(const char* end);
  [[nodiscard]] Progress ParseReason(const char* end);
  [[nodiscard]] Progress ParseHeaders(const char* end);
  [[nodiscard]] Http1ErrorCode Note(const HeaderView& header);
  [[nodiscard]] Http1ErrorCode NoteContentLength(std::string_view value);
  [[nodiscard]] Http1ErrorCode NoteTransferEncoding(std::string_view value);
  void NoteConnection(std::string_view value);
  [[nodiscard]] Progress Complete(const char* end);
  void Finish(const char* end);

  Http1Limits limits_;
  ResponseTo to_ = ResponseTo::kAny;
  At at_ = At::kStatus;
  bool begun_ = false;  // bytes of this head have been looked at
  bool full_ = false;  // `data` holds limits_.max_head bytes or more
  bool has_length_ = false;
  bool has_transfer_encoding_ = false;
  bool has_chunked_ = false;
  bool says_close_ = false;
  bool says_keep_alive_ = false;
  std::uint32_t position_ = 0;  // offset of the first unread byte
  std::uint32_t line_ = 0;  // offset of the line it is in
  std::uint32_t name_size_ = 0;  // of that line's name, when it has been read
  std::uint32_t value_ = 0;  // offset of that line's value, when it has begun
  const char* base_ = nullptr;  // where `data` was last time
  std::uint64_t length_ = 0;  // Content-Length
  std::uint64_t remaining_ = 0;  // body bytes still to come, with kLength
  std::uint64_t offset_ = 0;  // bytes of the response consumed by Feed, its head included
  ResponseHead head_;
  std::vector<HeaderView> headers_;
  std::string last_head_;  // what head_ and the rest were read from; empty: nothing to go by
  ChunkedDecoder chunked_;
  Http1Error error_;
};

}  // namespace ronda::net
