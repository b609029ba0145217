#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "base/core/status.h"
#include "engine/run/load_run.h"
#include "wire/worker/worker.pb.h"
#include "worker/programs.h"

namespace ronda::worker {

// One worker's part of a load.
struct Load {
  wire::worker::PartId part;
  std::shared_ptr<Prepared> prepared;
  std::uint32_t share_index = 0;
  std::uint32_t share_count = 1;
};

// What loads tell, by their own threads; of one load one call at a time, OnDone being the last.
class LoadEvents {
 public:
  virtual ~LoadEvents() = default;
  // A second of one of its reactor threads (`source`), as stats::EncodeInterval writes it.
  virtual void OnInterval(const wire::worker::PartId& part, std::uint32_t source,
                          std::string interval) = 0;
  virtual void OnLog(const wire::worker::PartId& part, std::string_view level,
                     std::string_view text) = 0;
  virtual void OnDone(wire::worker::Done done) = 0;
};

// Executes parts of loads, a thread each beside those that the load itself takes. Calls belong to one
// thread; a load that has said OnDone is put away by Forget.
class Loads {
 public:
  // `events` outlives it.
  explicit Loads(LoadEvents& events);
  // Ends all at once.
  ~Loads();
  Loads(const Loads&) = delete;
  Loads& operator=(const Loads&) = delete;

  // Makes it ready. InvalidArgument, FailedPrecondition: what is missing (files, thresholds).
  [[nodiscard]] base::Status Prepare(Load load);
  // Begins at that monotonic time; 0: at once.
  void Start(const wire::worker::PartId& part, std::uint64_t start_ns);
  // Ends it; its Done has this outcome unless it had ended before. False: it has not begun, and is put
  // away without a Done.
  enum class How : std::uint8_t { kDrain, kInterrupt };
  bool Stop(const wire::worker::PartId& part, How how, wire::worker::Done::Outcome outcome,
            const std::string& reason);
  // `answer` gets a line of JSON, on any thread.
  void Command(const wire::worker::PartId& part, std::string text,
               std::function<void(std::string)> answer);
  void Forget(const wire::worker::PartId& part);

 private:
  struct Running;
  void Execute(Running& running);
  [[nodiscard]] Running* Find(const wire::worker::PartId& part);

  LoadEvents& events_;
  std::map<std::string, std::unique_ptr<Running>> running_;  // by KeyOf
};

}  // namespace ronda::worker
