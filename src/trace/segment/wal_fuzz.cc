#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/core/check.h"
#include "disk/simulated_file_system.h"
#include "trace/segment/compression.h"
#include "trace/segment/wal.h"

// Against a simple model, a list of bodies. Each input byte pair is a body's size or, past the
// records, a place that is damaged; whatever the damage, what is read is part of what was written, in
// order, and what was not touched is all there.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ronda::trace::segment;
  // Foreign bytes as they are.
  WalDamage damage;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  (void)ReadWal(input, damage, [](auto, const auto&) { return ronda::base::Ok(); });
  if (size < 4) return 0;

  ronda::disk::SimulatedFileSystem files;
  auto wal = WalWriter::Create(files, "wal", data[0]);
  CHECK(wal.ok());
  std::vector<std::string> bodies;
  std::vector<std::size_t> begins;
  const std::size_t records = 1 + data[1] % 8;
  for (std::size_t i = 0; i < records; ++i) {
    const std::size_t begin = 2 + i < size ? 2 + i : size - 1;
    bodies.emplace_back(input.substr(begin, data[begin] % 64));
    begins.push_back((*wal)->uncommitted_bytes());
    (*wal)->Append({.received_ns = i, .raw_size = i, .body = bodies.back()});
  }
  CHECK((*wal)->Commit().ok());
  std::string bytes = *files.Bytes("wal");
  begins.push_back(bytes.size());
  const std::size_t at = (data[2] * 256u + data[3]) % bytes.size();
  bytes[at] = static_cast<char>(bytes[at] ^ (data[size - 1] | 1));
  std::vector<bool> read(records);
  std::uint64_t last = 0;
  const auto status = ReadWal(bytes, damage, [&](std::uint64_t n, const WalRecord& record) {
    CHECK(n >= data[0] && n - data[0] < records && (last == 0 || n > last));
    CHECK(record.body == bodies[n - data[0]]);
    read[n - data[0]] = true;
    last = n;
    return ronda::base::Ok();
  });
  CHECK(status.ok());
  for (std::size_t i = 0; i < records; ++i) {
    CHECK(read[i] == !(at >= begins[i] && at < begins[i + 1]));
  }
  return 0;
}
