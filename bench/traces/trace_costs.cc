// What the trace store costs, in this process, on the reference set: CPU time of a bare walk over the
// requests, of decoding them, and of the whole way from bytes in memory to a log written, segments
// sealed and rate, errors and durations kept; then bytes on disk after merging, and the time that traces by id take.
//
//   trace_costs --dir DIR [--spans 1000000] [--seed 1] [--rounds 5] [--traces 500]
//   trace_costs --dir DIR --requests FILE [--rounds 5]    what tests/sdks/run --capture wrote
//
// Prints one JSON object a line: the set, each round, the disk, the queries. Ends with 1 when what is read
// back is not what was written. DIR is emptied before each round and left with the last one's files.

#include <xxhash.h>
#include <zstd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <protozero/pbf_reader.hpp>
#include <vector>

#include "../common.h"
#include "reference_set.h"
#include "series/store.h"
#include "trace/ingest/red.h"
#include "trace/segment/compression.h"
#include "trace/segment/store.h"
#include "wire/otlp/decode.h"
#include "wire/otlp/otlp_test_util.h"

namespace ronda::bench {
namespace {

namespace otlp = wire::otlp;
namespace segment = trace::segment;

constexpr int kRequestsACommit = 16;
constexpr std::uint64_t kReceivedNs = 1'787'000'000'000'000'000;

template <typename T>
T Must(base::Result<T> result) {
  if (result.ok()) return std::move(result).value();
  std::fprintf(stderr, "trace_costs: %s\n", result.status().ToString().c_str());
  std::exit(1);
}

void Must(const base::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "trace_costs: %s\n", status.ToString().c_str());
  std::exit(1);
}

struct Set {
  std::vector<ReferenceSet::Request> requests;
  std::uint64_t spans = 0, bytes = 0;
};

void Take(ReferenceSet::Request request, Set& set) {
  set.spans += request.spans;
  set.bytes += request.bytes.size();
  set.requests.push_back(std::move(request));
}

Set ReadSet(const std::string& file) {
  Set set;
  otlp::Decoder decoder{otlp::Limits()};
  otlp::SpanBatch batch;
  std::ifstream in(file, std::ios::binary);
  for (std::uint32_t size = 0; in.read(reinterpret_cast<char*>(&size), sizeof size);) {
    ReferenceSet::Request request{.bytes = std::string(size, '\0')};
    if (!in.read(request.bytes.data(), size)) Must(base::DataLoss("the file ends in a request"));
    Must(decoder.DecodeTraces(request.bytes, batch));
    request.spans = static_cast<std::uint32_t>(batch.spans.size());
    Take(std::move(request), set);
  }
  if (set.spans == 0) Must(base::DataLoss("no spans in " + file));
  return set;
}

Set MakeSet(std::uint64_t seed, std::uint64_t spans) {
  Set set;
  ReferenceSet reference(seed);
  while (set.spans < spans) Take(reference.Next(), set);
  for (ReferenceSet::Request& request : reference.Rest()) Take(std::move(request), set);
  return set;
}

void PrintSet(const Set& set, std::uint64_t seed) {
  XXH3_state_t* state = XXH3_createState();
  XXH3_64bits_reset(state);
  for (const auto& request : set.requests)
    XXH3_64bits_update(state, request.bytes.data(), request.bytes.size());
  std::printf(
      "{\"set\":{\"seed\":%lu,\"spans\":%lu,\"requests\":%zu,\"bytes\":%lu,\"xxh3\":\"%016lx\"}}\n",
      seed, set.spans, set.requests.size(), set.bytes,
      static_cast<std::uint64_t>(XXH3_64bits_digest(state)));
  std::fflush(stdout);
  XXH3_freeState(state);
}

// ---- the bare walk: every field looked at, nothing kept

std::uint64_t WalkAny(protozero::pbf_reader any) {
  std::uint64_t sum = 0;
  while (any.next()) {
    switch (any.wire_type()) {
      case protozero::pbf_wire_type::length_delimited: sum += any.get_view().size(); break;
      case protozero::pbf_wire_type::fixed64: sum += any.get_fixed64(); break;
      default: sum += any.get_uint64();
    }
  }
  return sum;
}

std::uint64_t WalkPair(protozero::pbf_reader pair) {
  std::uint64_t sum = 0;
  while (pair.next()) sum += pair.tag() == 1 ? pair.get_view().size() : WalkAny(pair.get_message());
  return sum;
}

std::uint64_t WalkEvent(protozero::pbf_reader event) {
  std::uint64_t sum = 0;
  while (event.next()) {
    switch (event.tag()) {
      case 1: sum += event.get_fixed64(); break;
      case 2: sum += event.get_view().size(); break;
      case 3: sum += WalkPair(event.get_message()); break;
      default: event.skip();
    }
  }
  return sum;
}

std::uint64_t WalkSpan(protozero::pbf_reader span) {
  std::uint64_t sum = 0;
  while (span.next()) {
    switch (span.tag()) {
      case 1:
      case 2:
      case 4:
      case 5: sum += span.get_view().size(); break;
      case 6: sum += span.get_uint32(); break;
      case 7:
      case 8: sum += span.get_fixed64(); break;
      case 9: sum += WalkPair(span.get_message()); break;
      case 11: sum += WalkEvent(span.get_message()); break;
      case 15: sum += WalkAny(span.get_message()); break;
      case 16: sum += span.get_fixed32(); break;
      default: span.skip();
    }
  }
  return sum;
}

std::uint64_t WalkScopeSpans(protozero::pbf_reader scope_spans) {
  std::uint64_t sum = 0;
  while (scope_spans.next()) {
    if (scope_spans.tag() == 2) {
      sum += WalkSpan(scope_spans.get_message());
    } else {
      sum += scope_spans.get_view().size();
    }
  }
  return sum;
}

std::uint64_t Walk(const std::string& request) {
  std::uint64_t sum = 0;
  for (protozero::pbf_reader message(request); message.next();) {
    for (protozero::pbf_reader resource_spans = message.get_message(); resource_spans.next();) {
      switch (resource_spans.tag()) {
        case 1:
          for (protozero::pbf_reader resource = resource_spans.get_message(); resource.next();) {
            if (resource.tag() == 1) {
              sum += WalkPair(resource.get_message());
            } else {
              resource.skip();
            }
          }
          break;
        case 2: sum += WalkScopeSpans(resource_spans.get_message()); break;
        default: sum += resource_spans.get_view().size();
      }
    }
  }
  return sum;
}

// ---- what is measured

std::uint64_t walked = 0;  // so that nobody optimises the walk away

double WalkAll(const Set& set) {
  const double start = CpuSeconds();
  for (const auto& request : set.requests) walked += Walk(request.bytes);
  return CpuSeconds() - start;
}

double DecodeAll(const Set& set) {
  otlp::Decoder decoder{otlp::Limits()};
  otlp::SpanBatch batch;
  std::uint64_t spans = 0;
  const double start = CpuSeconds();
  for (const auto& request : set.requests) {
    Must(decoder.DecodeTraces(request.bytes, batch));
    spans += batch.spans.size();
  }
  const double took = CpuSeconds() - start;
  if (spans != set.spans) Must(base::DataLoss("the decoder lost spans"));
  return took;
}

struct Stored {
  std::unique_ptr<segment::FileSystem> files;
  std::unique_ptr<series::Store> red;
  std::unique_ptr<segment::Store> store;
  double seconds = 0;
  double red_seconds = 0;  // of those, for rate, errors and durations
};

Stored StoreAll(const Set& set, const std::string& folder) {
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  Stored stored;
  stored.files = Must(segment::OpenFolder(folder));
  stored.store = Must(segment::Store::Open(
      *stored.files, {}, [](const segment::WalRecord&, otlp::SpanBatch&) { return base::Ok(); }));
  stored.red = Must(series::Store::Open(*stored.files));
  trace::ingest::RedMeter meter;
  stored.store->set_note([&](std::uint64_t through) -> base::Result<std::string> {
    const double begin = CpuSeconds();
    Must(stored.red->Add(meter.open(), through));
    meter.Clear();
    stored.red_seconds += CpuSeconds() - begin;
    return std::string();
  });
  otlp::Decoder decoder{otlp::Limits()};
  otlp::SpanBatch batch;
  segment::Compressor compressor;
  std::string body;
  int uncommitted = 0;
  const double start = CpuSeconds();
  for (const auto& request : set.requests) {
    Must(decoder.DecodeTraces(request.bytes, batch));
    body.clear();
    compressor.Compress(request.bytes, -5, body);
    Must(stored.store
             ->Append({.received_ns = kReceivedNs,
                       .encoding = segment::BodyEncoding::kZstd,
                       .raw_size = request.bytes.size(),
                       .body = body},
                      batch)
             .status());
    const double begin = CpuSeconds();
    meter.Measure(batch, kReceivedNs);
    stored.red_seconds += CpuSeconds() - begin;
    if (++uncommitted < kRequestsACommit) continue;
    uncommitted = 0;
    Must(stored.store->Commit());
  }
  Must(stored.store->Seal());
  stored.store->set_note(nullptr);
  stored.seconds = CpuSeconds() - start;
  return stored;
}

// The same for equal spans in any order.
std::uint64_t DigestOf(const otlp::SpanBatch& batch) {
  std::uint64_t sum = 0;
  for (const std::string& span : otlp::CanonicalSpans(batch)) sum += segment::Hash(span);
  return sum;
}

std::uint64_t DigestOf(const Set& set) {
  otlp::Decoder decoder{otlp::Limits()};
  otlp::SpanBatch batch;
  std::uint64_t sum = 0;
  for (const auto& request : set.requests) {
    Must(decoder.DecodeTraces(request.bytes, batch));
    sum += DigestOf(batch);
  }
  return sum;
}

std::uint64_t DigestOf(const segment::Store& store) {
  static constexpr std::uint32_t kRows = 512;
  std::uint64_t sum = 0;
  otlp::SpanBatch batch;
  for (const auto& reader : store.segments()) {
    const auto rows = static_cast<std::uint32_t>(reader->info().rows);
    for (std::uint32_t begin = 0; begin < rows; begin += kRows) {
      batch.Clear();
      Must(reader->Read({.begin = begin, .count = std::min(kRows, rows - begin)}, batch));
      sum += DigestOf(batch);
    }
  }
  return sum;
}

std::uint64_t FolderBytes(const std::string& folder) {
  std::uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) bytes += entry.file_size();
  return bytes;
}

