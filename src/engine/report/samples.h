#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/core/status.h"
#include "stats/samples.h"
#include "stats/shape.h"

namespace ronda::engine::report {

enum class SampleFormat : std::uint8_t { kNdjson, kCsv };

// What became of the samples of a run.
struct SampleOutcome {
  std::uint64_t written = 0;
  std::uint64_t lost = 0;     // to a writer that could not keep up, or to the file
  std::string error;  // of the file, "cannot write samples.ndjson: No space left on device"
  // For people: "" when nothing was lost.
  [[nodiscard]] std::string Warning() const;
};

// Writes every sample of a run into a file (docs/formats/samples.md) on a thread of its own, so that
// no load waits for a disk. When the file cannot be written any more the run goes on: what is lost is
// counted, and the last line of the file says how many are in it and how many are missing.
class SampleWriter {
 public:
  struct Options {
    std::string path;
    SampleFormat format = SampleFormat::kNdjson;
    std::uint64_t start_ns = 0;  // an instant, monotonic,
    std::uint64_t start_wall_ns = 0;  // and since 1970
  };
  // Opens (and empties) the file. `shape` is borrowed.
  [[nodiscard]] static base::Result<std::unique_ptr<SampleWriter>> Open(const stats::Shape& shape,
                                                                        Options options);
  ~SampleWriter();
  SampleWriter(const SampleWriter&) = delete;
  SampleWriter& operator=(const SampleWriter&) = delete;

  // The channel of one more reactor thread; lives as long as the writer. Before Start.
  [[nodiscard]] stats::SampleChannel& AddChannel();
  void Start();
  // Writes what is left and closes the file; no thread pushes any more. Once.
  [[nodiscard]] SampleOutcome Finish();

 private:
  SampleWriter(const stats::Shape& shape, Options options, int file);
  void Run();
  bool Drain();
  void Append(const stats::Sample& sample);
  void WriteOut();
  [[nodiscard]] bool WriteAll(const std::string& text);
  void WriteEnd();

  const stats::Shape& shape_;
  const Options options_;
  const int file_;
  std::vector<std::unique_ptr<stats::SampleChannel>> channels_;
  std::vector<std::string> step_text_;  // the sample's fields that a step decides
  std::vector<std::string> error_text_;
  std::string buffer_;
  std::uint64_t in_buffer_ = 0;  // samples
  // The file up to which it is sound, and before the last piece that was written: room for the end.
  std::uint64_t size_ = 0, size_before_ = 0;
  std::uint64_t written_before_ = 0;
  SampleOutcome outcome_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace ronda::engine::report
