#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/core/histogram.h"
#include "base/core/status.h"
#include "series/select.h"
#include "series/source.h"

// Rate, errors and durations of spans, and exceptions, as they were measured on arrival
// (docs/formats/red.md). Any thread.
namespace ronda::trace::query {

struct RedRequest {
  // Spans that ended in [from_s, to_s), since 1970, made whole steps.
  std::uint64_t from_s = 0;
  std::uint64_t to_s = 0;
  std::uint64_t step_s = 0;  // 0: the whole time in one; else a multiple of 10
  std::vector<series::Filter> where = {};  // all of them hold
  std::vector<std::string> by = {};  // labels (series/red.h)
};

struct RedCell {
  std::uint64_t spans = 0;
  std::uint64_t errors = 0;
  base::Histogram durations;  // ns, of all of them
};

struct RedGroup {
  std::vector<std::string> values;  // of RedRequest::by
  RedCell total;
  std::vector<RedCell> steps;  // from RedAnswer::from_s on; none without a step
};

struct RedAnswer {
  std::uint64_t from_s = 0, to_s = 0, step_s = 0;  // as they were counted
  std::vector<RedGroup> groups;  // most spans first, none without
  std::vector<std::string> notices;
};

// InvalidArgument when the time is empty, or more than 50,000 steps of groups would come of it. A point
// that is coarser than a step (older than 6 hours: a minute; than 7 days: an hour) counts where it begins.
[[nodiscard]] base::Result<RedAnswer> ReadRed(series::Source& source, const RedRequest& request);

// Exceptions of one type that were thrown at one place.
struct ExceptionGroup {
  std::string type, fingerprint, frame;
  std::uint64_t count = 0;
  std::uint64_t first_s = 0, last_s = 0;  // begins of the steps they were counted in
  std::vector<std::string> services = {}, operations = {};  // ascending
};
// Most frequent first. Takes from, to and where of the request.
[[nodiscard]] base::Result<std::vector<ExceptionGroup>> ReadExceptions(
    series::Source& source, const RedRequest& request, std::vector<std::string>& notices);

}  // namespace ronda::trace::query
