#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/core/random.h"
#include "disk/file_system.h"

namespace ronda::disk {

// A folder in memory whose disk fails when a test says so, and forgets at a power cut what was not
// synced. Every call that changes something is a step; steps are counted. One thread.
class SimulatedFileSystem : public FileSystem {
 public:
  explicit SimulatedFileSystem(std::uint64_t seed = 1) : random_(seed) {}

  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
  // From step `step` on everything fails, as for a process that was killed in it.
  void DieAt(std::uint64_t step) { die_at_ = step; }
  // Steps `from` up to `to` fail, as on a full disk; a failing Append writes a part.
  void FailSteps(std::uint64_t from, std::uint64_t to) { fail_from_ = from, fail_to_ = to; }
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  [[nodiscard]] bool dead() const { return steps_ >= die_at_; }

  // The power is cut and comes back: of what was not synced, any part may be gone.
  void Reboot() {
    if (random_.Below(2) == 0) names_ = synced_names_;
    for (auto& [name, file] : names_) {
      file->bytes.resize(file->synced + random_.Below(file->bytes.size() - file->synced + 1));
      if (file->bytes.size() > file->synced && random_.Below(2) == 0) {
        file->bytes.back() = static_cast<char>(random_());  // a sector half written
      }
      file->synced = file->bytes.size();
    }
    synced_names_ = names_;
    die_at_ = fail_from_ = fail_to_ = kNever;
  }

  // To damage a file in place.
  [[nodiscard]] std::string* Bytes(const std::string& name) {
    const auto found = names_.find(name);
    return found == names_.end() ? nullptr : &found->second->bytes;
  }

  base::Result<std::unique_ptr<WritableFile>> Create(const std::string& name) override {
    RETURN_IF_ERROR(Step());
    names_[name] = std::make_shared<File>();
    return std::unique_ptr<WritableFile>(std::make_unique<Writable>(*this, names_[name]));
  }
  base::Result<std::unique_ptr<ReadableFile>> Open(const std::string& name) override {
    const auto found = names_.find(name);
    if (found == names_.end()) return base::NotFound("no file " + name);
    return std::unique_ptr<ReadableFile>(std::make_unique<Readable>(found->second));
  }
  base::Result<std::vector<std::string>> List() override {
    std::vector<std::string> names;
    for (const auto& [name, file] : names_) names.push_back(name);
    return names;
  }
  base::Status Rename(const std::string& from, const std::string& to) override {
    RETURN_IF_ERROR(Step());
    const auto found = names_.find(from);
    if (found == names_.end()) return base::NotFound("no file " + from);
    names_[to] = found->second;
    names_.erase(from);
    return base::Ok();
  }
  base::Status Remove(const std::string& name) override {
    RETURN_IF_ERROR(Step());
    return names_.erase(name) == 1 ? base::Ok() : base::NotFound("no file " + name);
  }
  base::Status LinkInto(FileSystem& to, const std::string& name) override {
    const auto found = names_.find(name);
    if (found == names_.end()) return base::NotFound("no file " + name);
    auto& other = dynamic_cast<SimulatedFileSystem&>(to);
    RETURN_IF_ERROR(other.Step());
    other.names_[name] = found->second;
    return base::Ok();
  }
  base::Status SyncFolder() override {
    RETURN_IF_ERROR(Step());
    synced_names_ = names_;
    return base::Ok();
  }

 private:
  struct File {
    std::string bytes;
    std::size_t synced = 0;
  };
  using Names = std::map<std::string, std::shared_ptr<File>>;

  class Writable : public WritableFile {
   public:
    Writable(SimulatedFileSystem& disk, std::shared_ptr<File> file)
        : disk_(disk), file_(std::move(file)) {}
    base::Status Append(std::string_view bytes) override {
      const base::Status status = disk_.Step();
      if (!status.ok()) bytes = bytes.substr(0, disk_.random_.Below(bytes.size() + 1));
      file_->bytes += bytes;
      return status;
    }
    base::Status Sync() override {
      RETURN_IF_ERROR(disk_.Step());
      file_->synced = file_->bytes.size();
      return base::Ok();
    }

   private:
    SimulatedFileSystem& disk_;
    std::shared_ptr<File> file_;
  };

  class Readable : public ReadableFile {
   public:
    explicit Readable(std::shared_ptr<const File> file) : file_(std::move(file)) {}
    std::uint64_t size() const override { return file_->bytes.size(); }
    base::Status Read(std::uint64_t offset, std::uint64_t size, std::string& out) const override {
      if (offset > file_->bytes.size() || size > file_->bytes.size() - offset) {
        return base::DataLoss("the file is too short");
      }
      out.assign(file_->bytes, offset, size);
      return base::Ok();
    }

   private:
    std::shared_ptr<const File> file_;
  };

  base::Status Step() {
    const std::uint64_t step = steps_++;
    if (step >= die_at_) return base::Unavailable("the process is dead");
    if (step >= fail_from_ && step < fail_to_) return base::ResourceExhausted("the disk is full");
    return base::Ok();
  }

  base::Random random_;
  Names names_;
  Names synced_names_;
  std::uint64_t steps_ = 0;
  std::uint64_t die_at_ = kNever;
  std::uint64_t fail_from_ = kNever;
  std::uint64_t fail_to_ = kNever;
};

}  // namespace ronda::disk
