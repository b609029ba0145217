#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/core/status.h"
#include "disk/file_system.h"
#include "series/file.h"
#include "series/manifest.h"
#include "series/open_points.h"
#include "series/source.h"

namespace ronda::series {

// How fine points are, and for how long: older ones become points of the next level, and past the last
// level they are dropped.
struct Level {
  std::uint64_t step_s = 0;
  std::uint64_t keep_s = 0;
  std::uint64_t window_s = 0;  // files whose last points lie in the same one are joined
};

struct StoreOptions {
  std::array<Level, 3> levels = {
      {{10, 6 * 3600, 3600}, {60, 7 * 86'400, 86'400}, {3600, 400 * 86'400, 30 * 86'400}}};
};

// Files that become one, as Store::PlanUpkeep says.
struct UpkeepPlan {
  std::uint64_t id = 0;
  std::uint64_t step_s = 0;
  std::vector<std::uint64_t> ids = {};
  std::vector<std::shared_ptr<const File>> files = {};
};

// What RunUpkeep made of a plan: a file that is written, or the finding that one is damaged.
struct UpkeepOutcome {
  Manifest::Entry entry = {};
  std::uint64_t damaged = 0;  // its id; 0: none
  base::Status why = {};
};

// Writes the file of a plan, from any thread. After a failure the plan is void.
[[nodiscard]] base::Result<UpkeepOutcome> RunUpkeep(disk::FileSystem& files,
                                                    const UpkeepPlan& plan);

// Series on disk, in a folder that it may share with other stores: contributions come in order and each
// is counted exactly once, whatever fails and at whatever moment the process dies. Every measurement is
// in one file, at one level.
//
// Owned by one thread; files() may be handed to others.
class Store {
 public:
  // Opens what is in the folder; damaged files are set aside, `notices()` says which.
  [[nodiscard]] static base::Result<std::unique_ptr<Store>> Open(disk::FileSystem& files,
                                                                 const StoreOptions& options = {});

  // The last contribution that is in the files.
  [[nodiscard]] std::uint64_t through() const { return manifest_.through; }
  // Takes the contributions after through() up to `through`, whose points are `points`; Ok means that they
  // are durable. After a failure they may be or not: Add them again, with whatever came meanwhile, unless
  // through() says that they are.
  [[nodiscard]] base::Status Add(const OpenPoints& points, std::uint64_t through);
  // Contributions past `through` do not exist after all: numbers are given again from there.
  [[nodiscard]] base::Status Rewind(std::uint64_t through);

  // What to make of the files that are there at `now_s` (since 1970): those too old for their level go to
  // the next, and `least` or more of one window and about one size become one. Nothing when all is well.
  // One plan at a time: RunUpkeep it, then finish or forget it.
  [[nodiscard]] std::optional<UpkeepPlan> PlanUpkeep(std::uint64_t now_s, std::size_t least = 2);
  [[nodiscard]] base::Status FinishUpkeep(const UpkeepPlan& plan, const UpkeepOutcome& outcome);
  // Drops what the last level does not keep at `now_s`.
  [[nodiscard]] base::Status Drop(std::uint64_t now_s);

  // Makes `to`, a folder without series, a copy of the files that are there now.
  [[nodiscard]] base::Status BackUp(disk::FileSystem& to) const;

  // In the order in which they were made.
  [[nodiscard]] Source::Files files() const;
  [[nodiscard]] const Manifest& manifest() const { return manifest_; }
  [[nodiscard]] const std::vector<std::string>& notices() const { return notices_; }

 private:
  Store(disk::FileSystem& files, const StoreOptions& options) : files_(files), options_(options) {}

  base::Status Recover();
  base::Status RecoverManifest(const std::vector<std::string>& names);
  base::Status RebuildManifest(const std::vector<std::string>& names);
  base::Status OpenFiles();
  base::Result<std::shared_ptr<const File>> OpenFile(std::uint64_t id);
  base::Status WriteManifest(Manifest manifest);
  base::Status SetAside(std::uint64_t id, const base::Status& why);
  // The files that belong together with `entry` at `now_s`; fewer than two and it stays as it is, unless
  // it goes to another level.
  [[nodiscard]] std::vector<Manifest::Entry> Together(const Manifest::Entry& entry,
                                                      std::uint64_t now_s) const;
  [[nodiscard]] const Level* NextLevel(const Manifest::Entry& entry, std::uint64_t now_s) const;

  disk::FileSystem& files_;
  StoreOptions options_;
  Manifest manifest_;
  std::map<std::uint64_t, std::shared_ptr<const File>> open_;  // by id
  std::vector<std::string> notices_;
};

}  // namespace ronda::series
