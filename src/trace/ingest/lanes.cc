#include "trace/ingest/lanes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "base/json_writer.h"

namespace ronda::trace::ingest {
namespace {

constexpr std::string_view kLogs = "logs-00";
constexpr std::string_view kMetrics = "metrics-00";
constexpr std::string_view kSampling = "sampling";
constexpr std::string_view kBackups = "backups";

base::Status CheckBackupName(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  if (name.empty() || name.size() > 100 || name.front() == '.' ||
      name.ends_with(segment::kUnfinished) || !std::ranges::all_of(name, fits)) {
    return base::InvalidArgument(
        "a backup\'s name has up to 100 letters, digits, \'.\', \'_\' "
        "and \'-\', and no \'.\' in front");
  }
  return base::Ok();
}

// Backups that a process which was killed had begun.
void RemoveUnfinished(const std::string& backups) {
  std::error_code error;
  std::vector<std::filesystem::path> unfinished;
  for (std::filesystem::directory_iterator at(backups, error), end; !error && at != end;
       at.increment(error)) {
    if (at->path().string().ends_with(segment::kUnfinished)) unfinished.push_back(at->path());
  }
  for (const auto& path : unfinished) std::filesystem::remove_all(path, error);
}

std::string LaneName(std::size_t number) { return fmt::format("lane-{:02}", number); }

base::Result<int> LockFolder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return base::FromErrno("make " + folder, error.value());
  const std::string name = folder + "/LOCK";
  const int lock = open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return base::FromErrno("open " + name, errno);
  if (flock(lock, LOCK_EX | LOCK_NB) == 0) return lock;
  close(lock);
  return base::Unavailable(folder +
                           " is in use by another process: stop it, or name another folder");
}

void PutTally(const Tally& tally, base::JsonWriter& json) {
  json.Field("received", tally.received).Field("accepted", tally.accepted);
  json.Field("deduplicated", tally.deduplicated).Key("rejected").Object();
  for (std::size_t i = 0; i < kRejections; ++i) {
    if (tally.rejected[i] > 0) json.Field(NameOf(static_cast<Rejection>(i)), tally.rejected[i]);
  }
  json.EndObject().Field("refused_requests", tally.refused_requests);
  json.Field("masked_values", tally.masked_values);
}

void PutPlace(const Place& place, base::JsonWriter& json) {
  json.Field("stored", place.stored).Field("expired", place.expired).Field("lost", place.lost);
  json.Field("sampled_out", place.sampled_out).Field("deleted", place.deleted);
}

// The members of an object.
void PutStanding(const Standing& standing, base::JsonWriter& json) {
  Place all;
  for (const auto& [key, place] : standing.places) all.Add(place);
  PutTally(standing.ledger.Total(), json);
  PutPlace(all, json);
  json.Field("in_block", standing.spans.in_block).Field("in_segments", standing.spans.in_segments);
  json.Field("lost_requests", standing.spans.lost_records).Field("segments", standing.segments);
  json.Field("segment_bytes", standing.segment_bytes).Key("by").List();
  for (const auto& [key, tally] : standing.ledger.tallies()) {
    const auto at = standing.places.find(key);
    json.Object().Field("receiver", key.first).Field("service", key.second);
    PutTally(tally, json);
    PutPlace(at == standing.places.end() ? Place() : at->second, json);
    json.EndObject();
  }
  json.EndList();
}

}  // namespace

Lanes::Lanes(const LanesOptions& options)
    : options_(options), masker_(options.mask), memory_(options.memory_bytes) {}

base::Result<std::unique_ptr<Lanes>> Lanes::Open(const std::string& folder,
                                                 const LanesOptions& options,
                                                 const base::Clock& clock, base::Log& log) {
  std::unique_ptr<Lanes> lanes(new Lanes(options));
  lanes->folder_ = folder;
  ASSIGN_OR_RETURN(lanes->lock_, LockFolder(folder));
  RemoveUnfinished(folder + "/" + std::string(kBackups));
  RETURN_IF_ERROR(lanes->OpenLanes(folder, clock, log));
  RETURN_IF_ERROR(lanes->OpenSampler(folder, clock, log));
  return lanes;
}

base::Result<std::unique_ptr<Lane>> Lanes::OpenLane(const std::string& folder,
                                                    const LaneOptions& options,
                                                    const base::Clock& clock, base::Log& log) {
  ASSIGN_OR_RETURN(auto files, segment::OpenFolder(folder));
  files_.push_back(std::move(files));
  return Lane::Open(
      *files_.back(), options, masker_, clock, log,
      [this](std::unique_ptr<Delivery> delivery) { deliveries_.Give(std::move(delivery)); });
}

