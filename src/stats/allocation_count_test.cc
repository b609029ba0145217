#include <atomic>
#include <cstdlib>
#include <new>
#include <optional>

#include "base/core/sanitizers.h"
#include "stats/stats_test_util.h"

// Replaces the allocation functions of this test binary by ones that count. The sanitizers have their
// own, which stay.
#if RONDA_ASAN || RONDA_TSAN

namespace ronda::stats {

std::optional<std::uint64_t> AllocationsSoFar() { return std::nullopt; }

}  // namespace ronda::stats

#else

namespace {
std::atomic<std::uint64_t> allocations{0};
}  // namespace

void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* p = std::malloc(size == 0 ? 1 : size)) return p;
  std::abort();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace ronda::stats {

std::optional<std::uint64_t> AllocationsSoFar() { return allocations.load(); }

}  // namespace ronda::stats

#endif
