#include <benchmark/benchmark.h>

#include <string>

#include "trace/segment/block.h"
#include "trace/segment/segment_writer.h"
#include "wire/otlp/decode.h"
#include "wire/otlp/encode.h"
#include "wire/otlp/otlp_test_util.h"

namespace ronda::trace::segment {
namespace {

constexpr std::size_t kSpans = 512;

std::string Request() {
  otlp::SpanBatch batch;
  otlp::BatchMaker(1).Make(kSpans, batch);
  std::string bytes;
  EncodeTraces(batch, bytes);
  return bytes;
}

void BM_Decode(benchmark::State& state) {
  const std::string request = Request();
  otlp::Decoder decoder{otlp::Limits()};
  otlp::SpanBatch batch;
  for (auto _ : state) {
    if (!decoder.DecodeTraces(request, batch).ok() || batch.spans.size() != kSpans) {
      state.SkipWithError("not decoded");
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kSpans));
}
BENCHMARK(BM_Decode);

void BM_DecodeAppendSeal(benchmark::State& state) {
  const std::string request = Request();
  otlp::Decoder decoder{otlp::Limits()};
  otlp::SpanBatch batch;
  Block block;
  SegmentWriter writer;
  std::size_t bytes = 0;
  for (auto _ : state) {
    if (!decoder.DecodeTraces(request, batch).ok()) state.SkipWithError("not decoded");
    block.Append(batch);
    if (block.rows() >= 65536) {
      bytes += writer.Write(block, {}, 1).size();
      block.Clear();
    }
  }
  benchmark::DoNotOptimize(bytes);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kSpans));
}
BENCHMARK(BM_DecodeAppendSeal);

}  // namespace
}  // namespace ronda::trace::segment
