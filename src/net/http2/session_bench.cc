#include <benchmark/benchmark.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/http2/session.h"

namespace ronda::net {
namespace {

class Exchange : public Http2Stream {
 public:
  void OnHead(int s, std::span<const HeaderView> headers, EndStream) override {
    status = s;
    header_count += headers.size();
  }
  void OnData(std::string_view piece) override { bytes += piece.size(); }
  void OnClose(const Http2Close& close) override { done += close.end == Http2End::kDone; }
  int status = 0;
  std::uint64_t header_count = 0, bytes = 0, done = 0;
};

void AppendFrame(std::uint8_t type, std::uint8_t flags, std::int32_t stream,
                 std::string_view payload, std::string& out) {
  for (int shift = 16; shift >= 0; shift -= 8) out += static_cast<char>(payload.size() >> shift);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(stream >> shift);
  out += payload;
}

// One request out, one response (head and 200 bytes) in, `streams` at a time; our side only.
void BM_Exchange(benchmark::State& state) {
  const auto streams = static_cast<std::size_t>(state.range(0));
  auto session = Http2Session::Create({});
  std::vector<std::unique_ptr<Exchange>> exchanges;
  exchanges.reserve(streams);
  for (std::size_t i = 0; i < streams; ++i) exchanges.push_back(std::make_unique<Exchange>());
  const std::vector<HeaderView> headers = {{"user-agent", "ronda/0.1"}, {"accept", "*/*"}};
  const std::string body(200, 'x');
  // :status 200, and content-length: 200, server: x, without indexing.
  const std::string head(
      "\x88\x0f\x0d\x03"
      "200\x0f\x27\x01x",
      11);
  std::string out, in;
  AppendFrame(4, 0, 0, "", in);
  bool ok = session->Receive(in).ok();
  for (auto _ : state) {
    in.clear();
    out.clear();
    for (auto& e : exchanges) {
      ok &= session
                ->Submit({.scheme = "http",
                          .authority = "127.0.0.1:8080",
                          .path = "/index.html",
                          .headers = headers},
                         *e)
                .ok();
    }
    ok &= session->Collect(out, 1 << 20).ok();
    for (auto& e : exchanges) {
      AppendFrame(1, 4, e->id(), head, in);
      AppendFrame(0, 1, e->id(), body, in);
    }
    ok &= session->Receive(in).ok();
  }
  const auto rounds = static_cast<std::uint64_t>(state.iterations());
  for (auto& e : exchanges) {
    ok &= e->done == rounds && e->bytes == 200 * rounds && e->header_count == 2 * rounds;
  }
  if (!ok) state.SkipWithError("an exchange went wrong");
  session->Fail("");
  state.SetItemsProcessed(static_cast<std::int64_t>(rounds * streams));
}
BENCHMARK(BM_Exchange)->Arg(1)->Arg(10)->Arg(100);

}  // namespace
}  // namespace ronda::net
