#include <cstdlib>
#include <new>
#include <string>  // std::__throw_bad_alloc

#include "agent/rewrite/allocation_failure_test_util.h"
#include "base/core/sanitizers.h"

namespace {
thread_local long fail_in = -1;  // allocations until the one that fails; below 0: none does
}  // namespace

namespace ronda::agent::rewrite {

void FailAllocation(long number) { fail_in = number; }

bool StopFailing() {
  const bool failed = fail_in < 0;
  fail_in = -1;
  return failed;
}

}  // namespace ronda::agent::rewrite

#if RONDA_ASAN || RONDA_TSAN

namespace ronda::agent::rewrite {

bool CanFailAllocations() { return false; }

}  // namespace ronda::agent::rewrite

#else

void* operator new(std::size_t size) {
  if (fail_in >= 0 && fail_in-- == 0) std::__throw_bad_alloc();
  if (void* p = std::malloc(size == 0 ? 1 : size)) return p;
  std::__throw_bad_alloc();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace ronda::agent::rewrite {

bool CanFailAllocations() { return true; }

}  // namespace ronda::agent::rewrite

#endif
