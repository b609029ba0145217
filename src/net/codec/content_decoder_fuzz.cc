#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/core/check.h"
#include "net/codec/content_decoder.h"

namespace ronda::net {
namespace {

constexpr std::string_view kCodings[] = {
    "gzip", "deflate", "br", "zstd", "gzip, gzip", "br, gzip", "deflate, zstd", "identity"};
constexpr std::uint64_t kLimit = 1 << 18;

struct Outcome {
  std::string out;
  bool ok = false;

  bool operator==(const Outcome&) const = default;
};

Outcome Decode(ContentDecoder& decoder, std::string_view coding, std::string_view bytes,
               std::size_t step) {
  Outcome o;
  base::Status status = decoder.Start(coding, kLimit);
  while (status.ok() && !bytes.empty()) {
    const std::string piece(bytes.substr(0, step));
    status = decoder.DecodeTo(piece, o.out);
    bytes.remove_prefix(piece.size());
  }
  if (status.ok()) status = decoder.Finish();
  CHECK(o.out.size() <= kLimit + (64 << 10));
  if (status.ok()) CHECK(coding == "identity" || decoder.output_bytes() == o.out.size());
  // How far the libraries come before they see an error, and whether the limit is met before it,
  // depends on the pieces.
  if (!status.ok()) o.out.clear();
  o.ok = status.ok();
  return o;
}

}  // namespace

// Foreign bytes: any split decodes alike, within the limit, also with a decoder used before.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view coding = kCodings[data[0] % std::size(kCodings)];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  ContentDecoder decoder;
  const Outcome whole = Decode(decoder, coding, bytes, bytes.size() + 1);
  const Outcome pieces = Decode(decoder, coding, bytes, 1 + data[1] % 64);
  CHECK(whole == pieces);
  return 0;
}

}  // namespace ronda::net