base::Status Lanes::OpenLanes(const std::string& folder, const base::Clock& clock, base::Log& log) {
  std::size_t count = options_.lanes;
  std::error_code ignored;
  while (std::filesystem::exists(folder + "/" + LaneName(count), ignored)) ++count;
  LaneOptions lane = options_.lane;
  lane.retain_bytes /= count + 1;  // metrics have no segments
  for (std::size_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(auto opened, OpenLane(folder + "/" + LaneName(i), lane, clock, log));
    lanes_.push_back(std::move(opened));
  }
  lane.store.signal = segment::Signal::kLogs;
  ASSIGN_OR_RETURN(logs_, OpenLane(folder + "/" + std::string(kLogs), lane, clock, log));
  lane.store.signal = segment::Signal::kMetrics;
  ASSIGN_OR_RETURN(metrics_, OpenLane(folder + "/" + std::string(kMetrics), lane, clock, log));
  return base::Ok();
}

Lanes::~Lanes() {
  Stop();
  lanes_.clear();
  logs_.reset();
  metrics_.reset();
  if (lock_ >= 0) close(lock_);
}

base::Status Lanes::OpenSampler(const std::string& folder, const base::Clock& clock,
                                base::Log& log) {
  if (!options_.sampling.on) return base::Ok();
  ASSIGN_OR_RETURN(auto files, segment::OpenFolder(folder + "/" + std::string(kSampling)));
  files_.push_back(std::move(files));
  ASSIGN_OR_RETURN(sampler_, TailSampler::Open(*files_.back(), options_.sampling, clock, log));
  sampling_ = std::thread([this, &log] { KeepSampling(log); });
  return base::Ok();
}

base::Result<bool> Lanes::SampleOnce() {
  const std::lock_guard lock(round_mutex_);
  return sampler_->Round(lanes_);
}

void Lanes::KeepSampling(base::Log& log) {
  std::string said;
  const auto pause = std::chrono::nanoseconds(options_.lane.upkeep_ns);
  const auto stopped = [&](std::chrono::nanoseconds wait) {
    std::unique_lock lock(sampling_mutex_);
    return sampling_wake_.wait_for(lock, wait, [&] { return stopping_; });
  };
  while (!stopped(pause)) {
    auto more = SampleOnce();
    while (more.ok() && *more && !stopped({})) more = SampleOnce();
    if (more.ok() || more.status().message() == said) continue;
    said = more.status().message();
    log.Warning("traces: sampling: " + said);
  }
}

void Lanes::Stop() {
  {
    const std::lock_guard lock(sampling_mutex_);
    stopping_ = true;
    sampling_wake_.notify_all();
  }
  if (sampling_.joinable()) sampling_.join();
  for (const auto& lane : lanes_) lane->Stop();
  if (logs_) logs_->Stop();
  if (metrics_) metrics_->Stop();
}

base::Result<Deleted> Lanes::DeleteService(const std::string& service, std::uint64_t deadline_ns) {
  Deleted all;
  const auto add = [&](Lane& lane) -> base::Status {
    ASSIGN_OR_RETURN(const Deleted one, lane.DeleteService(service, deadline_ns));
    all.spans += one.spans;
    all.done = all.done && one.done;
    return base::Ok();
  };
  for (const auto& lane : lanes_) RETURN_IF_ERROR(add(*lane));
  RETURN_IF_ERROR(add(*logs_));
  return all;
}

base::Result<std::string> Lanes::BackUp(const std::string& name) {
  RETURN_IF_ERROR(CheckBackupName(name));
  const std::lock_guard one(backup_mutex_);
  const std::string all = folder_ + "/" + std::string(kBackups), made = all + "/" + name;
  std::error_code error;
  if (std::filesystem::exists(made, error)) {
    return base::AlreadyExists("there is a backup \"" + name + "\": take another name");
  }
  const std::string unfinished = made + std::string(segment::kUnfinished);
  std::filesystem::remove_all(unfinished, error);  // of a process that was killed meanwhile
  std::filesystem::create_directories(unfinished, error);
  if (error) return base::FromErrno("make " + unfinished, error.value());
  const base::Status copied = BackUpInto(unfinished);
  if (copied.ok()) std::filesystem::rename(unfinished, made, error);
  if (copied.ok() && !error) {
    ASSIGN_OR_RETURN(const auto files, segment::OpenFolder(all));
    RETURN_IF_ERROR(files->SyncFolder());
    return made;
  }
  std::error_code ignored;
  std::filesystem::remove_all(unfinished, ignored);
  return copied.ok() ? base::FromErrno("name " + made, error.value()) : copied;
}

