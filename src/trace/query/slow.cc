#include "trace/query/slow.h"

#include <algorithm>
#include <utility>

#include "trace/query/search.h"
#include "trace/query/trace_reader.h"
#include "trace/query/trace_view.h"
#include "wire/otlp/semantics.h"

namespace ronda::trace::query {
namespace {

constexpr std::string_view kStatements[] = {"db.query.text", "db.statement"};

Condition Kind(otlp::SpanKind kind) {
  return Is({.field = Field::kKind, .literal = std::int64_t{kind}});
}

Condition ConditionOf(const SlowRequest& request) {
  std::vector<Condition> all;
  all.push_back(Is({.field = Field::kDuration,
                    .compare = Compare::kGreaterOrEqual,
                    .literal = static_cast<std::int64_t>(request.least_ns)}));
  if (!request.service.empty()) {
    all.push_back(Is({.field = Field::kService, .literal = request.service}));
  }
  std::vector<Condition> any;
  if (request.what == SlowRequest::What::kCalls) {
    any = {Kind(otlp::kKindClient), Kind(otlp::kKindProducer)};
  } else {
    for (const std::string_view key : kStatements) {
      any.push_back(Is(
          {.field = Field::kSpanAttribute, .key = std::string(key), .compare = Compare::kExists}));
    }
  }
  all.push_back(Any(std::move(any)));
  return All(std::move(all));
}

std::string_view StatementOf(const otlp::SpanBatch& batch, const otlp::Span& span) {
  for (const std::string_view key : kStatements) {
    const otlp::Value* value = Find(batch, span.attributes, key);
    if (value != nullptr) return value->bytes();
  }
  return {};
}

// Adds the spans of a trace that are meant.
void AddSlow(const SlowRequest& request, const otlp::SpanBatch& batch, std::vector<SlowSpan>& to) {
  for (const otlp::Span& span : batch.spans) {
    const std::uint64_t ns = span.end_ns > span.start_ns ? span.end_ns - span.start_ns : 0;
    const std::string_view statement = StatementOf(batch, span);
    const bool meant = request.what == SlowRequest::What::kSql
                           ? !statement.empty()
                           : span.kind == otlp::kKindClient || span.kind == otlp::kKindProducer;
    const std::string_view service =
        ServiceOf(batch, batch.resources[batch.scopes[span.scope].resource]);
    if (!meant || ns < request.least_ns || span.start_ns < request.from_ns ||
        span.start_ns >= request.to_ns ||
        (!request.service.empty() && service != request.service)) {
      continue;
    }
    const otlp::Semantics semantics(batch.At(span.attributes));
    to.push_back({.trace = span.trace,
                  .span = span.span,
                  .start_ns = span.start_ns,
                  .duration_ns = ns,
                  .service = std::string(service),
                  .operation = std::string(span.name),
                  .technology = TextOf(semantics.technology()),
                  .peer = TextOf(semantics.PeerOf(span.kind)),
                  .statement = std::string(statement),
                  .error = span.status == otlp::kStatusError});
  }
}

}  // namespace

base::Result<SlowAnswer> FindSlow(segment::Source& source, const base::Clock& clock,
                                  const SlowRequest& request) {
  ASSIGN_OR_RETURN(const SearchResult found, Search(source, clock,
                                                    {.where = ConditionOf(request),
                                                     .from_ns = request.from_ns,
                                                     .to_ns = request.to_ns,
                                                     .limit = kMostResults,
                                                     .deadline_ns = request.deadline_ns}));
  SlowAnswer answer{.spans = {}, .all = !found.next, .notices = {}};
  RETURN_IF_ERROR(ReadFound(source, clock, found, request.deadline_ns,
                            "slow calls: a shorter time or a larger threshold is faster",
                            answer.notices, [&](const StoredTrace& stored) {
                              AddSlow(request, stored.batch, answer.spans);
                              std::ranges::sort(answer.spans, std::ranges::greater{},
                                                &SlowSpan::duration_ns);
                              if (answer.spans.size() > request.limit)
                                answer.spans.resize(request.limit);
                            }));
  return answer;
}

}  // namespace ronda::trace::query
