#pragma once

#include <cstdint>

#include "trace/segment/block.h"
#include "trace/segment/census.h"
#include "trace/segment/file_system.h"
#include "trace/segment/manifest.h"
#include "trace/segment/segment_writer.h"

// What the parts of the store share; private to this room.
namespace ronda::trace::segment {

// Writes the block's segment; not yet in the manifest. The entry lacks when its spans came.
[[nodiscard]] base::Result<Manifest::Entry> WriteSegment(FileSystem& files, SegmentWriter& writer,
                                                         const Block& block, std::uint64_t id,
                                                         SegmentInfo info, int level);

// Whose the rows are; of nobody where that is not known.
[[nodiscard]] Census CensusOf(const Manifest::Entry& entry);
[[nodiscard]] Census CensusOf(const Block& block);

}  // namespace ronda::trace::segment
