#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/check.h"
#include "net/codec/sse.h"

namespace ronda::net {
namespace {

struct Outcome : SseHandler {
  void OnEvent(const SseEvent& e) override {
    CHECK(!e.type.empty() && e.type.find('\n') == std::string_view::npos);
    text.append(e.type).append("|").append(e.data).append("|").append(e.id).append("\n");
  }
  std::string text;
};

std::string Parse(std::string_view bytes, std::size_t step) {
  SseParser parser(1 << 20);
  Outcome outcome;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    const std::string piece(bytes.substr(at, step));
    CHECK(parser.Feed(piece, outcome).ok());
  }
  return outcome.text.append(parser.last_event_id()) +
         std::to_string(parser.retry_ms().value_or(0));
}

}  // namespace

// Any split gives the same events; the first byte says how it is cut.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  CHECK(Parse(bytes, 1 + data[0] % 16) == Parse(bytes, size));
  return 0;
}

}  // namespace ronda::net
