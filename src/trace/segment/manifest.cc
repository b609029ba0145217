#include "trace/segment/manifest.h"

#include <map>

#include "base/core/varint.h"
#include "trace/segment/compression.h"

namespace ronda::trace::segment {
namespace {

constexpr std::string_view kMagic = "RNDAMAN1";
constexpr std::uint64_t kVersion = 3;
constexpr std::uint64_t kWithCensus = 3;  // the first version that has one

std::string Numbered(std::string_view kind, std::uint64_t number) {
  std::string digits = std::to_string(number);
  return std::string(kind) + "-" + std::string(digits.size() < 12 ? 12 - digits.size() : 0, '0') +
         digits;
}

// Origins are written once, in front, and counts name them by number.
class OriginWriter {
 public:
  void Put(const Census& census, std::string& out) {
    base::PutVarint(census.counts().size(), out);
    for (const auto& [origin, spans] : census.counts()) {
      const auto number = numbers_.try_emplace(origin, numbers_.size()).first->second;
      if (number == origins_.size()) origins_.push_back(&origin);
      base::PutVarint(number, out);
      base::PutVarint(spans, out);
    }
  }
  void PutOrigins(std::string& out) const {
    base::PutVarint(origins_.size(), out);
    for (const Origin* origin : origins_) {
      base::PutBytes(origin->receiver, out);
      base::PutBytes(origin->service, out);
    }
  }

 private:
  std::map<Origin, std::uint64_t> numbers_;
  std::vector<const Origin*> origins_;
};

using Origins = std::vector<Origin>;

bool ReadOrigins(base::VarintReader& reader, Origins& origins) {
  std::uint64_t count = 0;
  if (!reader.NextUpTo(reader.left(), count)) return false;
  for (; count > 0; --count) {
    std::string_view receiver, service;
    if (!reader.NextBytes(receiver) || !reader.NextBytes(service)) return false;
    origins.push_back({std::string(receiver), std::string(service)});
  }
  return true;
}

bool ReadCensus(base::VarintReader& reader, const Origins& origins, Census& census) {
  std::uint64_t count = 0;
  if (!reader.NextUpTo(reader.left(), count)) return false;
  for (; count > 0; --count) {
    std::uint64_t number = 0, spans = 0;
    if (!reader.Next(number) || number >= origins.size() || !reader.Next(spans)) return false;
    census.Add(origins[number], spans);
  }
  return true;
}

// Before there was a census: whose they were is not known.
bool ReadGoneCounts(base::VarintReader& reader, Manifest& manifest) {
  std::uint64_t expired = 0, lost = 0;
  if (!reader.Next(expired) || !reader.Next(lost)) return false;
  manifest.Of(Gone::kExpired).Add({}, expired);
  manifest.Of(Gone::kLost).Add({}, lost);
  return true;
}

bool ReadGone(base::VarintReader& reader, Origins& origins, Manifest& manifest) {
  if (!reader.Next(manifest.lost_records) || !ReadOrigins(reader, origins)) return false;
  for (Census& census : manifest.gone) {
    if (!ReadCensus(reader, origins, census)) return false;
  }
  return true;
}

bool ReadEntry(base::VarintReader& reader, std::uint64_t version, const Origins& origins,
               Manifest::Entry& entry) {
  for (std::uint64_t* value :
       {&entry.id, &entry.rows, &entry.bytes, &entry.partition_ns, &entry.merged}) {
    if (!reader.Next(*value)) return false;
  }
  if (version < kWithCensus) return true;
  std::uint64_t sampled = 0, known = 0;
  if (!reader.Next(entry.received_ns) || !reader.NextUpTo(1, sampled) ||
      !reader.NextUpTo(1, known)) {
    return false;
  }
  entry.sampled = sampled == 1;
  if (known == 0) return true;
  Census census;
  if (!ReadCensus(reader, origins, census)) return false;
  entry.census = std::make_shared<const Census>(std::move(census));
  return true;
}

bool ReadBody(base::VarintReader& reader, std::uint64_t version, Manifest& manifest) {
  std::uint64_t count = 0;
  Origins origins;
  if (!reader.Next(manifest.next_id) || !reader.Next(manifest.sealed_through) ||
      !(version < kWithCensus ? ReadGoneCounts(reader, manifest)
                              : ReadGone(reader, origins, manifest)) ||
      !reader.NextUpTo(reader.left(), count)) {
    return false;
  }
  manifest.segments.resize(count);
  for (Manifest::Entry& entry : manifest.segments) {
    if (!ReadEntry(reader, version, origins, entry)) return false;
  }
  std::string_view note;
  if (version >= 2 && !reader.NextBytes(note)) return false;
  manifest.note = note;
  return reader.at_end();
}

void PutEntry(const Manifest::Entry& entry, OriginWriter& origins, std::string& out) {
  for (const std::uint64_t value :
       {entry.id, entry.rows, entry.bytes, entry.partition_ns, entry.merged, entry.received_ns,
        std::uint64_t{entry.sampled}, std::uint64_t{entry.census != nullptr}}) {
    base::PutVarint(value, out);
  }
  if (entry.census) origins.Put(*entry.census, out);
}

}  // namespace

std::string SegmentName(std::uint64_t id) { return Numbered("segment", id); }
std::string WalName(std::uint64_t first) { return Numbered("wal", first); }

std::string EncodeManifest(const Manifest& manifest) {
  OriginWriter origins;
  std::string counts;  // comes after the origins that it names
  for (const Census& census : manifest.gone) origins.Put(census, counts);
  base::PutVarint(manifest.segments.size(), counts);
  for (const Manifest::Entry& entry : manifest.segments) PutEntry(entry, origins, counts);
  std::string out(kMagic);
  for (const std::uint64_t value :
       {kVersion, manifest.next_id, manifest.sealed_through, manifest.lost_records}) {
    base::PutVarint(value, out);
  }
  origins.PutOrigins(out);
  out += counts;
  base::PutBytes(manifest.note, out);
  PutFixed64(Hash(out), out);
  return out;
}

base::Result<Manifest> DecodeManifest(std::string_view bytes) {
  const base::Status damaged = base::DataLoss("the manifest is damaged");
  if (bytes.size() < kMagic.size() + 8 || !bytes.starts_with(kMagic)) return damaged;
  const std::string_view body = bytes.substr(0, bytes.size() - 8);
  if (Fixed64At(bytes.data() + body.size()) != Hash(body)) return damaged;
  base::VarintReader reader(body.substr(kMagic.size()));
  std::uint64_t version = 0;
  if (!reader.Next(version)) return damaged;
  if (version > kVersion) {
    return base::FailedPrecondition("the manifest was written by a newer Ronda (format " +
                                    std::to_string(version) +
                                    "): start that version, or a newer one");
  }
  Manifest manifest;
  if (!ReadBody(reader, version, manifest)) return damaged;
  return manifest;
}

}  // namespace ronda::trace::segment
