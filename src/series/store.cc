#include "series/store.h"

#include <algorithm>
#include <bit>
#include <set>
#include <utility>

namespace ronda::series {
namespace {

constexpr std::string_view kAside = "damaged-";
// At most so many files become one at a time: what an upkeep holds in memory.
constexpr std::size_t kMostJoined = 16;

Manifest::Entry EntryOf(std::uint64_t id, std::uint64_t bytes, const FileInfo& info) {
  return {.id = id,
          .bytes = bytes,
          .step_s = info.step_s,
          .first_s = info.first_s,
          .last_s = info.last_s,
          .points = info.points};
}

// Files of about one size have the same: so that a file is written again few times.
int SizeClass(const Manifest::Entry& entry) { return std::bit_width(entry.bytes >> 14) / 2; }

base::Result<Manifest::Entry> WriteFile(disk::FileSystem& files, FileWriter& writer,
                                        std::uint64_t id, std::uint64_t through,
                                        std::vector<std::uint64_t> replaces) {
  const std::string bytes = writer.Finish(through, std::move(replaces));
  RETURN_IF_ERROR(WriteWhole(files, FileName(id), bytes));
  return EntryOf(id, bytes.size(), writer.info());
}

}  // namespace

base::Result<std::unique_ptr<Store>> Store::Open(disk::FileSystem& files,
                                                 const StoreOptions& options) {
  std::unique_ptr<Store> store(new Store(files, options));
  RETURN_IF_ERROR(store->Recover());
  return store;
}

base::Status Store::Recover() {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, files_.List());
  RETURN_IF_ERROR(RecoverManifest(names));
  RETURN_IF_ERROR(OpenFiles());
  std::set<std::string> known;
  for (const Manifest::Entry& entry : manifest_.files) known.insert(FileName(entry.id));
  for (const std::string& name : names) {
    if (name.starts_with(kFilePrefix) && !known.contains(name)) (void)files_.Remove(name);
  }
  return base::Ok();
}

base::Status Store::RecoverManifest(const std::vector<std::string>& names) {
  const std::string name(kManifestName);
  if (std::ranges::find(names, name) == names.end()) return RebuildManifest(names);
  ASSIGN_OR_RETURN(const std::string bytes, ReadWhole(files_, name));
  auto manifest = DecodeManifest(bytes);
  if (manifest.ok()) {
    manifest_ = *std::move(manifest);
    return base::Ok();
  }
  if (manifest.status().code() != base::Code::kDataLoss) return manifest.status();
  const std::string aside = std::string(kAside) + name;
  RETURN_IF_ERROR(files_.Rename(name, aside));
  notices_.push_back(manifest.status().message() + "; it is kept as " + aside +
                     " and made again from the files");
  return RebuildManifest(names);
}

// From the files; those that others were made of do not count.
base::Status Store::RebuildManifest(const std::vector<std::string>& names) {
  manifest_ = {};
  std::set<std::uint64_t> replaced;
  for (const std::string& name : names) {
    if (!name.starts_with(kFilePrefix)) continue;
    std::uint64_t id = 0;
    for (const char c : name.substr(kFilePrefix.size())) {
      id = id * 10 + static_cast<std::uint64_t>(c - '0');
    }
    if (FileName(id) != name) continue;
    manifest_.next_id = std::max(manifest_.next_id, id + 1);
    const auto file = OpenFile(id);
    if (!file.ok()) {
      if (file.status().code() != base::Code::kDataLoss) return file.status();
      manifest_.files.push_back({.id = id});  // OpenFiles sets it aside
      continue;
    }
    const FileInfo& info = (*file)->info();
    manifest_.files.push_back(EntryOf(id, (*file)->bytes(), info));
    manifest_.through = std::max(manifest_.through, info.through);
    replaced.insert(info.replaces.begin(), info.replaces.end());
  }
  std::erase_if(manifest_.files, [&](const auto& entry) { return replaced.contains(entry.id); });
  return WriteManifest(manifest_);
}

base::Result<std::shared_ptr<const File>> Store::OpenFile(std::uint64_t id) {
  ASSIGN_OR_RETURN(auto file, files_.Open(FileName(id)));
  ASSIGN_OR_RETURN(auto opened, File::Open(std::move(file)));
  return std::shared_ptr<const File>(std::move(opened));
}

base::Status Store::OpenFiles() {
  std::vector<std::pair<std::uint64_t, base::Status>> damaged;
  for (const Manifest::Entry& entry : manifest_.files) {
    auto file = OpenFile(entry.id);
    if (file.ok()) {
      open_[entry.id] = *std::move(file);
    } else if (file.status().code() == base::Code::kDataLoss ||
               file.status().code() == base::Code::kNotFound) {
      damaged.emplace_back(entry.id, file.status());
    } else {
      return file.status();
    }
  }
  for (const auto& [id, why] : damaged) RETURN_IF_ERROR(SetAside(id, why));
  return base::Ok();
}

base::Status Store::SetAside(std::uint64_t id, const base::Status& why) {
  Manifest next = manifest_;
  const auto entry = std::ranges::find(next.files, id, &Manifest::Entry::id);
  if (entry == next.files.end()) return base::Ok();
  const std::uint64_t points = entry->points;
  next.lost_points += points;
  next.files.erase(entry);
  RETURN_IF_ERROR(WriteManifest(std::move(next)));
  open_.erase(id);
  const std::string name = FileName(id), aside = std::string(kAside) + name;
  const base::Status kept = files_.Rename(name, aside);
  notices_.push_back(name + ": " + why.message() + "; " + std::to_string(points) +
                     " points are lost, everything else stays readable" +
                     (kept.ok() ? "; the file is kept as " + aside : ""));
  return base::Ok();
}