// All requests as one stream, `zstd -3`.
std::uint64_t Zstd3Bytes(const Set& set) {
  std::string raw;
  raw.reserve(set.bytes);
  for (const auto& request : set.requests) raw += request.bytes;
  std::string out(ZSTD_compressBound(raw.size()), '\0');
  return ZSTD_compress(out.data(), out.size(), raw.data(), raw.size(), 3);
}

void MeasureDisk(const Set& set, Stored& stored, const std::string& folder) {
  const std::uint64_t sealed = FolderBytes(folder);
  const double start = CpuSeconds();
  while (Must(stored.store->Merge())) {
  }
  const double merge_seconds = CpuSeconds() - start;
  const bool same = DigestOf(set) == DigestOf(*stored.store);
  std::printf(
      "{\"disk\":{\"sealed_bytes\":%lu,\"merged_bytes\":%lu,\"zstd3_bytes\":%lu,\"merge_seconds\":%"
      ".3f,"
      "\"same\":%s}}\n",
      sealed, FolderBytes(folder), Zstd3Bytes(set), merge_seconds, same ? "true" : "false");
  std::fflush(stdout);
  if (!same) std::exit(1);
}

void MeasureTraces(const Set& set, segment::Store& store, int traces) {
  otlp::Decoder decoder{otlp::Limits()};
  otlp::SpanBatch batch, trace;
  SplitMix random(7);
  std::vector<double> ms;
  for (int i = 0; i < traces; ++i) {
    Must(decoder.DecodeTraces(set.requests[random.Below(set.requests.size())].bytes, batch));
    const base::TraceId id = batch.spans[random.Below(batch.spans.size())].trace;
    trace.Clear();
    const std::uint64_t start = NowNs();
    Must(store.ReadTrace(id, trace));
    ms.push_back(static_cast<double>(NowNs() - start) / 1e6);
    if (trace.spans.empty()) Must(base::DataLoss("a trace is gone"));
  }
  std::ranges::sort(ms);
  std::printf("{\"by_id\":{\"traces\":%d,\"segments\":%zu,\"p50_ms\":%.3f,\"p99_ms\":%.3f}}\n",
              traces, store.segments().size(), ms[ms.size() / 2], ms[ms.size() * 99 / 100]);
}

}  // namespace
}  // namespace ronda::bench

