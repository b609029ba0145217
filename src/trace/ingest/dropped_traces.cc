#include "trace/ingest/dropped_traces.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "trace/segment/compression.h"

namespace ronda::trace::ingest {
namespace {

using segment::Fixed32At;
using segment::Fixed64At;
using segment::PutFixed32;
using segment::PutFixed64;

constexpr std::string_view kPrefix = "dropped-";
constexpr std::string_view kMagic = "RNDADROP";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kHeader = 24;  // magic, version, 0, time
constexpr std::size_t kChecksum = 8;

std::string NameOfFile(std::uint64_t number) { return fmt::format("{}{:012}", kPrefix, number); }

// The number in a file's name.
std::optional<std::uint64_t> NumberOf(std::string_view name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  std::uint64_t number = 0;
  for (const char c : name.substr(kPrefix.size())) {
    number = number * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return NameOfFile(number) == name ? std::optional(number) : std::nullopt;
}

}  // namespace

std::string EncodeDropped(const DroppedFile& file) {
  std::string out(kMagic);
  PutFixed32(kVersion, out);
  PutFixed32(0, out);
  PutFixed64(file.decided_ns, out);
  for (const std::uint64_t hash : file.hashes) PutFixed64(hash, out);
  PutFixed64(segment::Hash(out), out);
  return out;
}

base::Result<DroppedFile> DecodeDropped(std::string_view bytes) {
  if (bytes.size() < kHeader + kChecksum || !bytes.starts_with(kMagic) || bytes.size() % 8 != 0 ||
      Fixed64At(bytes.data() + bytes.size() - kChecksum) !=
          segment::Hash(bytes.substr(0, bytes.size() - kChecksum))) {
    return base::DataLoss("the list of traces that were not kept is damaged");
  }
  if (Fixed32At(bytes.data() + 8) > kVersion) {
    return base::FailedPrecondition(
        fmt::format("a list of traces that were not kept was written by a newer Ronda (format {}): "
                    "start that version, or a newer one",
                    Fixed32At(bytes.data() + 8)));
  }
  DroppedFile file{.decided_ns = Fixed64At(bytes.data() + 16), .hashes = {}};
  for (std::size_t at = kHeader; at < bytes.size() - kChecksum; at += 8) {
    file.hashes.push_back(Fixed64At(bytes.data() + at));
  }
  if (!std::ranges::is_sorted(file.hashes)) {
    return base::DataLoss("the list of traces that were not kept is out of order");
  }
  return file;
}

base::Result<DroppedTraces> DroppedTraces::Open(segment::FileSystem& files,
                                                std::uint64_t remember_ns) {
  DroppedTraces dropped(files, remember_ns);
  ASSIGN_OR_RETURN(const std::vector<std::string> names, files.List());
  for (const std::string& name : names) {
    const auto number = NumberOf(name);
    if (!number) {
      if (name.ends_with(segment::kUnfinished)) (void)files.Remove(name);
      continue;
    }
    dropped.next_ = std::max(dropped.next_, *number + 1);
    ASSIGN_OR_RETURN(const std::string bytes, ReadWhole(files, name));
    auto file = DecodeDropped(bytes);
    if (file.ok()) {
      dropped.rounds_.push_back({*number, file->decided_ns, std::move(file->hashes)});
    } else if (file.status().code() == base::Code::kDataLoss) {
      const std::string aside = "damaged-" + name;
      RETURN_IF_ERROR(files.Rename(name, aside));
      dropped.notices_.push_back(name + ": " + file.status().message() + "; it is kept as " +
                                 aside + "; spans that come late for its traces are judged anew");
    } else {
      return file.status();
    }
  }
  return dropped;
}

std::vector<std::uint64_t> DroppedTraces::Known(const std::vector<std::uint64_t>& hashes) const {
  std::vector<std::uint64_t> known, more, found;
  for (const Round& round : rounds_) {
    found.clear();
    std::ranges::set_intersection(hashes, round.hashes, std::back_inserter(found));
    if (found.empty()) continue;
    more.clear();
    std::ranges::set_union(known, found, std::back_inserter(more));
    known.swap(more);
  }
  return known;
}

base::Status DroppedTraces::Add(const std::vector<std::uint64_t>& hashes, std::uint64_t now_ns) {
  Forget(now_ns);
  if (hashes.empty()) return base::Ok();
  DroppedFile file{.decided_ns = now_ns, .hashes = {}};
  // Small rounds share a file, if that keeps none of them much longer.
  const bool joins = !rounds_.empty() && rounds_.back().hashes.size() < kSmall &&
                     now_ns - std::min(now_ns, rounds_.back().decided_ns) < remember_ns_ / 8;
  if (joins) {
    std::ranges::set_union(rounds_.back().hashes, hashes, std::back_inserter(file.hashes));
  } else {
    file.hashes = hashes;
  }
  const std::uint64_t number = next_++;
  RETURN_IF_ERROR(WriteWhole(*files_, NameOfFile(number), EncodeDropped(file)));
  if (joins) {
    // Should its file stay, it says nothing that the new one does not.
    (void)files_->Remove(NameOfFile(rounds_.back().number));
    rounds_.pop_back();
  }
  rounds_.push_back({number, now_ns, std::move(file.hashes)});
  return base::Ok();
}

void DroppedTraces::Forget(std::uint64_t now_ns) {
  std::size_t known = size();
  while (!rounds_.empty()) {
    const Round& oldest = rounds_.front();
    const bool old = now_ns > oldest.decided_ns && now_ns - oldest.decided_ns > remember_ns_;
    if (!old && known <= kMost) return;
    known -= oldest.hashes.size();
    (void)files_->Remove(NameOfFile(oldest.number));
    rounds_.pop_front();
  }
}

std::size_t DroppedTraces::size() const {
  std::size_t sum = 0;
  for (const Round& round : rounds_) sum += round.hashes.size();
  return sum;
}

}  // namespace ronda::trace::ingest
