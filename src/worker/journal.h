#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/status.h"
#include "disk/file_system.h"
#include "wire/worker/worker.pb.h"

namespace ronda::worker {

// What a worker must remember if its process dies: which parts it was executing, and the results that no
// server has acknowledged (docs/formats/worker-journal.md). Begin is durable when it returns, so that
// nothing is ever executed that a later life does not know of. One thread.
class Journal {
 public:
  // Reads what earlier lives left. What is torn at a file's end (the process died there) is left out.
  // `files` outlives it.
  [[nodiscard]] static base::Result<std::unique_ptr<Journal>> Open(disk::FileSystem& files);

  // Of earlier lives, when it was opened.
  [[nodiscard]] const std::vector<wire::worker::PartId>& interrupted() const {
    return interrupted_;
  }
  [[nodiscard]] std::vector<wire::worker::Done> Finished() const;

  // Those parts are going to be executed. Durable.
  [[nodiscard]] base::Status Begin(std::span<const wire::worker::PartId> parts);
  // Survives the end of the process; of the machine's only with the next Begin.
  [[nodiscard]] base::Status Finish(const wire::worker::Done& done);
  // A server has its result, or does not want to hear of it.
  [[nodiscard]] base::Status Forget(const wire::worker::PartId& part);

 private:
  struct Entry {
    wire::worker::PartId part;
    std::string done;  // serialized; empty: not finished
  };

  explicit Journal(disk::FileSystem& files) : files_(files) {}
  [[nodiscard]] base::Status Read();
  void ReadFile(std::string_view bytes);
  void Apply(char kind, std::string_view payload);
  [[nodiscard]] base::Status Rewrite();
  [[nodiscard]] base::Status Write(char kind, std::string_view payload);

  disk::FileSystem& files_;
  std::unique_ptr<disk::WritableFile> file_;
  std::string file_name_;
  std::uint64_t number_ = 0;  // of the newest file
  std::uint64_t written_ = 0;  // bytes of it
  std::uint64_t live_ = 0;  // bytes that it began with
  bool broken_ = false;  // something was not written: what follows would not be read
  std::map<std::string, Entry> entries_;  // by KeyOf
  std::vector<wire::worker::PartId> interrupted_;
};

}  // namespace ronda::worker
