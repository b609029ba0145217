#include "net/codec/content_encoder.h"

#include <zlib.h>

namespace ronda::net {

base::Result<std::string> EncodeContent(ContentCoding coding, std::string_view body) {
  z_stream stream{};
  constexpr int kWindowBits = 15;
  const int bits = coding == ContentCoding::kGzip ? kWindowBits + 16 : kWindowBits;
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    return base::ResourceExhausted("cannot compress the body: out of memory");
  }
  std::string packed(deflateBound(&stream, body.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
  stream.avail_in = static_cast<uInt>(body.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  const int done = deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  if (done != Z_STREAM_END) return base::Internal("cannot compress the body");
  return packed;
}

}  // namespace ronda::net
