#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/core/check.h"
#include "net/http1/response_parser.h"

namespace ronda::net {
namespace {

using Progress = ResponseParser::Progress;

constexpr Http1Limits kLimits{.max_head = 4096, .max_headers = 20, .max_trailer = 512};

struct Outcome {
  int status = 0;
  BodyFraming framing = BodyFraming::kNone;
  bool keep_alive = false, complete = false;
  std::string reason, encoding, body;
  std::vector<std::pair<std::string, std::string>> headers, trailers;
  Http1ErrorCode error = Http1ErrorCode::kNone;
  std::uint64_t offset = 0, used = 0;

  bool operator==(const Outcome&) const = default;
};

// How many bytes come with the next read.
class Pieces {
 public:
  Pieces(std::uint32_t seed, std::size_t largest) : state_(seed | 1), largest_(largest) {}
  std::size_t Next() {
    state_ = state_ * 1664525 + 1013904223;
    return 1 + (state_ >> 8) % largest_;
  }

 private:
  std::uint32_t state_;
  std::size_t largest_;
};

void Copy(std::span<const HeaderView> from, std::vector<std::pair<std::string, std::string>>& to) {
  for (const HeaderView& h : from) to.emplace_back(h.name, h.value);
}

Outcome Run(ResponseParser& parser, std::string_view text, ResponseTo to, Pieces pieces) {
  Outcome o;
  parser.Start(to);
  std::size_t have = 0;
  Progress progress = Progress::kMore;
  std::vector<char> buffer;
  while (progress == Progress::kMore && have < text.size()) {
    have = std::min(text.size(), have + pieces.Next());
    // Another address each time, and nothing readable behind it.
    buffer = std::vector<char>(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(have));
    progress = parser.ParseHead({buffer.data(), buffer.size()});
  }
  if (progress == Progress::kDone) {
    const ResponseHead& head = parser.head();
    CHECK(head.status >= 100 && head.status <= 999);
    CHECK(head.size <= have && head.size <= kLimits.max_head);
    CHECK(head.headers.size() <= kLimits.max_headers);
    o.status = head.status;
    o.framing = head.framing;
    o.keep_alive = head.keep_alive;
    o.reason = head.reason;
    o.encoding = head.content_encoding;
    Copy(head.headers, o.headers);
    std::size_t at = head.size;
    for (;;) {
      const std::size_t n = std::min(text.size() - at, pieces.Next());
      std::vector<char> bytes(text.begin() + static_cast<std::ptrdiff_t>(at),
                              text.begin() + static_cast<std::ptrdiff_t>(at + n));
      const ResponseParser::Piece piece = parser.Feed(bytes.data(), n);
      CHECK(piece.consumed <= n && piece.body <= piece.consumed);
      CHECK(piece.done || piece.failed || piece.consumed == n);
      o.body.append(bytes.data(), piece.body);
      at += piece.consumed;
      o.complete = piece.done && !piece.failed;
      if (piece.done || piece.failed) break;
      if (at == text.size()) {
        o.complete = parser.Close();
        break;
      }
    }
    o.used = at;
    Copy(parser.trailers(), o.trailers);
    if (o.framing == BodyFraming::kLength && o.complete) {
      CHECK(o.body.size() == head.content_length);
    }
  }
  o.error = parser.error().code;
  o.offset = parser.error().offset;
  CHECK((progress == Progress::kError) == (parser.error().failed() && o.status == 0));
  CHECK(!parser.error().Message().empty());
  return o;
}

}  // namespace

// The first byte says what was asked, the next two how the rest is cut: however that is, the
// outcome is that of single bytes, also for a parser that has met it before.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3 || size > 16384) return 0;
  const auto to = static_cast<ResponseTo>(data[0] % 3);
  const std::uint32_t seed = data[1] | (static_cast<std::uint32_t>(data[2]) << 8);
  const std::string_view text(reinterpret_cast<const char*>(data) + 3, size - 3);
  ResponseParser fresh(kLimits);
  const Outcome bytes = Run(fresh, text, to, Pieces(0, 1));
  ResponseParser parser(kLimits);
  CHECK(Run(parser, text, to, Pieces(seed, 64)) == bytes);
  CHECK(Run(parser, text, to, Pieces(seed, 65536)) == bytes);
  CHECK(Run(parser, text, to, Pieces(seed, 65536)) == bytes);
  return 0;
}

}  // namespace ronda::net