base::Status Store::WriteManifest(Manifest manifest) {
  RETURN_IF_ERROR(WriteWhole(files_, std::string(kManifestName), EncodeManifest(manifest)));
  manifest_ = std::move(manifest);
  return base::Ok();
}

base::Status Store::Add(const OpenPoints& points, std::uint64_t through) {
  if (through <= manifest_.through) return base::Ok();
  if (points.empty()) {
    Manifest next = manifest_;
    next.through = through;
    return WriteManifest(std::move(next));
  }
  FileWriter writer(options_.levels[0].step_s);
  points.WriteTo(writer);
  // An id is used once: after a failure nobody knows whether the manifest on disk has it.
  const std::uint64_t id = manifest_.next_id++;
  Manifest next = manifest_;
  ASSIGN_OR_RETURN(const Manifest::Entry entry, WriteFile(files_, writer, id, through, {}));
  ASSIGN_OR_RETURN(auto file, OpenFile(id));
  next.files.push_back(entry);
  next.through = through;
  RETURN_IF_ERROR(WriteManifest(std::move(next)));
  open_[id] = std::move(file);
  return base::Ok();
}

base::Status Store::Rewind(std::uint64_t through) {
  if (through >= manifest_.through) return base::Ok();
  Manifest next = manifest_;
  next.through = through;
  return WriteManifest(std::move(next));
}

const Level* Store::NextLevel(const Manifest::Entry& entry, std::uint64_t now_s) const {
  for (std::size_t i = 0; i + 1 < options_.levels.size(); ++i) {
    const Level& level = options_.levels[i];
    if (entry.step_s == level.step_s && entry.last_s + level.keep_s < now_s) {
      return &options_.levels[i + 1];
    }
  }
  return nullptr;
}

std::vector<Manifest::Entry> Store::Together(const Manifest::Entry& entry,
                                             std::uint64_t now_s) const {
  const Level* next = NextLevel(entry, now_s);
  const Level* level = next;
  for (const Level& l : options_.levels) {
    if (level == nullptr && l.step_s == entry.step_s) level = &l;
  }
  std::vector<Manifest::Entry> together;
  if (level == nullptr) return together;
  for (const Manifest::Entry& other : manifest_.files) {
    if (other.step_s == entry.step_s && NextLevel(other, now_s) == next &&
        other.last_s / level->window_s == entry.last_s / level->window_s &&
        (next != nullptr || SizeClass(other) == SizeClass(entry)) &&
        together.size() < kMostJoined) {
      together.push_back(other);
    }
  }
  return together;
}

std::optional<UpkeepPlan> Store::PlanUpkeep(std::uint64_t now_s, std::size_t least) {
  for (const Manifest::Entry& entry : manifest_.files) {
    const Level* next = NextLevel(entry, now_s);
    const std::vector<Manifest::Entry> together = Together(entry, now_s);
    if (together.size() < (next != nullptr ? 1 : std::max<std::size_t>(least, 2))) continue;
    UpkeepPlan plan{.id = manifest_.next_id++,
                    .step_s = next != nullptr ? next->step_s : entry.step_s};
    for (const Manifest::Entry& one : together) {
      plan.ids.push_back(one.id);
      plan.files.push_back(open_.at(one.id));
    }
    return plan;
  }
  return std::nullopt;
}

base::Status Store::FinishUpkeep(const UpkeepPlan& plan, const UpkeepOutcome& outcome) {
  if (outcome.damaged != 0) return SetAside(outcome.damaged, outcome.why);
  Manifest next = manifest_;
  const std::size_t gone = std::erase_if(next.files, [&](const Manifest::Entry& entry) {
    return std::ranges::find(plan.ids, entry.id) != plan.ids.end();
  });
  if (gone != plan.ids.size()) {  // dropped or set aside meanwhile
    (void)files_.Remove(FileName(plan.id));
    return base::Ok();
  }
  ASSIGN_OR_RETURN(auto file, OpenFile(plan.id));
  next.files.push_back(outcome.entry);
  RETURN_IF_ERROR(WriteManifest(std::move(next)));
  open_[plan.id] = std::move(file);
  for (const std::uint64_t id : plan.ids) {
    open_.erase(id);
    (void)files_.Remove(FileName(id));
  }
  return base::Ok();
}

base::Status Store::Drop(std::uint64_t now_s) {
  const Level& last = options_.levels.back();
  Manifest next = manifest_;
  std::erase_if(next.files, [&](const Manifest::Entry& entry) {
    return entry.step_s == last.step_s && entry.last_s + last.keep_s < now_s;
  });
  if (next.files.size() == manifest_.files.size()) return base::Ok();
  RETURN_IF_ERROR(WriteManifest(std::move(next)));
  std::erase_if(open_, [&](const auto& file) {
    const bool gone = std::ranges::find(manifest_.files, file.first, &Manifest::Entry::id) ==
                      manifest_.files.end();
    if (gone) (void)files_.Remove(FileName(file.first));
    return gone;
  });
  return base::Ok();
}

base::Status Store::BackUp(disk::FileSystem& to) const {
  for (const Manifest::Entry& entry : manifest_.files) {
    RETURN_IF_ERROR(files_.LinkInto(to, FileName(entry.id)));
  }
  RETURN_IF_ERROR(to.SyncFolder());
  return WriteWhole(to, std::string(kManifestName), EncodeManifest(manifest_));
}

Source::Files Store::files() const {
  Source::Files files;
  for (const auto& [id, file] : open_) files.push_back(file);
  return files;
}

}  // namespace ronda::series
