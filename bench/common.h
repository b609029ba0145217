#pragma once

#include <sys/resource.h>
#include <time.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

// What the small programs of bench/ share. They use none of Ronda's rooms, so that they measure the
// machine and not us.
namespace ronda::bench {

// Monotonic time in ns.
inline std::uint64_t NowNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000ull +
         static_cast<std::uint64_t>(now.tv_nsec);
}

// User and system CPU time of this process, in seconds.
inline double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// "--name value" pairs of a command line.
class Flags {
 public:
  Flags(int argc, char** argv) : argc_(argc), argv_(argv) {}

  // The value after `name`, or `fallback`.
  [[nodiscard]] std::string Text(std::string_view name, std::string_view fallback) const {
    for (int i = 1; i + 1 < argc_; i += 2) {
      if (name == argv_[i]) return argv_[i + 1];
    }
    return std::string(fallback);
  }
  [[nodiscard]] double Number(std::string_view name, double fallback) const {
    const std::string text = Text(name, "");
    return text.empty() ? fallback : std::strtod(text.c_str(), nullptr);
  }
  [[nodiscard]] int Int(std::string_view name, int fallback) const {
    return static_cast<int>(Number(name, fallback));
  }

 private:
  int argc_;
  char** argv_;
};

}  // namespace ronda::bench
