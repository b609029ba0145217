#include "trace/segment/manifest.h"

#include "base/core/varint.h"
#include "trace/segment/compression.h"

namespace ronda::trace::segment {
namespace {

constexpr std::string_view kMagic = "RNDAMAN1";
constexpr std::uint64_t kVersion = 2;

std::string Numbered(std::string_view kind, std::uint64_t number) {
  std::string digits = std::to_string(number);
  return std::string(kind) + "-" + std::string(digits.size() < 12 ? 12 - digits.size() : 0, '0') +
         digits;
}

bool ReadEntries(base::VarintReader& reader, std::uint64_t version, Manifest& manifest) {
  std::uint64_t count = 0;
  if (!reader.Next(manifest.next_id) || !reader.Next(manifest.sealed_through) ||
      !reader.Next(manifest.expired) || !reader.Next(manifest.lost) ||
      !reader.NextUpTo(reader.left(), count)) {
    return false;
  }
  manifest.segments.resize(count);
  for (Manifest::Entry& entry : manifest.segments) {
    for (std::uint64_t* value :
         {&entry.id, &entry.rows, &entry.bytes, &entry.partition_ns, &entry.merged}) {
      if (!reader.Next(*value)) return false;
    }
  }
  std::string_view note;
  if (version >= 2 && !reader.NextBytes(note)) return false;
  manifest.note = note;
  return reader.at_end();
}

}  // namespace

std::string SegmentName(std::uint64_t id) { return Numbered("segment", id); }
std::string WalName(std::uint64_t first) { return Numbered("wal", first); }

std::string EncodeManifest(const Manifest& manifest) {
  std::string out(kMagic);
  for (const std::uint64_t value :
       {kVersion, manifest.next_id, manifest.sealed_through, manifest.expired, manifest.lost,
        std::uint64_t{manifest.segments.size()}}) {
    base::PutVarint(value, out);
  }
  for (const Manifest::Entry& entry : manifest.segments) {
    for (const std::uint64_t value :
         {entry.id, entry.rows, entry.bytes, entry.partition_ns, entry.merged}) {
      base::PutVarint(value, out);
    }
  }
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
  if (!ReadEntries(reader, version, manifest)) return damaged;
  return manifest;
}

}  // namespace ronda::trace::segment
