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
    kSize,
    kSizeDigits,
    kSizeSpace,
    kExtension,
    kQuoted,
    kQuotedEscape,
    kSizeLf,
    kData,
    kDataCr,
    kDataLf,
    kTrailerStart,
    kTrailer,
    kTrailerLf,
    kEndLf,
    kDone,
  };

  [[nodiscard]] Http1ErrorCode Step(char c);
  [[nodiscard]] Http1ErrorCode EndTrailers();

  State state_ = State::kSize;
  std::uint8_t digits_ = 0;
  std::uint32_t max_trailer_;
  std::uint32_t extension_ = 0;  // bytes of size lines in a row without payload
  std::uint64_t remaining_ = 0;  // of the chunk at hand
  std::string trailer_;  // raw lines, without their ends
  std::vector<HeaderView> trailers_;
};

}  // namespace ronda::net
