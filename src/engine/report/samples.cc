#include "engine/report/samples.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <iterator>
#include <utility>

#include "base/core/check.h"
#include "engine/report/text.h"
#include "stats/format.h"

namespace ronda::engine::report {
namespace {

constexpr std::size_t kPiece = 64 * 1024;
constexpr std::chrono::milliseconds kPause{20};
constexpr std::string_view kCsvHead =
    "time_ms,scenario,step,user,iteration,status,error,ok,latency_ms,service_ms,bytes_in,bytes_out,"
    "trace_id\r\n";

std::string TraceText(base::TraceId trace) {
  return trace.valid() ? base::ToHex(trace) : std::string();
}

}  // namespace

std::string SampleOutcome::Warning() const {
  if (lost == 0 && error.empty()) return {};
  std::string text = fmt::format("{} samples are missing from the file, {} are in it",
                                 stats::FormatCount(static_cast<double>(lost)),
                                 stats::FormatCount(static_cast<double>(written)));
  text += error.empty() ? ": the disk was slower than the load" : ": " + error;
  return text;
}

base::Result<std::unique_ptr<SampleWriter>> SampleWriter::Open(const stats::Shape& shape,
                                                               Options options) {
  const int file = open(options.path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return base::FromErrno("cannot write " + options.path, errno);
  return std::unique_ptr<SampleWriter>(new SampleWriter(shape, std::move(options), file));
}

SampleWriter::SampleWriter(const stats::Shape& shape, Options options, int file)
    : shape_(shape), options_(std::move(options)), file_(file) {
  const bool csv = options_.format == SampleFormat::kCsv;
  for (const stats::StepInfo& step : shape_.steps) {
    const std::string scenario =
        shape_.scenarios.empty() ? "" : shape_.scenarios[step.scenario].name;
    std::string& text = step_text_.emplace_back();
    if (csv) {
      AppendCsvText(scenario, text);
      text += ',';
      AppendCsvText(step.id, text);
    } else {
      text = "\"scenario\":";
      AppendJsonText(scenario, text);
      text += ",\"step\":";
      AppendJsonText(step.id, text);
    }
  }
  for (const std::string& error : shape_.errors) {
    std::string& text = error_text_.emplace_back();
    csv ? AppendCsvText(error, text) : AppendJsonText(error, text);
  }
  if (csv) buffer_ = kCsvHead;
}

SampleWriter::~SampleWriter() {
  if (thread_.joinable()) (void)Finish();
  close(file_);
}

stats::SampleChannel& SampleWriter::AddChannel() {
  CHECK(!thread_.joinable());
  return *channels_.emplace_back(std::make_unique<stats::SampleChannel>());
}

void SampleWriter::Start() {
  thread_ = std::thread([this] { Run(); });
}

void SampleWriter::Run() {
  for (;;) {
    const bool last = stop_.load(std::memory_order_acquire);
    const bool busy = Drain();
    if (last) return;
    if (!busy) std::this_thread::sleep_for(kPause);
  }
}

bool SampleWriter::Drain() {
  bool busy = false;
  for (const auto& channel : channels_) {
    while (const stats::SampleChannel::Batch* batch = channel->Take()) {
      busy = true;
      for (const stats::Sample& sample : *batch) Append(sample);
      channel->Release();
      if (buffer_.size() >= kPiece) WriteOut();
    }
  }
  return busy;
}

void SampleWriter::Append(const stats::Sample& s) {
  ++in_buffer_;
  if (!outcome_.error.empty()) return;
  const auto since = static_cast<double>(s.start_ns) - static_cast<double>(options_.start_ns);
  const double time_ms = static_cast<double>(options_.start_wall_ns / 1'000) / 1e3 + since / 1e6;
  const std::string_view error =
      s.error < error_text_.size() ? error_text_[s.error] : std::string_view();
  const double latency = static_cast<double>(s.latency_ns) / 1e6,
               service = static_cast<double>(s.service_ns) / 1e6;
  const bool ok = s.outcome == stats::Outcome::kOk;
  auto out = std::back_inserter(buffer_);
  if (options_.format == SampleFormat::kCsv) {
    fmt::format_to(out, "{:.3f},{},{},{},{},{},{},{:.6f},{:.6f},{},{},{}\r\n", time_ms,
                   step_text_[s.step], s.user, s.iteration, s.status, error, ok ? 1 : 0, latency,
                   service, s.bytes_in, s.bytes_out, TraceText(s.trace));
    return;
  }
  fmt::format_to(
      out,
      "{{\"time_ms\":{:.3f},{},\"user\":{},\"iteration\":{},\"status\":{},\"error\":{},\"ok\":{},"
      "\"latency_ms\":{:.6f},\"service_ms\":{:.6f},\"bytes_in\":{},\"bytes_out\":{}",
      time_ms, step_text_[s.step], s.user, s.iteration, s.status, s.error == 0 ? "null" : error, ok,
      latency, service, s.bytes_in, s.bytes_out);
  if (s.trace.valid()) fmt::format_to(out, ",\"trace_id\":\"{}\"", TraceText(s.trace));
  buffer_ += "}\n";
}

bool SampleWriter::WriteAll(const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = write(file_, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    done += static_cast<std::size_t>(n);
  }
  return true;
}

void SampleWriter::WriteOut() {
  if (outcome_.error.empty() && !buffer_.empty()) {
    if (WriteAll(buffer_)) {
      size_before_ = size_;
      written_before_ = outcome_.written;
      size_ += buffer_.size();
      outcome_.written += in_buffer_;
      in_buffer_ = 0;
    } else {
      outcome_.error = base::FromErrno("cannot write " + options_.path, errno).message();
      // Half a line would be read as damage. Where this is no plain file there is nothing to cut.
      if (ftruncate(file_, static_cast<off_t>(size_)) == 0)
        lseek(file_, static_cast<off_t>(size_), SEEK_SET);
    }
  }
  outcome_.lost += in_buffer_;
  in_buffer_ = 0;
  buffer_.clear();
}

// The last line says what is in the file; on a full disk it takes the place of the last samples.
void SampleWriter::WriteEnd() {
  const auto line = [this] {
    return options_.format == SampleFormat::kCsv
               ? fmt::format("# end: {} samples written, {} lost\r\n", outcome_.written,
                             outcome_.lost)
               : fmt::format("{{\"end\":true,\"written\":{},\"lost\":{}}}\n", outcome_.written,
                             outcome_.lost);
  };
  if (WriteAll(line())) return;
  outcome_.error = outcome_.error.empty()
                       ? base::FromErrno("cannot write " + options_.path, errno).message()
                       : outcome_.error;
  if (ftruncate(file_, static_cast<off_t>(size_before_)) != 0) return;
  lseek(file_, static_cast<off_t>(size_before_), SEEK_SET);
  outcome_.lost += outcome_.written - written_before_;
  outcome_.written = written_before_;
  (void)WriteAll(line());
}

SampleOutcome SampleWriter::Finish() {
  stop_.store(true, std::memory_order_release);
  if (thread_.joinable()) {
    thread_.join();
  } else {
    Drain();
  }
  WriteOut();
  for (const auto& channel : channels_) outcome_.lost += channel->dropped();
  WriteEnd();
  return outcome_;
}

}  // namespace ronda::engine::report
