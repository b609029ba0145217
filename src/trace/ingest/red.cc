#include "trace/ingest/red.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "series/red.h"
#include "trace/ingest/measuring.h"
#include "trace/ingest/stack.h"
#include "wire/otlp/semantics.h"

namespace ronda::trace::ingest {
namespace {

namespace otlp = wire::otlp;
namespace red = series::red;

std::string_view NameOfKind(std::int32_t kind) {
  static constexpr std::string_view kNames[] = {"unspecified", "internal", "server",
                                                "client",      "producer", "consumer"};
  return kind >= 0 && kind < 6 ? kNames[kind] : "other";
}

}  // namespace

RedMeter::Sender RedMeter::SenderOf(const otlp::SpanBatch& batch, const otlp::Resource& resource) {
  Sender sender;
  for (const otlp::Attribute& attribute : batch.At(resource.attributes)) {
    const std::string_view text = attribute.value().bytes();
    const std::string_view key = attribute.key();
    if (key == "service.name") sender.service = Cut(text);
    if (key == "deployment.environment.name" || key == "deployment.environment") {
      sender.environment = Cut(text);
    }
    if (key == "ronda.run") sender.run = Cut(text);
    if (key == "ronda.red") sender.measures_itself = text == "agent";
  }
  return sender;
}

void RedMeter::Measure(const otlp::SpanBatch& batch, std::uint64_t received_ns) {
  const std::uint64_t received_s = received_ns / kNsPerSecond;
  ForgetEachHour(received_s);
  senders_.clear();
  for (const otlp::Resource& resource : batch.resources) {
    senders_.push_back(SenderOf(batch, resource));
  }
  for (const otlp::Span& span : batch.spans) {
    const Sender& sender = senders_[batch.scopes[span.scope].resource];
    const std::uint64_t time_s = StepOf(span.end_ns, received_s);
    if (span.events.count > 0) MeasureExceptions(batch, span, sender, time_s);
    if (sender.measures_itself) continue;
    open_.Add(SeriesOf(batch, span, sender), time_s,
              span.end_ns > span.start_ns ? span.end_ns - span.start_ns : 0);
  }
  PutExceptions();
}

std::uint32_t RedMeter::SeriesOf(const otlp::SpanBatch& batch, const otlp::Span& span,
                                 const Sender& sender) {
  const otlp::Semantics attributes(batch.At(span.attributes));
  const otlp::Technology technology = attributes.technology();
  const otlp::Peer peer = attributes.PeerOf(span.kind);
  const std::array texts = {sender.service,    sender.environment, sender.run,
                            attributes.run(),  Cut(span.name),     technology.category,
                            technology.system, peer.name};
  constexpr std::size_t kTexts = 8;
  static_assert(texts.size() == kTexts);
  struct Head {
    std::int64_t port = 0;
    std::int32_t kind = 0, status = 0;
    std::array<std::uint32_t, kTexts> sizes = {};
  } head{.port = peer.port, .kind = span.kind, .status = span.status};
  std::size_t size = sizeof head;
  for (std::size_t i = 0; i < kTexts; ++i) {
    head.sizes[i] = static_cast<std::uint32_t>(texts[i].size());
    size += texts[i].size();
  }
  said_.resize(size);
  std::memcpy(said_.data(), &head, sizeof head);
  char* at = said_.data() + sizeof head;
  for (const std::string_view text : texts) at = std::ranges::copy(text, at).out;
  const disk::WideHash hash = disk::HashWide(said_);
  if (const std::uint32_t found = cache_.Find(hash); found != RedCache::kNone) return found;
  limited_ = false;
  const Names names = NamesOf(batch, span, sender);
  const series::Label labels[] = {{red::kEnvironment, names.environment},
                                  {red::kError, names.error ? "1" : ""},
                                  {red::kKind, names.kind},
                                  {red::kOperation, names.operation},
                                  {red::kPeer, names.peer},
                                  {red::kRun, names.run},
                                  {red::kService, names.service},
                                  {red::kTechnology, names.technology}};
  key_.clear();
  PutKey(series::Kind::kHistogram, red::kDuration, labels, key_);
  const std::uint32_t series = open_.SeriesOf(key_);
  if (!limited_) cache_.Add(hash, series);
  return series;
}

RedMeter::Names RedMeter::NamesOf(const otlp::SpanBatch& batch, const otlp::Span& span,
                                  const Sender& sender) {
  const otlp::Semantics attributes(batch.At(span.attributes));
  technology_ = TextOf(attributes.technology());
  peer_ = TextOf(attributes.PeerOf(span.kind));
  Names names{.service = sender.service, .kind = NameOfKind(span.kind)};
  names.error = span.status == otlp::kStatusError;
  const std::string_view run = attributes.run().empty() ? sender.run : attributes.run();
  Known& known = KnownOf(names.service);
  names.environment = Limited(known, RedValue::kEnvironment, sender.environment);
  names.run = Limited(known, RedValue::kRun, Cut(run));
  names.operation = Limited(known, RedValue::kOperation, Cut(span.name));
  names.technology = Limited(known, RedValue::kTechnology, Cut(technology_));
  names.peer = Limited(known, RedValue::kPeer, Cut(peer_));
  return names;
}

void RedMeter::MeasureExceptions(const otlp::SpanBatch& batch, const otlp::Span& span,
                                 const Sender& sender, std::uint64_t time_s) {
  for (const otlp::Event& event : batch.EventsOf(span)) {
    if (event.name != "exception") continue;
    std::string_view type, stacktrace;
    for (const otlp::Attribute& attribute : batch.At(event.attributes)) {
      if (attribute.key() == "exception.type") type = Cut(attribute.value().bytes());
      if (attribute.key() == "exception.stacktrace") stacktrace = attribute.value().bytes();
    }
    Names names = NamesOf(batch, span, sender);
    Known& known = KnownOf(names.service);
    const Stack stack = ReadStack(stacktrace);
    const std::string hash =
        stack.innermost.empty() ? "" : fmt::format("{:016x}", stack.fingerprint);
    const std::string_view fingerprint = Limited(known, RedValue::kFingerprint, hash);
    const series::Label labels[] = {
        {red::kEnvironment, names.environment},
        {red::kException, Limited(known, RedValue::kException, type)},
        {red::kFingerprint, fingerprint},
        {red::kFrame, fingerprint == hash ? Cut(stack.innermost) : std::string_view()},
        {red::kOperation, names.operation},
        {red::kRun, names.run},
        {red::kService, names.service}};
    key_.clear();
    PutKey(series::Kind::kCount, red::kExceptions, labels, key_);
    ++exceptions_[{key_, time_s}];
  }
}

void RedMeter::PutExceptions() {
  for (const auto& [key, count] : exceptions_) {
    open_.Add(open_.SeriesOf(key.first), key.second, count);
  }
  exceptions_.clear();
}

void RedMeter::Clear() {
  open_.Clear();
  cache_.Clear();
}

RedMeter::Known& RedMeter::KnownOf(std::string_view& service) {
  auto found = known_.find(service);
  if (found == known_.end()) {
    if (known_.size() >= limits_.services) {
      limited_ = true;
      service = red::kOther;
    }
    found = known_.try_emplace(std::string(service)).first;
  }
  return found->second;
}

std::string_view RedMeter::Limited(Known& known, RedValue value, std::string_view text) {
  if (text.empty()) return text;
  auto& texts = known[static_cast<std::size_t>(value)];
  if (texts.contains(text)) return text;
  if (texts.size() >= limits_.values[static_cast<std::size_t>(value)]) {
    limited_ = true;
    return red::kOther;
  }
  texts.emplace(text);
  return text;
}

void RedMeter::ForgetEachHour(std::uint64_t received_s) {
  if (received_s / 3600 == hour_) return;
  hour_ = received_s / 3600;
  known_.clear();
}

}  // namespace ronda::trace::ingest
