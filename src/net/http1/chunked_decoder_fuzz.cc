#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/core/check.h"
#include "net/http1/chunked_decoder.h"
#include "net/http1/request_writer.h"

namespace ronda::net {
namespace {

struct Outcome {
  std::string body;
  std::size_t used = 0;
  bool done = false;
  Http1ErrorCode error = Http1ErrorCode::kNone;
  std::size_t trailers = 0;

  bool operator==(const Outcome&) const = default;
};

Outcome Decode(std::string_view text, std::size_t step) {
  ChunkedDecoder decoder(1024);
  decoder.Start();
  Outcome o;
  while (o.used < text.size() && !o.done && o.error == Http1ErrorCode::kNone) {
    std::string bytes(text.substr(o.used, step));
    const ChunkedDecoder::Piece piece = decoder.Decode(bytes.data(), bytes.size());
    CHECK(piece.body <= piece.consumed && piece.consumed <= bytes.size());
    o.body.append(bytes, 0, piece.body);
    o.used += piece.consumed;
    o.done = piece.done;
    o.error = piece.error;
  }
  o.trailers = decoder.trailers().size();
  return o;
}

}  // namespace

// Foreign bytes decode alike in any split; our own encoding of the same bytes decodes to them.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t step = 1 + data[0] % 31;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  CHECK(Decode(text, text.size()) == Decode(text, step));

  std::string encoded;
  for (std::size_t at = 0; at < text.size(); at += step) {
    const std::string_view chunk = text.substr(at, step);
    AppendChunkHead(chunk.size(), encoded);
    encoded.append(chunk).append(kChunkEnd);
  }
  encoded += kLastChunk;
  const Outcome o = Decode(encoded, 1 + data[0] / 8);
  CHECK(o.done && o.body == text && o.used == encoded.size());
  return 0;
}

}  // namespace ronda::net
