#include "trace/query/red.h"

#include <algorithm>
#include <map>
#include <memory>
#include <tuple>

#include "base/core/check.h"
#include "series/red.h"
#include "trace/query/steps.h"

namespace ronda::trace::query {
namespace {

namespace red = series::red;

constexpr std::size_t kMostCells = 50'000;

void AddOnce(const std::string& text, std::vector<std::string>& sorted) {
  const auto at = std::ranges::lower_bound(sorted, text);
  if (at == sorted.end() || *at != text) sorted.insert(at, text);
}

// Counts by group, step and whether it was an error.
class RedCounter {
 public:
  explicit RedCounter(const RedRequest& request) : request_(request) {
    const Steps steps = StepsOf(request.from_s, request.to_s, request.step_s);
    answer_.from_s = steps.from_s;
    answer_.to_s = steps.to_s;
    answer_.step_s = request.step_s;
    steps_ = steps.count;
  }

  base::Result<RedAnswer> Count(series::Source& source) {
    if (request_.from_s >= request_.to_s)
      return base::InvalidArgument("the time asked for is empty");
    const base::Status too_many = base::InvalidArgument(
        "more than 50,000 steps of groups: take a longer step, a shorter time or a narrower "
        "filter");
    if (steps_ > kMostCells) return too_many;
    series::Selection selection{.metric = red::kDuration,
                                .from_s = answer_.from_s,
                                .to_s = answer_.to_s,
                                .where = request_.where,
                                .by = request_.by};
    selection.by.emplace_back(red::kError);
    const series::SumOf sum_of = [this](std::uint32_t group, std::uint64_t time_s) -> series::Sum& {
      return SumOf(group, time_s);
    };
    ASSIGN_OR_RETURN(auto by_error, ReadGroups(source, selection, sum_of, answer_.notices));
    if (!PutGroups(std::move(by_error))) return too_many;
    std::ranges::sort(answer_.groups, [](const RedGroup& a, const RedGroup& b) {
      return std::tie(b.total.spans, a.values) < std::tie(a.total.spans, b.values);
    });
    return std::move(answer_);
  }

 private:
  // Of one of `by_error`'s groups.
  series::Sum& SumOf(std::uint32_t number, std::uint64_t time_s) {
    // Each has its errors apart. Past the most, what comes is of no use any more.
    if (number > 2 * kMostCells / steps_) return spare_;
    if (number >= cells_.size()) cells_.resize(number + 1);
    auto& steps = cells_[number];
    if (steps.empty()) steps.resize(steps_);
    auto& sum = steps[request_.step_s == 0 ? 0 : (time_s - answer_.from_s) / request_.step_s];
    if (!sum) sum = std::make_unique<series::Sum>();
    return *sum;
  }

  // Adds up what the groups have with and without an error; false when they are too many.
  bool PutGroups(std::vector<std::vector<std::string>> by_error) {
    std::map<std::vector<std::string>, RedGroup> groups;
    for (std::uint32_t number = 0; number < by_error.size(); ++number) {
      std::vector<std::string>& values = by_error[number];
      const bool is_error = !values.back().empty();
      values.pop_back();
      const auto [at, made] = groups.try_emplace(std::move(values));
      if (groups.size() > kMostCells / steps_) return false;
      RedGroup& group = at->second;
      if (made) Begin(group);
      if (number >= cells_.size()) continue;
      for (std::size_t step = 0; step < cells_[number].size(); ++step) {
        if (!cells_[number][step]) continue;
        const base::Histogram& durations = cells_[number][step]->histogram();
        Add(durations, is_error, group.total);
        if (request_.step_s > 0) Add(durations, is_error, group.steps[step]);
      }
    }
    for (auto& [values, group] : groups) {
      if (group.total.spans == 0) continue;
      group.values = values;
      answer_.groups.push_back(std::move(group));
    }
    return true;
  }

  void Begin(RedGroup& group) const {
    const RedCell empty{.durations = base::Histogram(series::kLayout)};
    group.total = empty;
    if (request_.step_s > 0) group.steps.assign(steps_, empty);
  }

  static void Add(const base::Histogram& durations, bool is_error, RedCell& cell) {
    cell.spans += durations.count();
    if (is_error) cell.errors += durations.count();
    CHECK(cell.durations.Merge(durations).ok());
  }

  const RedRequest& request_;
  RedAnswer answer_;
  std::uint64_t steps_ = 0;
  std::vector<std::vector<std::unique_ptr<series::Sum>>> cells_;  // by number, then step
  series::Sum spare_;
};

}  // namespace

base::Result<RedAnswer> ReadRed(series::Source& source, const RedRequest& request) {
  return RedCounter(request).Count(source);
}

base::Result<std::vector<ExceptionGroup>> ReadExceptions(series::Source& source,
                                                         const RedRequest& request,
                                                         std::vector<std::string>& notices) {
  // A sum for each point, so that first and last are known.
  std::map<std::pair<std::uint32_t, std::uint64_t>, series::Sum> sums;
  const series::SumOf sum_of = [&](std::uint32_t group, std::uint64_t time_s) -> series::Sum& {
    return sums[{group, time_s}];
  };
  enum : std::size_t { kType, kFingerprint, kService, kOperation, kFrame };
  const series::Selection selection{
      .metric = red::kExceptions,
      .from_s = request.from_s,
      .to_s = request.to_s,
      .where = request.where,
      .by = {std::string(red::kException), std::string(red::kFingerprint),
             std::string(red::kService), std::string(red::kOperation), std::string(red::kFrame)}};
  ASSIGN_OR_RETURN(const auto named, ReadGroups(source, selection, sum_of, notices));
  std::map<std::pair<std::string, std::string>, ExceptionGroup> groups;
  for (std::uint32_t number = 0; number < named.size(); ++number) {
    const std::vector<std::string>& names = named[number];
    const auto begin = sums.lower_bound({number, 0}), end = sums.lower_bound({number + 1, 0});
    if (begin == end) continue;
    ExceptionGroup& group = groups[{names[kType], names[kFingerprint]}];
    group.type = names[kType];
    group.fingerprint = names[kFingerprint];
    group.frame = names[kFrame];
    for (auto at = begin; at != end; ++at) {
      const std::uint64_t time_s = at->first.second;
      group.first_s = group.count == 0 ? time_s : std::min(group.first_s, time_s);
      group.last_s = std::max(group.last_s, time_s);
      group.count += at->second.count();
    }
    AddOnce(names[kService], group.services);
    AddOnce(names[kOperation], group.operations);
  }
  std::vector<ExceptionGroup> found;
  for (auto& [of, group] : groups) found.push_back(std::move(group));
  std::ranges::sort(found, [](const ExceptionGroup& a, const ExceptionGroup& b) {
    return std::tie(b.count, a.type, a.fingerprint) < std::tie(a.count, b.type, b.fingerprint);
  });
  return found;
}

}  // namespace ronda::trace::query
