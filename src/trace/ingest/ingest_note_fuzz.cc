#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/core/check.h"
#include "trace/ingest/delivery.h"

// A note of the log that is read, written and read again is the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ronda::trace::ingest;
  Note note;
  if (!DecodeNote({reinterpret_cast<const char*>(data), size}, note)) return 0;
  Note again;
  CHECK(DecodeNote(EncodeNote(note), again));
  CHECK(again.has_digest == note.has_digest && again.digest == note.digest);
  CHECK(again.counts == note.counts);
  return 0;
}
