#include "trace/query/red.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <tuple>

#include "base/core/check.h"
#include "series/read.h"
#include "series/red.h"

namespace ronda::trace::query {
namespace {

namespace red = series::red;

constexpr std::uint64_t kFinestS = 10;
constexpr std::size_t kMostCells = 50'000;

bool Holds(const std::vector<RedFilter>& where, const series::Key& key) {
  return std::ranges::all_of(where, [&](const RedFilter& filter) {
    return std::ranges::find(filter.values, key.At(filter.label)) != filter.values.end();
  });
}

void AddOnce(const std::string& text, std::vector<std::string>& sorted) {
  const auto at = std::ranges::lower_bound(sorted, text);
  if (at == sorted.end() || *at != text) sorted.insert(at, text);
}

// Counts by group, step and whether it was an error.
class RedCounter {
 public:
  explicit RedCounter(const RedRequest& request) : request_(request) {
    const std::uint64_t step_s = std::max(request.step_s, kFinestS);
    answer_.from_s = request.from_s - request.from_s % step_s;
    answer_.to_s = request.to_s + (step_s - request.to_s % step_s) % step_s;
    answer_.step_s = request.step_s;
    steps_ = request.step_s == 0 ? 1 : (answer_.to_s - answer_.from_s) / step_s;
  }

  base::Result<RedAnswer> Count(series::Source& source) {
    if (request_.from_s >= request_.to_s)
      return base::InvalidArgument("the time asked for is empty");
    const base::Status too_many = base::InvalidArgument(
        "more than 50,000 steps of groups: take a longer step, a shorter time or a narrower "
        "filter");
    if (steps_ > kMostCells) return too_many;
    const series::Visitor visitor{
        .number_of = [this](const series::Key& key) { return NumberOf(key); },
        .sum_of = [this](std::uint32_t number, std::uint64_t time_s) -> series::Sum& {
          return SumOf(number, time_s);
        }};
    RETURN_IF_ERROR(
        Read(source, red::kDuration, answer_.from_s, answer_.to_s, visitor, answer_.notices));
    if (groups_.size() > kMostCells / steps_) return too_many;
    for (const auto& [values, group] : groups_) Put(values, group);
    std::ranges::sort(answer_.groups, [](const RedGroup& a, const RedGroup& b) {
      return std::tie(b.total.spans, a.values) < std::tie(a.total.spans, b.values);
    });
    return std::move(answer_);
  }

 private:
  // Twice the group, and one more for errors.
  std::optional<std::uint32_t> NumberOf(const series::Key& key) {
    if (!Holds(request_.where, key)) return std::nullopt;
    std::vector<std::string> values;
    for (const std::string& label : request_.by) values.emplace_back(key.At(label));
    const auto group =
        groups_.try_emplace(std::move(values), static_cast<std::uint32_t>(groups_.size()));
    return 2 * group.first->second + (key.At(red::kError).empty() ? 0 : 1);
  }

  series::Sum& SumOf(std::uint32_t number, std::uint64_t time_s) {
    // Past the most, what comes is of no use any more.
    if (groups_.size() > kMostCells / steps_) return spare_;
    if (number >= cells_.size()) cells_.resize(number + 1);
    auto& steps = cells_[number];
    if (steps.empty()) steps.resize(steps_);
    auto& sum = steps[request_.step_s == 0 ? 0 : (time_s - answer_.from_s) / request_.step_s];
    if (!sum) sum = std::make_unique<series::Sum>();
    return *sum;
  }

  void AddTo(RedCell& cell, std::uint32_t number, std::uint64_t step) {
    if (number >= cells_.size() || cells_[number].empty() || !cells_[number][step]) return;
    const base::Histogram& durations = cells_[number][step]->histogram();
    cell.spans += durations.count();
    if (number % 2 == 1) cell.errors += durations.count();
    CHECK(cell.durations.Merge(durations).ok());
  }

  void Put(const std::vector<std::string>& values, std::uint32_t group) {
    RedGroup out{
        .values = values, .total = {.durations = base::Histogram(series::kLayout)}, .steps = {}};
    if (request_.step_s == 0) {
      AddTo(out.total, 2 * group, 0);
      AddTo(out.total, 2 * group + 1, 0);
    }
    for (std::uint64_t step = 0; request_.step_s > 0 && step < steps_; ++step) {
      RedCell cell{.durations = base::Histogram(series::kLayout)};
      AddTo(cell, 2 * group, step);
      AddTo(cell, 2 * group + 1, step);
      out.total.spans += cell.spans;
      out.total.errors += cell.errors;
      CHECK(out.total.durations.Merge(cell.durations).ok());
      out.steps.push_back(std::move(cell));
    }
    if (out.total.spans > 0) answer_.groups.push_back(std::move(out));
  }

  const RedRequest& request_;
  RedAnswer answer_;
  std::uint64_t steps_ = 0;
  std::map<std::vector<std::string>, std::uint32_t> groups_;
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
  // Of one number: exceptions of one type and fingerprint in one operation.
  struct Named {
    std::string type, fingerprint, service, operation, frame;
    bool operator<(const Named& other) const {
      return std::tie(type, fingerprint, service, operation) <
             std::tie(other.type, other.fingerprint, other.service, other.operation);
    }
  };
  std::map<Named, std::uint32_t> numbers;
  // A sum for each point, so that first and last are known.
  std::map<std::pair<std::uint32_t, std::uint64_t>, series::Sum> sums;
  const series::Visitor visitor{
      .number_of = [&](const series::Key& key) -> std::optional<std::uint32_t> {
        if (!Holds(request.where, key)) return std::nullopt;
        const auto text = [&](std::string_view label) { return std::string(key.At(label)); };
        return numbers
            .try_emplace({text(red::kException), text(red::kFingerprint), text(red::kService),
                          text(red::kOperation), text(red::kFrame)},
                         static_cast<std::uint32_t>(numbers.size()))
            .first->second;
      },
      .sum_of = [&](std::uint32_t number, std::uint64_t time_s) -> series::Sum& {
        return sums[{number, time_s}];
      }};
  RETURN_IF_ERROR(Read(source, red::kExceptions, request.from_s, request.to_s, visitor, notices));
  std::map<std::pair<std::string, std::string>, ExceptionGroup> groups;
  for (const auto& [named, number] : numbers) {
    const auto begin = sums.lower_bound({number, 0}), end = sums.lower_bound({number + 1, 0});
    if (begin == end) continue;
    ExceptionGroup& group = groups[{named.type, named.fingerprint}];
    group.type = named.type;
    group.fingerprint = named.fingerprint;
    group.frame = named.frame;
    for (auto at = begin; at != end; ++at) {
      const std::uint64_t time_s = at->first.second;
      group.first_s = group.count == 0 ? time_s : std::min(group.first_s, time_s);
      group.last_s = std::max(group.last_s, time_s);
      group.count += at->second.count();
    }
    AddOnce(named.service, group.services);
    AddOnce(named.operation, group.operations);
  }
  std::vector<ExceptionGroup> found;
  for (auto& [of, group] : groups) found.push_back(std::move(group));
  std::ranges::sort(found, [](const ExceptionGroup& a, const ExceptionGroup& b) {
    return std::tie(b.count, a.type, a.fingerprint) < std::tie(a.count, b.type, b.fingerprint);
  });
  return found;
}

}  // namespace ronda::trace::query