base::Status Lanes::BackUpInto(const std::string& folder) {
  // Lanes first: what they have of a trace that a later round drops is then known to be dropped.
  const std::lock_guard no_round(round_mutex_);
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    ASSIGN_OR_RETURN(const auto to, segment::OpenFolder(folder + "/" + LaneName(i)));
    RETURN_IF_ERROR(lanes_[i]->BackUp(*to));
  }
  ASSIGN_OR_RETURN(const auto to, segment::OpenFolder(folder + "/" + std::string(kLogs)));
  RETURN_IF_ERROR(logs_->BackUp(*to));
  ASSIGN_OR_RETURN(const auto to_metrics,
                   segment::OpenFolder(folder + "/" + std::string(kMetrics)));
  RETURN_IF_ERROR(metrics_->BackUp(*to_metrics));
  if (sampler_) {
    ASSIGN_OR_RETURN(const auto from, segment::OpenFolder(folder_ + "/" + std::string(kSampling)));
    ASSIGN_OR_RETURN(const auto verdicts,
                     segment::OpenFolder(folder + "/" + std::string(kSampling)));
    ASSIGN_OR_RETURN(const std::vector<std::string> names, from->List());
    for (const std::string& name : names) RETURN_IF_ERROR(from->LinkInto(*verdicts, name));
    RETURN_IF_ERROR(verdicts->SyncFolder());
  }
  ASSIGN_OR_RETURN(const auto whole, segment::OpenFolder(folder));
  return whole->SyncFolder();
}

// The same body goes to the same lane, which knows it again.
Lane& Lanes::LaneOf(segment::Signal signal, const Digest& digest) {
  switch (signal) {
    case segment::Signal::kLogs: return *logs_;
    case segment::Signal::kMetrics: return *metrics_;
    case segment::Signal::kTraces: break;
  }
  return *lanes_[digest.high % lanes_.size()];
}

void Lanes::Take(const Arrival& arrival, std::string body, base::ByteReservation memory,
                 Done done) {
  auto reader = readers_.Take();
  if (!reader) reader = std::make_unique<DeliveryReader>(wire::otlp::Limits(), masker_);
  auto delivery = deliveries_.Take();
  if (!delivery) delivery = std::make_unique<Delivery>();
  const base::Status read = reader->Read(arrival, std::move(body), std::move(memory), *delivery);
  readers_.Give(std::move(reader));
  if (!read.ok()) {
    if (delivery->counts.empty()) {
      CountRefused(arrival.receiver, arrival.signal);
    } else {
      LaneOf(arrival.signal, delivery->digest)
          .Count(AsRejected(delivery->counts, Rejection::kOverload));
    }
    delivery->Clear();
    deliveries_.Give(std::move(delivery));
    return done(read, {});
  }
  delivery->done = [done = std::move(done), report = delivery->report](const base::Status& status) {
    done(status, report);
  };
  Lane& lane = LaneOf(arrival.signal, delivery->digest);
  lane.Submit(std::move(delivery));
}

void Lanes::CountRefused(std::string_view receiver, segment::Signal signal) {
  Ledger counts;
  ++counts.At(receiver, "").refused_requests;
  LaneOf(signal, {}).Count(counts);
}

segment::Source::Segments Lanes::Snapshot(const ReadBlock& read) {
  Segments all;
  for (const auto& lane : lanes_) {
    for (auto& segment : lane->Snapshot(read)) all.push_back(std::move(segment));
  }
  return all;
}

series::Source::Files Lanes::RedSource::Snapshot(const ReadOpen& read) {
  Files all;
  for (const auto& lane : lanes_.lanes_) {
    for (auto& file : lane->SeriesSnapshot(read)) all.push_back(std::move(file));
  }
  return all;
}

Standing Lanes::standing() const {
  Standing all;
  std::vector<Places> places;
  for (const auto& lane : lanes_) {
    Standing one = lane->standing();
    all.ledger.Add(one.ledger);
    all.spans.Add(one.spans);
    all.segments += one.segments;
    all.segment_bytes += one.segment_bytes;
    places.push_back(std::move(one.places));
  }
  // The sum may know fewer names than its parts.
  for (const Places& part : places) {
    for (const auto& [key, place] : part) {
      all.places[all.ledger.KeyOf(key.first, key.second)].Add(place);
    }
  }
  return all;
}

std::string LedgerJson(const Standing& spans, const Standing& logs, const Standing& metrics) {
  base::JsonWriter json;
  json.Object();
  PutStanding(spans, json);
  json.Key("logs").Object();
  PutStanding(logs, json);
  json.EndObject().Key("metrics").Object();
  PutStanding(metrics, json);
  json.EndObject().EndObject();
  return std::move(json.out);
}

}  // namespace ronda::trace::ingest
