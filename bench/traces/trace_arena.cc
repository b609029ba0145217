// The reference set decoded by protobuf's generated code into an arena, and by ours, in turn: CPU time of
// each round. The arena keeps its first block between requests, as a server would.
//
//   trace_arena [--spans 300000] [--seed 1] [--rounds 5]

#include <google/protobuf/arena.h>

#include <cstdio>
#include <vector>

#include "../common.h"
#include "otlp_arena.pb.h"
#include "reference_set.h"
#include "wire/otlp/decode.h"

int main(int argc, char** argv) {
  using namespace ronda::bench;
  namespace otlp = ronda::wire::otlp;
  const Flags flags(argc, argv);
  const auto spans = static_cast<std::uint64_t>(flags.Number("--spans", 300'000));
  ReferenceSet reference(static_cast<std::uint64_t>(flags.Int("--seed", 1)));
  std::vector<ReferenceSet::Request> requests;
  std::uint64_t total = 0;
  while (total < spans) total += requests.emplace_back(reference.Next()).spans;

  std::vector<char> first(8 << 20);
  otlp::Decoder decoder{otlp::Limits()};
  otlp::SpanBatch batch;
  for (int round = 0; round < flags.Int("--rounds", 5); ++round) {
    std::uint64_t by_arena = 0, by_us = 0;
    double start = CpuSeconds();
    google::protobuf::ArenaOptions options;
    options.initial_block = first.data();
    options.initial_block_size = first.size();
    google::protobuf::Arena arena(options);
    for (const auto& request : requests) {
      auto* message = google::protobuf::Arena::CreateMessage<arena::Request>(&arena);
      if (!message->ParseFromString(request.bytes)) return 1;
      for (const auto& resource : message->resource_spans()) {
        for (const auto& scope : resource.scope_spans()) {
          by_arena += static_cast<std::uint64_t>(scope.spans_size());
        }
      }
      arena.Reset();
    }
    const double arena_seconds = CpuSeconds() - start;
    start = CpuSeconds();
    for (const auto& request : requests) {
      if (!decoder.DecodeTraces(request.bytes, batch).ok()) return 1;
      by_us += batch.spans.size();
    }
    const double seconds = CpuSeconds() - start;
    if (by_arena != total || by_us != total) return 1;
    std::printf("{\"round\":{\"arena_seconds\":%.4f,\"decode_seconds\":%.4f}}\n", arena_seconds,
                seconds);
    std::fflush(stdout);
  }
  return 0;
}
