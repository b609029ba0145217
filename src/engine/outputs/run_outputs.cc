#include "engine/outputs/run_outputs.h"

#include <atomic>
#include <thread>
#include <utility>

#include "base/core/clock.h"
#include "engine/outputs/http_poster.h"
#include "engine/outputs/metrics_page.h"
#include "engine/report/push.h"
#include "engine/vu/user.h"
#include "net/http_client.h"
#include "net/reactor.h"
#include "stats/format.h"

namespace ronda::engine {
namespace {

constexpr std::uint64_t kTickNs = 50'000'000;

// The spans of one reactor thread, as OTLP wants them.
class ThreadSpans : public SpanSink {
 public:
  ThreadSpans(report::PushQueue& queue, const report::SpanResource& resource)
      : batcher_(queue, resource),
        wall_offset_(base::RealClock().WallNs() - base::MonotonicNanos()) {}

  void Iteration(const User& user, std::string_view flow, std::uint64_t start_ns,
                 std::uint64_t end_ns, stats::IterationOutcome outcome) override {
    report::SpanView span{.trace = user.trace(), .span = user.root_span(), .name = flow};
    span.start_wall_ns = start_ns + wall_offset_;
    span.end_wall_ns = end_ns + wall_offset_;
    if (outcome != stats::IterationOutcome::kOk) {
      span.result = report::SpanView::Result::kError;
      span.error = outcome == stats::IterationOutcome::kFailed ? "failed" : "interrupted";
    }
    const std::string number = std::to_string(user.number());
    span.user = number;
    batcher_.Add(span);
  }

  void Add(const Exchange& exchange) override {
    report::SpanView span{.trace = exchange.trace,
                          .span = exchange.span,
                          .parent = exchange.parent,
                          .name = exchange.step,
                          .kind = report::SpanView::Kind::kClient};
    span.start_wall_ns = exchange.start_ns + wall_offset_;
    span.end_wall_ns = exchange.end_ns + wall_offset_;
    span.method = exchange.method;
    span.url = exchange.url;
    span.step = exchange.step;
    span.status = exchange.status;
    std::string status;
    if (!exchange.error.empty() || exchange.status >= 400) {
      span.result = report::SpanView::Result::kError;
      status = std::to_string(exchange.status);
      span.error = exchange.error.empty() ? std::string_view(status) : exchange.error;
    }
    batcher_.Add(span);
  }

  void Flush() override { batcher_.Flush(); }

 private:
  report::SpanBatcher batcher_;
  const std::uint64_t wall_offset_;
};

// Bodies on their way to one address. On the outputs' thread, but for queue().Offer.
class Push {
 public:
  Push(net::Reactor& reactor, net::HttpClient& client, PushTarget target, std::string_view what)
      : reactor_(reactor),
        what_(what),
        poster_(client, std::move(target), [this] { queue_.Tick(reactor_.now_ns()); }),
        queue_(poster_, {}) {}

  [[nodiscard]] report::PushQueue& queue() { return queue_; }
  void Tick() { queue_.Tick(reactor_.now_ns()); }
  void GiveUp() {
    queue_.GiveUp();
    poster_.Cancel();
  }
  // The first trouble, once: while there is time to do something about it.
  [[nodiscard]] std::string News() {
    if (told_) return {};
    const auto counters = queue_.counters();
    if (counters.last_error.empty()) return {};
    told_ = true;
    return poster_.target().url + ": " + counters.last_error;
  }
  // What was lost in all; empty: nothing.
  [[nodiscard]] std::string Warning() const {
    const auto counters = queue_.counters();
    if (counters.dropped == 0) return {};
    const auto count = [](std::uint64_t n) { return stats::FormatCount(static_cast<double>(n)); };
    return count(counters.dropped) + " of " + count(counters.dropped + counters.sent) + " " +
           what_ + " did not reach " + poster_.target().url + ": " +
           (counters.last_error.empty() ? "it was slower than the load" : counters.last_error);
  }

 private:
  net::Reactor& reactor_;
  const std::string what_;
  HttpPoster poster_;
  report::PushQueue queue_;
  bool told_ = false;
};

}  // namespace

struct RunOutputs::Impl : private net::Timer {
  explicit Impl(Options o) : options(std::move(o)) {}
  ~Impl() override { Join(); }

  base::Status Open(const stats::Shape& shape);
  void OnTimer() override;
  // Ends the thread, once nothing is under way or the time is up.
  void Join() {
    if (!thread.joinable()) return;
    reactor->Post([this] { close_by_ns = reactor->Fresh() + options.flush_limit_ns; });
    thread.join();
  }
  void AnswerScrape(const stats::Aggregator* load) {
    reactor->Post([this, text = load != nullptr ? report::PrometheusText(*load, options.labels)
                                                : std::string("# the load has not begun\n")] {
      page->Answer(text);
    });
  }
  void RemoteWrite(const stats::Aggregator& load) {
    std::uint64_t series = 0;
    report::PostRequest post =
        report::PrometheusRemoteWrite(load, options.labels, base::RealClock().WallNs(), &series);
    remote_write->queue().Offer(std::move(post), series);
  }

