#include "net/http1/response_parser.h"

#include <benchmark/benchmark.h>

#include <string>
#include <string_view>
#include <vector>

#include "net/http1/request_writer.h"

namespace ronda::net {
namespace {

// What nginx 1.22 says to a GET of a small static file.
constexpr std::string_view kNginx =
    "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Fri, 21 Nov 2025 01:26:00 GMT\r\n"
    "Content-Type: application/octet-stream\r\nContent-Length: 200\r\n"
    "Last-Modified: Fri, 21 Nov 2025 01:11:00 GMT\r\nConnection: keep-alive\r\n"
    "ETag: \"691fbd54-c8\"\r\nAccept-Ranges: bytes\r\n\r\n";

void BM_ParseHead(benchmark::State& state) {
  const std::string text = std::string(kNginx) + std::string(200, 'x');
  ResponseParser parser;
  std::uint64_t headers = 0;
  for (auto _ : state) {
    parser.Start(ResponseTo::kAny);
    if (parser.ParseHead(text) != ResponseParser::Progress::kDone) break;
    headers += parser.head().headers.size();
    benchmark::DoNotOptimize(parser.head().content_length);
  }
  if (headers != 8 * static_cast<std::uint64_t>(state.iterations()) ||
      parser.head().size != kNginx.size()) {
    state.SkipWithError("parsed something else");
  }
}
BENCHMARK(BM_ParseHead);

void BM_DecodeChunks(benchmark::State& state) {
  std::string body;
  for (int i = 0; i < 16; ++i) {
    AppendChunkHead(1024, body);
    body.append(1024, 'x').append(kChunkEnd);
  }
  body += kLastChunk;
  ChunkedDecoder decoder;
  std::string buffer;
  std::uint64_t bytes = 0;
  for (auto _ : state) {
    buffer = body;
    decoder.Start();
    bytes += decoder.Decode(buffer.data(), buffer.size()).body;
  }
  if (bytes != 16384 * static_cast<std::uint64_t>(state.iterations())) {
    state.SkipWithError("decoded something else");
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}
BENCHMARK(BM_DecodeChunks);

void BM_WriteHead(benchmark::State& state) {
  const std::vector<HeaderView> headers = {{"User-Agent", "ronda/0.1"},
                                           {"Accept", "*/*"},
                                           {"Content-Type", "application/json"},
                                           {"Authorization", "Bearer 0123456789abcdef0123456789"}};
  const RequestHead head{.method = "POST",
                         .target = "/orders?user=1234",
                         .authority = "shop:8080",
                         .headers = headers,
                         .body = RequestHead::Body::kLength,
                         .content_length = 64};
  std::string out;
  for (auto _ : state) {
    out.clear();
    benchmark::DoNotOptimize(AppendRequestHead(head, out).ok());
  }
  if (!out.ends_with("Content-Length: 64\r\n\r\n")) state.SkipWithError("wrote something else");
}
BENCHMARK(BM_WriteHead);

}  // namespace
}  // namespace ronda::net
