#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace ronda::bench {

// SplitMix64 (Steele, Lea, Flood 2014): the same numbers on every machine.
class SplitMix {
 public:
  explicit SplitMix(std::uint64_t seed) : state_(seed) {}
  std::uint64_t Next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // Less than `n`.
  std::uint64_t Below(std::uint64_t n) { return Next() % n; }
  // The same, the small ones far more often.
  std::uint64_t Skewed(std::uint64_t n) { return Below(1 + Below(1 + Below(n))); }

 private:
  std::uint64_t state_;
};

// The reference set: OTLP requests as the processes of a shop with forty services would send them, by
// OpenTelemetry's semantic conventions. A span has about 600 bytes and 12 attributes, a trace up to
// some thirty spans over several services; ids are random; every fifth span has two attributes with
// random values of its own. A seed gives the same bytes everywhere.
class ReferenceSet {
 public:
  explicit ReferenceSet(std::uint64_t seed);

  struct Request {
    std::string bytes;  // ExportTraceServiceRequest
    std::uint32_t spans = 0;
  };
  // The next 512 spans of one process.
  Request Next();
  // What the processes still hold, in requests of fewer.
  std::vector<Request> Rest();

 private:
  struct Process {
    std::string resource;  // a Resource message
    std::string spans;  // of a ScopeSpans message
    std::uint32_t count = 0;
  };
  struct Service {
    std::string name, host, database;
    std::vector<std::string> routes, functions, statements;
    std::array<Process, 3> processes;
  };
  // A span that is being made.
  struct Place {
    std::size_t service = 0, process = 0;
    std::string_view parent = {};  // 8 bytes, or none
    std::uint64_t start = 0;
    int depth = 0;
  };
  enum class Kind : std::uint8_t { kInternal = 1, kServer = 2, kClient = 3, kDatabase = 4 };

  void MakeServices();
  void MakeTrace();
  // Makes the span and those below it; returns when it ended.
  std::uint64_t MakeSpan(Kind kind, const Place& place);
  std::uint64_t MakeChildren(Kind kind, const Place& place, std::string_view id);
  void PutAttributes(Kind kind, const Place& place, bool failed, std::string& span);
  Request Take(Process& process);
  std::string Bytes(std::size_t n);
  std::string Hex(std::size_t n);
  std::string Number(std::uint64_t n);  // less than `n`
  std::string Noun();
  std::string Verb();

  SplitMix random_;
  std::vector<Service> services_;
  std::vector<std::string> agents_, stacks_;
  std::deque<Request> ready_;
  std::uint64_t now_ns_ = 1'787'000'000'000'000'000;
  std::string trace_;  // 16 bytes
  int budget_ = 0;  // spans that this trace may still have
};

}  // namespace ronda::bench
