#pragma once

#include "engine/program/program.h"

namespace ronda::engine {

// Reactor threads for a run: `asked` if it is above 0, else what the program's loads say or keep busy; never
// more than a process with this share of the users can use.
[[nodiscard]] int ThreadsFor(const Program& program, int asked, Share process);

}  // namespace ronda::engine
