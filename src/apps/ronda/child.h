#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/log.h"

namespace ronda::apps {

// A process of this same binary that is kept running: started again, after a pause, whenever it ends.
// It ends with this process, however that ends.
class Child {
 public:
  // `name` for the log. `environment` is added to this process's own.
  Child(std::string name, std::vector<std::string> arguments,
        std::vector<std::pair<std::string, std::string>> environment, base::Log& log);
  // Stops.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // SIGTERM, and SIGKILL when it has not ended after `patience`. Idempotent.
  void Stop();

 private:
  void Keep();
  pid_t Spawn();

  const std::string name_;
  const std::vector<std::string> arguments_;
  const std::vector<std::pair<std::string, std::string>> environment_;
  base::Log& log_;
  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ = false;
  pid_t pid_ = -1;
  std::thread thread_;
};

}  // namespace ronda::apps
