#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/core/status.h"
#include "engine/run/single_run.h"
#include "net/http_client.h"
#include "net/reactor.h"
#include "wire/worker/worker.pb.h"
#include "worker/evidence.h"
#include "worker/programs.h"

namespace ronda::worker {

// A single iteration to be executed.
struct Check {
  wire::worker::PartId part;
  std::shared_ptr<Prepared> prepared;
  std::string mark;
  std::uint64_t timeout_ns = 0;
  Evidence::Policy evidence;
};

// Executes single iterations, many at a time on a few threads: one that waits holds nobody else. Start
// and Stop are for any thread; what they are given is called on one of its threads.
class Checks {
 public:
  using OnDone = std::function<void(wire::worker::Done done)>;
  using OnLog = std::function<void(const wire::worker::PartId& part, std::string_view level,
                                   std::string_view text)>;

  [[nodiscard]] static base::Result<std::unique_ptr<Checks>> Create(int threads, OnDone on_done,
                                                                    OnLog on_log);
  // Ends all where they are, without a Done.
  ~Checks();
  Checks(const Checks&) = delete;
  Checks& operator=(const Checks&) = delete;

  void Start(Check check);
  // Interrupts it; its Done follows with this outcome, unless it had ended before.
  void Stop(const wire::worker::PartId& part, wire::worker::Done::Outcome outcome,
            std::string reason);

 private:
  class Lane;
  Checks(OnDone on_done, OnLog on_log);

  OnDone on_done_;
  OnLog on_log_;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace ronda::worker
