#pragma once

namespace ronda::agent::rewrite {

// False under the sanitizers, which have allocators of their own.
[[nodiscard]] bool CanFailAllocations();
// The allocation of this number from now on, counted from 0, fails in this thread.
void FailAllocation(long number);
// Returns whether it has failed; no other will.
[[nodiscard]] bool StopFailing();

}  // namespace ronda::agent::rewrite
