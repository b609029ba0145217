#include "series/manifest.h"

#include "base/core/varint.h"
#include "disk/compression.h"

namespace ronda::series {
namespace {

constexpr std::string_view kMagic = "RNDASMA1";
constexpr std::uint64_t kVersion = 1;

bool ReadEntries(base::VarintReader& reader, Manifest& manifest) {
  std::uint64_t count = 0;
  if (!reader.Next(manifest.next_id) || !reader.Next(manifest.through) ||
      !reader.Next(manifest.lost_points) || !reader.NextUpTo(reader.left(), count)) {
    return false;
  }
  manifest.files.resize(count);
  for (Manifest::Entry& e : manifest.files) {
    for (std::uint64_t* value : {&e.id, &e.bytes, &e.step_s, &e.first_s, &e.last_s, &e.points}) {
      if (!reader.Next(*value)) return false;
    }
  }
  return reader.at_end();
}

}  // namespace

std::string FileName(std::uint64_t id) {
  const std::string digits = std::to_string(id);
  return std::string(kFilePrefix) + std::string(digits.size() < 12 ? 12 - digits.size() : 0, '0') +
         digits;
}

std::string EncodeManifest(const Manifest& manifest) {
  std::string out(kMagic);
  for (const std::uint64_t value : {kVersion, manifest.next_id, manifest.through,
                                    manifest.lost_points, std::uint64_t{manifest.files.size()}}) {
    base::PutVarint(value, out);
  }
  for (const Manifest::Entry& e : manifest.files) {
    for (const std::uint64_t value : {e.id, e.bytes, e.step_s, e.first_s, e.last_s, e.points}) {
      base::PutVarint(value, out);
    }
  }
  disk::PutFixed64(disk::Hash(out), out);
  return out;
}

base::Result<Manifest> DecodeManifest(std::string_view bytes) {
  const base::Status damaged = base::DataLoss("the list of series files is damaged");
  if (bytes.size() < kMagic.size() + 8 || !bytes.starts_with(kMagic)) return damaged;
  const std::string_view body = bytes.substr(0, bytes.size() - 8);
  if (disk::Fixed64At(bytes.data() + body.size()) != disk::Hash(body)) return damaged;
  base::VarintReader reader(body.substr(kMagic.size()));
  std::uint64_t version = 0;
  if (!reader.Next(version)) return damaged;
  if (version > kVersion) {
    return base::FailedPrecondition(
        "the list of series files was written by a newer Ronda (format " + std::to_string(version) +
        "): start that version, or a newer one");
  }
  Manifest manifest;
  if (!ReadEntries(reader, manifest)) return damaged;
  return manifest;
}

}  // namespace ronda::series
