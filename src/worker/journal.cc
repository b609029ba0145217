#include "worker/journal.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/core/varint.h"
#include "disk/compression.h"
#include "wire/worker/part.h"

namespace ronda::worker {
namespace {

constexpr std::string_view kPrefix = "parts-";
constexpr char kBegun = 'B';
constexpr char kFinished = 'F';
constexpr char kForgotten = 'X';
// A file is written anew when it has grown by so much.
constexpr std::uint64_t kRewriteBytes = 8u << 20;

// Kind, length, payload, and a checksum of all that.
void Frame(char kind, std::string_view payload, std::string& out) {
  const std::size_t begin = out.size();
  out += kind;
  base::PutBytes(payload, out);
  const std::uint64_t sum = disk::Hash(std::string_view(out).substr(begin));
  char bytes[8];
  std::memcpy(bytes, &sum, 8);
  out.append(bytes, 8);
}

std::uint64_t NumberOf(std::string_view name) {
  if (!name.starts_with(kPrefix)) return 0;
  name.remove_prefix(kPrefix.size());
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  return error == std::errc() && end == name.data() + name.size() ? number : 0;
}

}  // namespace

base::Result<std::unique_ptr<Journal>> Journal::Open(disk::FileSystem& files) {
  auto journal = std::unique_ptr<Journal>(new Journal(files));
  RETURN_IF_ERROR(journal->Read());
  for (const auto& [key, entry] : journal->entries_) {
    if (entry.done.empty()) journal->interrupted_.push_back(entry.part);
  }
  RETURN_IF_ERROR(journal->Rewrite());
  return journal;
}

base::Status Journal::Read() {
  ASSIGN_OR_RETURN(std::vector<std::string> names, files_.List());
  std::erase_if(names, [](const std::string& name) { return NumberOf(name) == 0; });
  std::ranges::sort(names, {}, NumberOf);
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(const std::string bytes, disk::ReadWhole(files_, name));
    ReadFile(bytes);
    number_ = NumberOf(name);
  }
  return base::Ok();
}

void Journal::ReadFile(std::string_view bytes) {
  while (!bytes.empty()) {
    base::VarintReader reader(bytes.substr(1));
    std::string_view payload;
    if (!reader.NextBytes(payload)) return;
    const std::size_t framed =
        static_cast<std::size_t>(payload.data() - bytes.data()) + payload.size();
    std::uint64_t sum = 0;
    if (bytes.size() < framed + 8) return;
    std::memcpy(&sum, bytes.data() + framed, 8);
    if (sum != disk::Hash(bytes.substr(0, framed))) return;
    Apply(bytes[0], payload);
    bytes.remove_prefix(framed + 8);
  }
}

void Journal::Apply(char kind, std::string_view payload) {
  const std::string bytes(payload);
  wire::worker::PartId part;
  wire::worker::Done done;
  if (kind == kFinished) {
    if (!done.ParseFromString(bytes)) return;
    part = done.part();
  } else if (!part.ParseFromString(bytes)) {
    return;
  }
  const std::string key = wire::worker::KeyOf(part);
  if (kind == kForgotten) {
    entries_.erase(key);
    return;
  }
  Entry& entry = entries_[key];
  entry.part = part;
  entry.done = kind == kFinished ? bytes : std::string();
}

// All that still matters, in a new file; then the older ones go.
base::Status Journal::Rewrite() {
  std::string bytes;
  for (const auto& [key, entry] : entries_) {
    if (entry.done.empty()) {
      Frame(kBegun, entry.part.SerializeAsString(), bytes);
    } else {
      Frame(kFinished, entry.done, bytes);
    }
  }
  const std::string name = std::string(kPrefix) + std::to_string(number_ + 1);
  ASSIGN_OR_RETURN(auto file, files_.Create(name));
  RETURN_IF_ERROR(file->Append(bytes));
  RETURN_IF_ERROR(file->Sync());
  RETURN_IF_ERROR(files_.SyncFolder());
  ++number_;
  file_ = std::move(file);
  broken_ = false;
  live_ = written_ = bytes.size();
  ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.List());
  for (const std::string& old : names) {
    const std::uint64_t number = NumberOf(old);
    if (number != 0 && number < number_) RETURN_IF_ERROR(files_.Remove(old));
  }
  return base::Ok();
}

base::Status Journal::Write(char kind, std::string_view payload) {
  std::string bytes;
  Frame(kind, payload, bytes);
  written_ += bytes.size();
  base::Status written = file_->Append(bytes);
  broken_ |= !written.ok();
  return written;
}

base::Status Journal::Begin(std::span<const wire::worker::PartId> parts) {
  if (broken_ || written_ > live_ + kRewriteBytes) RETURN_IF_ERROR(Rewrite());
  for (const wire::worker::PartId& part : parts) {
    const std::string payload = part.SerializeAsString();
    Apply(kBegun, payload);
    RETURN_IF_ERROR(Write(kBegun, payload));
  }
  base::Status synced = file_->Sync();
  broken_ |= !synced.ok();
  return synced;
}

base::Status Journal::Finish(const wire::worker::Done& done) {
  const std::string payload = done.SerializeAsString();
  Apply(kFinished, payload);
  return Write(kFinished, payload);
}

base::Status Journal::Forget(const wire::worker::PartId& part) {
  if (!entries_.contains(wire::worker::KeyOf(part))) return base::Ok();
  const std::string payload = part.SerializeAsString();
  Apply(kForgotten, payload);
  return Write(kForgotten, payload);
}

std::vector<wire::worker::Done> Journal::Finished() const {
  std::vector<wire::worker::Done> finished;
  for (const auto& [key, entry] : entries_) {
    if (entry.done.empty()) continue;
    wire::worker::Done done;
    if (done.ParseFromString(entry.done)) finished.push_back(std::move(done));
  }
  return finished;
}

}  // namespace ronda::worker
