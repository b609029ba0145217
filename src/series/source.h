#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "series/file.h"
#include "series/open_points.h"

namespace ronda::series {

// The read side of one store of series or of several: what queries are asked of. Any thread.
class Source {
 public:
  using Files = std::vector<std::shared_ptr<const File>>;
  using ReadOpen = std::function<void(const OpenPoints&)>;

  virtual ~Source() = default;
  // Calls `read` for the points that are in no file yet, and returns the files that go with them: every
  // measurement is in exactly one of those. `read` holds up whoever writes: it is short. A file stays
  // readable as long as somebody holds it.
  [[nodiscard]] virtual Files Snapshot(const ReadOpen& read) = 0;
};

}  // namespace ronda::series
