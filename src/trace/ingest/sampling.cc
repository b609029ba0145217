#include "trace/ingest/sampling.h"

#include <algorithm>

#include "trace/segment/census.h"

namespace ronda::trace::ingest {
namespace {

namespace otlp = wire::otlp;

std::uint64_t DurationOf(const otlp::Span& span) {
  return span.end_ns > span.start_ns ? span.end_ns - span.start_ns : 0;
}

// Spans that stand for what their service was asked for.
bool IsEntry(const otlp::Span& span) {
  return span.parent == 0 || span.kind == otlp::kKindServer || span.kind == otlp::kKindConsumer;
}

// The value as a rule writes it.
bool Equals(const otlp::Value& value, std::string_view text) {
  switch (value.type()) {
    case otlp::ValueType::kString: return value.bytes() == text;
    case otlp::ValueType::kBool: return text == (value.boolean() ? "true" : "false");
    case otlp::ValueType::kInt: return text == std::to_string(value.integer());
    default: return false;
  }
}

bool HasMark(std::span<const otlp::Attribute> attributes, std::string_view mark) {
  const auto equals = mark.find('=');
  const std::string_view key = mark.substr(0, equals);
  return std::ranges::any_of(attributes, [&](const otlp::Attribute& attribute) {
    return attribute.key() == key &&
           (equals == std::string_view::npos || Equals(attribute.value(), mark.substr(equals + 1)));
  });
}

bool IsMarked(const SamplingPolicy& policy, const otlp::SpanBatch& batch, const otlp::Span& span) {
  const otlp::Resource& resource = batch.resources[batch.scopes[span.scope].resource];
  return std::ranges::any_of(policy.marked, [&](const std::string& mark) {
    return HasMark(batch.At(span.attributes), mark) || HasMark(batch.At(resource.attributes), mark);
  });
}

}  // namespace

const SamplingPolicy& SamplingRules::Of(std::string_view service) const {
  const auto found = services.find(service);
  return found == services.end() ? rest : found->second;
}

void OperationStatistics::Add(std::uint64_t hour, std::string_view service,
                              const otlp::Span& span) {
  if (hour > hour_) {
    before_ = hour == hour_ + 1 ? std::move(now_) : Operations();
    now_.clear();
    hour_ = hour;
  }
  std::pair<std::string, std::string> key(service, span.name);
  auto at = now_.find(key);
  if (at == now_.end()) {
    if (now_.size() >= kMost) return;
    at = now_.emplace(std::move(key), Operation()).first;
  }
  ++at->second.spans;
  if (IsEntry(span)) at->second.durations.Record(DurationOf(span));
}

const OperationStatistics::Operation* OperationStatistics::Find(const Operations& in,
                                                                std::string_view service,
                                                                std::string_view operation) const {
  const auto at = in.find(std::pair<std::string, std::string>(service, operation));
  return at == in.end() ? nullptr : &at->second;
}

bool OperationStatistics::IsSlow(std::string_view service, const otlp::Span& span,
                                 double quantile) const {
  if (quantile >= 1 || !IsEntry(span)) return false;
  // The hour before speaks until this one has said enough.
  for (const Operations* in : {&now_, &before_}) {
    const Operation* operation = Find(*in, service, span.name);
    if (operation == nullptr || operation->durations.count() < kEnough) continue;
    return DurationOf(span) > operation->durations.Quantile(quantile);
  }
  return false;
}

bool OperationStatistics::IsRare(std::string_view service, std::string_view operation,
                                 std::uint64_t most) const {
  std::uint64_t spans = 0;
  for (const Operations* in : {&now_, &before_}) {
    const Operation* found = Find(*in, service, operation);
    if (found != nullptr) spans += found->spans;
  }
  return spans > 0 && spans <= most;
}

void Verdict::Add(const SamplingRules& rules, const OperationStatistics& statistics,
                  const otlp::SpanBatch& batch, const otlp::Span& span) {
  const std::string_view service =
      segment::ServiceOf(batch, batch.resources[batch.scopes[span.scope].resource]);
  const SamplingPolicy& policy = rules.Of(service);
  if (policy.one_in > 0) one_in_ = one_in_ == 0 ? policy.one_in : std::min(one_in_, policy.one_in);
  keep_ = keep_ || (policy.errors && span.status == otlp::kStatusError) ||
          statistics.IsSlow(service, span, policy.slow) ||
          statistics.IsRare(service, span.name, policy.rare) || IsMarked(policy, batch, span);
}

bool Verdict::Keeps(std::uint64_t hash) const {
  return keep_ || (one_in_ > 0 && hash % one_in_ == 0);
}

}  // namespace ronda::trace::ingest
