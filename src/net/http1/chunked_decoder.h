#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "net/http1/error.h"
#include "net/message.h"

namespace ronda::net {

// Undoes the chunked transfer coding (RFC 9112, 7.1) piece by piece, in place. Chunk extensions are
// skipped; trailer lines are kept. No I/O; allocates only when there are trailers. Owned by one
// connection.
class ChunkedDecoder {
 public:
  struct Piece {
    std::size_t consumed = 0;  // input bytes used
    std::size_t body = 0;  // payload bytes, now at the start of the input
    bool done = false;  // the body ends after `consumed`
    Http1ErrorCode error = Http1ErrorCode::kNone;  // at input byte `consumed`
  };

  explicit ChunkedDecoder(std::uint32_t max_trailer = 16 * 1024) : max_trailer_(max_trailer) {}

  // Begins a body; forgets the last one.
  void Start();

  // The next bytes, any split. `data` is overwritten up to `body`. After done or an error: Start.
  [[nodiscard]] Piece Decode(char* data, std::size_t size);

  // Valid after done, until Start.
  [[nodiscard]] std::span<const HeaderView> trailers() const { return trailers_; }

 private:
  enum class State : std::uint8_t {
    kSize,  // hexadecimal digits
    kPadding,  // blanks behind the digits
    kExtension,  // to the end of the size line
    kSizeLf,
    kData,
    kDataCr,
    kDataLf,
    kTrailer,
    kTrailerLf,
    kDone,
  };

  // Takes a byte of the framing between payloads.
  [[nodiscard]] Http1ErrorCode Step(char c);
  [[nodiscard]] Http1ErrorCode StepSize(char c);
  [[nodiscard]] Http1ErrorCode StepTrailer(char c);
  [[nodiscard]] Http1ErrorCode ParseTrailers();

  State state_ = State::kSize;
  std::uint8_t digits_ = 0;  // of the size line at hand
  std::uint32_t extension_ = 0;  // bytes of its extensions
  std::uint32_t max_trailer_;
  std::uint64_t remaining_ = 0;  // of the chunk at hand
  std::size_t trailer_line_ = 0;  // where in trailer_text_ the line at hand begins
  std::string trailer_text_;  // lines, each with LF
  std::vector<HeaderView> trailers_;
};

}  // namespace ronda::net
