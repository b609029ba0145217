#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/check.h"
#include "series/file.h"
#include "series/manifest.h"
#include "series/value.h"

namespace {

using namespace ronda;

class Bytes : public disk::ReadableFile {
 public:
  explicit Bytes(std::string bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t size() const override { return bytes_.size(); }
  base::Status Read(std::uint64_t offset, std::uint64_t size, std::string& out) const override {
    if (offset > bytes_.size() || size > bytes_.size() - offset) return base::DataLoss("too short");
    out.assign(bytes_, offset, size);
    return base::Ok();
  }

 private:
  std::string bytes_;
};

// A file around one chunk, whose checksums are right: what the chunk says is foreign.
std::string FileAround(std::string_view chunk) {
  disk::Compressor compressor;
  std::string out(series::kFileMagic), keys, footer, key;
  series::PutKey(series::Kind::kHistogram, "m", {}, key);
  base::PutBytes(key, keys);
  const auto piece = [&](std::string_view raw) {
    const std::size_t begin = out.size();
    compressor.Compress(raw, 1, out);
    return series::Piece{.offset = begin,
                         .size = out.size() - begin,
                         .raw_size = raw.size(),
                         .hash = disk::Hash(std::string_view(out).substr(begin))};
  };
  const series::Piece of_chunk = piece(chunk), of_keys = piece(keys);
  for (const std::uint64_t value : {1, 10, 0, 0, 1, 1, 0, 1}) base::PutVarint(value, footer);
  PutPiece(of_keys, footer);
  base::PutVarint(1, footer);
  PutPiece(of_chunk, footer);
  base::PutVarint(1, footer);
  out += footer;
  disk::PutFixed32(static_cast<std::uint32_t>(footer.size()), out);
  disk::PutFixed64(disk::Hash(footer), out);
  return out += series::kFileMagic;
}

void ReadFile(std::string bytes) {
  const auto file = series::File::Open(std::make_unique<Bytes>(std::move(bytes)));
  if (!file.ok()) return;
  series::FileCursor cursor(**file);
  std::vector<series::Point> points;
  series::Sum sum;
  for (std::size_t i = 0; i < (*file)->series(); ++i) {
    if (!cursor.Read(i, points).ok()) continue;
    for (const series::Point& point : points) {
      (void)sum.Add(static_cast<series::Kind>((*file)->KeyAt(i)[0]), point.value);
    }
  }
}

// Values of one kind, each behind its size: what they add up in is a value of that kind.
void AddValues(std::string_view bytes) {
  base::VarintReader reader(bytes);
  std::uint64_t kind = 0;
  if (!reader.NextUpTo(static_cast<std::uint64_t>(series::kLastKind), kind)) return;
  const auto of = static_cast<series::Kind>(kind);
  if (!IsMetric(of)) return;
  series::Sum sum, again;
  std::string_view value;
  while (reader.NextBytes(value)) (void)sum.Add(of, value);
  if (sum.metric() == nullptr) return;
  for (const double q : {0.0, 0.5, 1.0}) (void)sum.metric()->histogram().total.Quantile(q);
  std::string once, twice;
  sum.Encode(of, once);
  if (!again.Add(of, once).ok()) return;  // nothing was added
  again.Encode(of, twice);
  CHECK(once == twice);
}

}  // namespace

// The first byte says what the rest is: a file, what a chunk has, a key, values, a list of files.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 5) {
    case 0: ReadFile(std::string(bytes)); break;
    case 1: ReadFile(FileAround(bytes)); break;
    case 2: {
      series::Key key;
      if (!series::ReadKey(bytes, key)) break;
      std::string again;
      PutKey(key.kind, key.metric, key.labels, again);
      series::Key same;
      CHECK(series::ReadKey(again, same) && same.labels == key.labels);
      break;
    }
    case 3: AddValues(bytes); break;
    default: {
      std::string summed(bytes);
      disk::PutFixed64(disk::Hash(summed), summed);
      const auto manifest = series::DecodeManifest(summed);
      if (manifest.ok()) {
        CHECK(*series::DecodeManifest(EncodeManifest(*manifest)) == *manifest);
      }
    }
  }
  return 0;
}