  const Options options;
  std::unique_ptr<report::SampleWriter> samples;
  std::unique_ptr<net::Reactor> reactor;
  std::unique_ptr<net::HttpClient> client;
  std::unique_ptr<Push> remote_write, traces;
  std::unique_ptr<MetricsPage> page;
  std::vector<std::unique_ptr<ThreadSpans>> spans;
  std::string address;
  std::atomic<bool> page_wanted{false};
  std::uint64_t next_write_ns = 0;
  std::uint64_t close_by_ns = 0;  // of the outputs' thread; 0: the run goes on
  std::thread thread;
};

base::Status RunOutputs::Impl::Open(const stats::Shape& shape) {
  PushTarget write_target, trace_target;
  if (!options.remote_write_url.empty()) {
    ASSIGN_OR_RETURN(write_target,
                     ReadPushTarget(options.remote_write_url, "/api/v1/write", PathRule::kDefault));
  }
  if (!options.otlp_url.empty()) {
    ASSIGN_OR_RETURN(trace_target,
                     ReadPushTarget(options.otlp_url, "/v1/traces", PathRule::kAppend));
  }
  const bool network = !options.remote_write_url.empty() || !options.otlp_url.empty() ||
                       !options.metrics_address.empty();
  if (network) {
    ASSIGN_OR_RETURN(reactor, net::Reactor::Create());
    client = net::HttpClient::Create(*reactor, {});
  }
  if (!options.remote_write_url.empty())
    remote_write =
        std::make_unique<Push>(*reactor, *client, std::move(write_target), "metric values");
  if (!options.otlp_url.empty())
    traces = std::make_unique<Push>(*reactor, *client, std::move(trace_target), "spans");
  if (!options.metrics_address.empty()) {
    ASSIGN_OR_RETURN(page, MetricsPage::Listen(*reactor, options.metrics_address, [this] {
                       page_wanted.store(true, std::memory_order_release);
                     }));
    address = page->address();
  }
  if (!options.samples_path.empty()) {
    const std::uint64_t wall = base::RealClock().WallNs();
    ASSIGN_OR_RETURN(samples, report::SampleWriter::Open(shape, {.path = options.samples_path,
                                                                 .format = options.samples_format,
                                                                 .start_ns = base::MonotonicNanos(),
                                                                 .start_wall_ns = wall}));
  }
  if (network) {
    reactor->Arm(*this, reactor->Fresh() + kTickNs);
    thread = std::thread([this] {
      reactor->Run();
      // What belongs to the loop ends on its thread.
      page.reset();
      for (Push* push : {remote_write.get(), traces.get()}) {
        if (push != nullptr) push->GiveUp();
      }
    });
  }
  return base::Ok();
}

void RunOutputs::Impl::OnTimer() {
  bool idle = true;
  for (Push* push : {remote_write.get(), traces.get()}) {
    if (push == nullptr) continue;
    push->Tick();
    idle = idle && push->queue().idle();
    const std::string news = push->News();
    if (!news.empty() && options.say) options.say("warning", news);
  }
  if (close_by_ns != 0 && (idle || reactor->now_ns() >= close_by_ns)) {
    reactor->Stop();
    return;
  }
  reactor->Arm(*this, reactor->now_ns() + kTickNs);
}

RunOutputs::RunOutputs(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RunOutputs::~RunOutputs() = default;

base::Result<std::unique_ptr<RunOutputs>> RunOutputs::Open(const stats::Shape& shape,
                                                           Options options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  RETURN_IF_ERROR(impl->Open(shape));
  return std::unique_ptr<RunOutputs>(new RunOutputs(std::move(impl)));
}

const std::string& RunOutputs::metrics_address() const { return impl_->address; }

SpanSink* RunOutputs::Spans(std::uint32_t) {
  if (!impl_->traces) return nullptr;
  const Options& options = impl_->options;
  const report::SpanResource resource{
      .version = options.version, .run_id = options.labels.run_id, .run_name = options.labels.name};
  return impl_->spans.emplace_back(std::make_unique<ThreadSpans>(impl_->traces->queue(), resource))
      .get();
}

stats::SampleChannel* RunOutputs::Samples(std::uint32_t) {
  return impl_->samples ? &impl_->samples->AddChannel() : nullptr;
}

void RunOutputs::OnStart() {
  if (impl_->samples) impl_->samples->Start();
}

void RunOutputs::OnTick(const stats::Aggregator* load) {
  if (impl_->page_wanted.exchange(false, std::memory_order_acquire)) impl_->AnswerScrape(load);
  const std::uint64_t now = base::MonotonicNanos();
  if (impl_->remote_write && load != nullptr && now >= impl_->next_write_ns) {
    impl_->next_write_ns = now + impl_->options.remote_write_every_ns;
    impl_->RemoteWrite(*load);
  }
}

void RunOutputs::OnEnd(const stats::Aggregator& load) {
  for (const auto& spans : impl_->spans) spans->Flush();
  if (impl_->remote_write) impl_->RemoteWrite(load);
  if (impl_->page_wanted.exchange(false, std::memory_order_acquire)) impl_->AnswerScrape(&load);
}

RunOutputs::Outcome RunOutputs::Close() {
  impl_->Join();
  Outcome outcome;
  if (impl_->samples) {
    const report::SampleOutcome samples = impl_->samples->Finish();
    outcome.file_failed = !samples.error.empty();
    if (const std::string warning = samples.Warning(); !warning.empty())
      outcome.warnings.push_back(warning);
  }
  for (const Push* push : {impl_->remote_write.get(), impl_->traces.get()}) {
    if (push == nullptr) continue;
    if (const std::string warning = push->Warning(); !warning.empty())
      outcome.warnings.push_back(warning);
  }
  return outcome;
}

}  // namespace ronda::engine
