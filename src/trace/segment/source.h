#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "trace/segment/block.h"
#include "trace/segment/segment_reader.h"
#include "trace/segment/store.h"

namespace ronda::trace::segment {

// The read side of one store or of several: what queries are asked of. Any thread, many at once.
class Source {
 public:
  using Segments = std::vector<std::shared_ptr<const SegmentReader>>;
  using ReadBlock = std::function<void(const Block&)>;

  virtual ~Source() = default;
  // Calls `read` once for every open block, which cannot change meanwhile, and returns the segments
  // that go with them: every span that is stored is in exactly one of those blocks and segments,
  // whatever is sealed and merged at the same time. A store's block and its segments are therefore
  // taken under one lock; several stores may be taken one after the other. `read` holds up whoever
  // appends: it is short, and calls nothing of the source. A segment stays readable as long as
  // somebody holds it.
  [[nodiscard]] virtual Segments Snapshot(const ReadBlock& read) = 0;
};

// One store, on the thread that owns it: for tests, and for tools that nothing writes to.
class StoreSource : public Source {
 public:
  explicit StoreSource(const Store& store) : store_(store) {}
  [[nodiscard]] Segments Snapshot(const ReadBlock& read) override {
    read(store_.block());
    return store_.segments();
  }

 private:
  const Store& store_;
};

}  // namespace ronda::trace::segment
