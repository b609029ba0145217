#include <benchmark/benchmark.h>
#include <libdeflate.h>

#include <string>

#include "base/core/check.h"
#include "trace/ingest/delivery.h"
#include "wire/otlp/encode.h"
#include "wire/otlp/json_encode.h"

// What it costs to read a request, by how it came: bytes to a delivery that waits for its lane.
namespace ronda::trace::ingest {
namespace {

namespace otlp = wire::otlp;
constexpr std::size_t kSpans = 512;

// Server spans of a shop: a dozen attributes each, one of them random.
void Fill(otlp::SpanBatch& batch) {
  batch.attributes.emplace_back("service.name", otlp::Value::String("shop"));
  batch.resources.push_back({.attributes = {0, 1}, .entity_refs = {}, .schema_url = {}});
  batch.scopes.emplace_back();
  for (std::uint64_t i = 0; i < kSpans; ++i) {
    otlp::Span span;
    span.trace = {.high = i * 0x9e3779b97f4a7c15, .low = i * 0xbf58476d1ce4e5b9 + 1};
    span.span = i * 0x94d049bb133111eb + 1;
    span.start_ns = 1'787'000'000'000'000'000 + i * 1'000'003;
    span.end_ns = span.start_ns + 5'000'000;
    span.name = "GET /cart/{id}";
    span.kind = otlp::kKindServer;
    span.attributes = {static_cast<std::uint32_t>(batch.attributes.size()), 12};
    for (const char* key : {"http.request.method", "http.route", "url.scheme", "server.address",
                            "network.protocol.version", "user_agent.original", "thread.name",
                            "code.function.name", "deployment.environment", "client.address"}) {
      batch.attributes.emplace_back(key, otlp::Value::String("some value of an attribute"));
    }
    batch.attributes.emplace_back("http.response.status_code", otlp::Value::Int(200));
    batch.attributes.emplace_back("enduser.id",
                                  otlp::Value::String(batch.arena.Copy(std::to_string(i * 7919))));
    batch.spans.push_back(span);
  }
}

std::string Gzip(const std::string& text) {
  libdeflate_compressor* compressor = libdeflate_alloc_compressor(6);
  std::string out(libdeflate_gzip_compress_bound(compressor, text.size()), '\0');
  out.resize(
      libdeflate_gzip_compress(compressor, text.data(), text.size(), out.data(), out.size()));
  libdeflate_free_compressor(compressor);
  return out;
}

void Read(benchmark::State& state, const Arrival& arrival) {
  otlp::SpanBatch batch;
  Fill(batch);
  std::string body;
  if (arrival.format == Format::kJson) {
    EncodeTracesJson(batch, body);
  } else {
    EncodeTraces(batch, body);
  }
  if (arrival.coding == Coding::kGzip) body = Gzip(body);
  const Masker masker(MaskRules{});
  DeliveryReader reader(otlp::Limits(), masker);
  Delivery delivery;
  for (auto _ : state) {
    CHECK(reader.Read(arrival, body, {}, delivery).ok());
    CHECK(delivery.counts.Total().accepted == kSpans);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kSpans));
}

void BM_ReadGzip(benchmark::State& state) {
  Read(state, {.receiver = "bench", .coding = Coding::kGzip});
}
void BM_ReadPlain(benchmark::State& state) { Read(state, {.receiver = "bench"}); }
void BM_ReadJson(benchmark::State& state) {
  Read(state, {.receiver = "bench", .format = Format::kJson});
}
BENCHMARK(BM_ReadGzip);
BENCHMARK(BM_ReadPlain);
BENCHMARK(BM_ReadJson);

}  // namespace
}  // namespace ronda::trace::ingest
