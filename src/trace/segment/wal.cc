#include "trace/segment/wal.h"

#include "base/core/varint.h"
#include "trace/segment/compression.h"

namespace ronda::trace::segment {
namespace {

constexpr std::string_view kMagic = "RNDAWAL1";
constexpr std::uint32_t kVersion = 2;
constexpr std::size_t kFileHeader = 32;
constexpr std::string_view kMark = "RWR2";
constexpr std::string_view kMarkWithoutNote = "RWR1";  // of version 1
constexpr std::string_view kAnyMark = "RWR";
constexpr std::size_t kRecordHeader = 24;
constexpr std::size_t kMostPayload = 1u << 30;

// The checksum of a record: of its mark, size and number, and with that as seed of the payload.
std::uint64_t ChecksumOf(std::string_view head, std::string_view payload) {
  return Hash(payload, Hash(head));
}

// False unless a good record begins `bytes`.
bool ReadRecord(std::string_view bytes, std::uint64_t& sequence, std::string_view& payload) {
  if (bytes.size() < kRecordHeader) return false;
  if (!bytes.starts_with(kMark) && !bytes.starts_with(kMarkWithoutNote)) return false;
  const std::uint32_t size = Fixed32At(bytes.data() + 4);
  if (size > kMostPayload || size > bytes.size() - kRecordHeader) return false;
  payload = bytes.substr(kRecordHeader, size);
  if (Fixed64At(bytes.data() + 16) != ChecksumOf(bytes.substr(0, 16), payload)) return false;
  sequence = Fixed64At(bytes.data() + 8);
  return true;
}

bool ReadPayload(std::string_view payload, std::string_view mark, WalRecord& record) {
  base::VarintReader reader(payload);
  std::uint64_t signal = 0, encoding = 0;
  if (!reader.Next(record.received_ns) ||
      !reader.NextUpTo(static_cast<std::uint64_t>(Signal::kMetrics), signal) ||
      !reader.NextUpTo(2, encoding) || !reader.Next(record.raw_size)) {
    return false;
  }
  if (mark == kMark && !reader.NextBytes(record.note)) return false;
  record.signal = static_cast<Signal>(signal);
  record.encoding = static_cast<BodyEncoding>(encoding);
  record.body = payload.substr(payload.size() - reader.left());
  return true;
}

}  // namespace

WalWriter::WalWriter(FileSystem& files, std::unique_ptr<WritableFile> file, std::uint64_t first)
    : files_(files), file_(std::move(file)), first_(first), next_(first) {
  buffer_ = kMagic;
  PutFixed32(kVersion, buffer_);
  PutFixed32(0, buffer_);
  PutFixed64(first, buffer_);
  PutFixed64(Hash(buffer_), buffer_);
}

base::Result<std::unique_ptr<WalWriter>> WalWriter::Create(FileSystem& files,
                                                           const std::string& name,
                                                           std::uint64_t first) {
  ASSIGN_OR_RETURN(auto file, files.Create(name));
  return std::unique_ptr<WalWriter>(new WalWriter(files, std::move(file), first));
}

std::uint64_t WalWriter::Append(const WalRecord& record) {
  const std::size_t begin = buffer_.size();
  buffer_ += kMark;
  PutFixed32(0, buffer_);
  PutFixed64(next_, buffer_);
  PutFixed64(0, buffer_);
  base::PutVarint(record.received_ns, buffer_);
  base::PutVarint(static_cast<std::uint64_t>(record.signal), buffer_);
  base::PutVarint(static_cast<std::uint64_t>(record.encoding), buffer_);
  base::PutVarint(record.raw_size, buffer_);
  base::PutBytes(record.note, buffer_);
  buffer_ += record.body;
  const auto size = static_cast<std::uint32_t>(buffer_.size() - begin - kRecordHeader);
  char* head = buffer_.data() + begin;
  __builtin_memcpy(head + 4, &size, sizeof size);
  const std::uint64_t checksum = ChecksumOf({head, 16}, {head + kRecordHeader, size});
  __builtin_memcpy(head + 16, &checksum, sizeof checksum);
  return next_++;
}

base::Status WalWriter::Commit() {
  if (buffer_.empty()) return base::Ok();
  RETURN_IF_ERROR(file_->Append(buffer_));
  RETURN_IF_ERROR(file_->Sync());
  if (!named_) RETURN_IF_ERROR(files_.SyncFolder());
  named_ = true;
  file_bytes_ += buffer_.size();
  buffer_.clear();
  return base::Ok();
}

base::Result<std::uint64_t> FirstOfWal(std::string_view bytes) {
  if (bytes.size() < kFileHeader || !bytes.starts_with(kMagic) ||
      Fixed64At(bytes.data() + 24) != Hash(bytes.substr(0, 24))) {
    return base::DataLoss("no header of a write-ahead log");
  }
  if (Fixed32At(bytes.data() + 8) > kVersion) {
    return base::FailedPrecondition("the write-ahead log was written by a newer Ronda (format " +
                                    std::to_string(Fixed32At(bytes.data() + 8)) +
                                    "): start that version, or a newer one");
  }
  return Fixed64At(bytes.data() + 16);
}

base::Status ReadWal(std::string_view bytes, WalDamage& damage,
                     const std::function<base::Status(std::uint64_t, const WalRecord&)>& visit) {
  damage = {};
  std::size_t at = 0;
  std::uint64_t expected = 0;
  const auto first = FirstOfWal(bytes);
  if (first.ok()) {
    at = kFileHeader;
    expected = *first;
  } else if (first.status().code() == base::Code::kFailedPrecondition) {
    return first.status();
  }
  std::uint64_t bad = 0;  // bytes since the last good record
  while (at < bytes.size()) {
    std::uint64_t sequence = 0;
    std::string_view payload;
    WalRecord record;
    if (!ReadRecord(bytes.substr(at), sequence, payload) || sequence < expected ||
        !ReadPayload(payload, bytes.substr(at, kMark.size()), record)) {
      // On to the next mark: what lies between two good records is damage, the rest a torn tail.
      const std::size_t next = std::min(bytes.find(kAnyMark, at + 1), bytes.size());
      bad += next - at;
      at = next;
      continue;
    }
    damage.damaged_bytes += bad;
    bad = 0;
    if (first.ok() || expected > 0) damage.lost_records += sequence - expected;
    expected = sequence + 1;
    at += kRecordHeader + payload.size();
    record.sequence = sequence;
    RETURN_IF_ERROR(visit(sequence, record));
  }
  damage.torn_bytes = bad;
  return base::Ok();
}

}  // namespace ronda::trace::segment
