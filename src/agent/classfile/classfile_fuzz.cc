#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "agent/classfile/annotations.h"
#include "agent/classfile/check.h"
#include "agent/classfile/class_writer.h"
#include "agent/classfile/frames.h"
#include "base/core/check.h"

namespace cf = ronda::agent::classfile;

// Whatever is read is written the same, byte for byte; looking into it ends with an answer. Frames that
// can be read can be written so that they read the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const cf::ByteSpan bytes(data, size);
  std::vector<cf::Frame> frames, again;
  if (cf::ReadFrames(bytes, {}, 1 << 14, frames) == cf::FrameError::kNone) {
    cf::ByteWriter out;
    cf::WriteFrames(frames, {}, out);
    CHECK(cf::ReadFrames(out.bytes(), {}, 1 << 14, again) == cf::FrameError::kNone);
    CHECK(again.size() == frames.size());
    for (std::size_t i = 0; i < frames.size(); ++i) {
      CHECK(again[i].pc == frames[i].pc && again[i].locals == frames[i].locals &&
            again[i].stack == frames[i].stack);
    }
  }
  const auto file = cf::ClassFile::Parse(bytes);
  if (!file.ok()) {
    CHECK(!file.status().message().empty());
    return 0;
  }
  cf::CheckCounts counts;
  (void)cf::Check(*file, counts);
  (void)cf::HasAnnotation(*file, file->attributes(), "LMark;");
  std::vector<std::uint8_t> written;
  const cf::PoolBuilder pool(file->pool());
  CHECK(cf::ClassWriter(*file, pool).Write(written));
  CHECK(std::ranges::equal(written, bytes));
  return 0;
}