int main(int argc, char** argv) {
  using namespace ronda::bench;
  const Flags flags(argc, argv);
  const std::string folder = flags.Text("--dir", "");
  if (folder.empty()) {
    std::fputs("trace_costs: --dir is missing\n", stderr);
    return 2;
  }
  const int rounds = std::max(1, flags.Int("--rounds", 5));
  const auto seed = static_cast<std::uint64_t>(flags.Int("--seed", 1));
  const std::string file = flags.Text("--requests", "");
  const Set set = file.empty()
                      ? MakeSet(seed, static_cast<std::uint64_t>(flags.Int("--spans", 1'000'000)))
                      : ReadSet(file);
  PrintSet(set, seed);
  Stored stored;
  for (int round = 0; round < rounds; ++round) {
    stored = {};
    const double before = WalkAll(set);
    const double decode = DecodeAll(set);
    stored = StoreAll(set, folder);
    const double after = WalkAll(set);
    std::printf(
        "{\"round\":{\"walk_seconds\":%.4f,\"decode_seconds\":%.4f,\"ingest_seconds\":%.4f,"
        "\"red_seconds\":%.4f}}\n",
        (before + after) / 2, decode, stored.seconds, stored.red_seconds);
    std::fflush(stdout);
  }
  MeasureDisk(set, stored, folder);
  MeasureTraces(set, *stored.store, std::max(1, flags.Int("--traces", 500)));
  return walked == 0 ? 1 : 0;
}
