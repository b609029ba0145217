#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/core/check.h"
#include "base/core/histogram.h"

// Foreign bytes: whatever decodes is a sound histogram, so that encoding it again and decoding that
// gives the same one.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using ronda::base::Histogram;
  const auto first = Histogram::Decode({reinterpret_cast<const char*>(data), size});
  if (!first.ok()) return 0;
  CHECK(first->Quantile(0.5) >= first->MinNs() && first->Quantile(0.5) <= first->MaxNs());
  std::string bytes;
  first->Encode(bytes);
  const auto second = Histogram::Decode(bytes);
  CHECK(second.ok());
  CHECK(*second == *first);
  // Added as bytes it is what it is when added as a histogram.
  Histogram twice = *first;
  CHECK(twice.MergeEncoded(bytes).ok());
  CHECK(twice.count() == 2 * first->count() && twice.SumNs() == 2 * first->SumNs());
  CHECK(twice.MinNs() == first->MinNs() && twice.MaxNs() == first->MaxNs());
  return 0;
}
