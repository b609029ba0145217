#include "worker/evidence.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "model/text_width.h"
#include "net/http_client.h"

namespace ronda::worker {
namespace {

using wire::worker::Assign;
using wire::worker::StepResult;
using Verdict = engine::StepReport::Verdict;

void FillTimings(const stats::PhaseTimes& phases, wire::worker::Timings& timings) {
  timings.set_blocked(phases[0]);
  timings.set_dns(phases[1]);
  timings.set_connect(phases[2]);
  timings.set_tls(phases[3]);
  timings.set_send(phases[4]);
  timings.set_first_byte(phases[5]);
  timings.set_transfer(phases[6]);
}

void FillEvidence(const engine::StepReport& report, std::size_t limit,
                  wire::worker::Evidence& evidence) {
  const stats::Example& example = *report.exchange;
  const auto body = [limit](const std::string& text) { return text.substr(0, limit); };
  evidence.set_request_line(Utf8(example.request_line));
  evidence.set_request_head(Utf8(example.request_head));
  evidence.set_request_body(body(example.request_body));
  evidence.set_request_cut(example.request_body.size() > limit);
  evidence.set_response_line(Utf8(example.response_line));
  evidence.set_response_head(Utf8(example.response_head));
  evidence.set_response_body(body(example.response_body));
  evidence.set_response_cut(example.response_body.size() > limit);
  evidence.set_trace_id(example.trace_id);
  evidence.set_detail(Utf8(report.detail));
  FillTimings(report.phases, *evidence.mutable_timings());
  if (report.tls == nullptr) return;
  evidence.set_tls_protocol(report.tls->version);
  evidence.set_tls_cipher(report.tls->cipher);
  wire::worker::Certificate& leaf = *evidence.add_chain();
  leaf.set_subject(Utf8(report.tls->peer_subject));
  leaf.set_issuer(Utf8(report.tls->peer_issuer));
}

std::string ErrorOf(const engine::StepReport& report) {
  std::string error(report.error);
  for (const engine::StepReport::Note& check : report.checks) {
    if (!check.ok) error += (error.empty() ? "" : "; ") + ("failed: " + check.text);
  }
  if (error.empty() && report.exchange != nullptr) {
    // Nothing else was wrong: a status of 4xx or 5xx.
    const std::string& line = report.exchange->response_line;
    error = line.substr(std::min(line.find(' ') + 1, line.size()));
  }
  return Utf8(error);
}

StepResult::State StateOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk: return StepResult::SUCCEEDED;
    case Verdict::kTimedOut: return StepResult::TIMED_OUT;
    case Verdict::kFailed:
    case Verdict::kAgain: break;
  }
  return StepResult::FAILED;
}

bool IsFailure(StepResult::State state) {
  return state == StepResult::FAILED || state == StepResult::TIMED_OUT;
}

}  // namespace

std::string Utf8(std::string_view text) {
  std::string out;
  for (;;) {
    const std::size_t wrong = std::min(model::FirstInvalidUtf8(text), text.size());
    out += text.substr(0, wrong);
    if (wrong == text.size()) return out;
    out += "\xef\xbf\xbd";
    text.remove_prefix(wrong + 1);
  }
}

bool Evidence::Keeps(StepResult::State state) const {
  if (policy_.keep == Assign::NOTHING) return false;
  return policy_.keep == Assign::ALL || IsFailure(state);
}

void Evidence::OnStep(const engine::StepReport& report) {
  auto found = results_.find(report.step);
  if (found != results_.end() && IsFailure(found->second.state()) &&
      found->second.attempts() != 0) {
    return;  // the first failure of a loop is what is told
  }
  if (found == results_.end())
    found = results_.emplace(std::string(report.step), StepResult()).first;
  StepResult& result = found->second;
  result.Clear();
  result.set_path(std::string(report.step));
  result.set_state(StateOf(report.verdict));
  result.set_duration_ns(report.duration_ns);
  result.set_start_wall_ns(report.end_wall_ns - std::min(report.duration_ns, report.end_wall_ns));
  if (result.state() != StepResult::SUCCEEDED) result.set_error(ErrorOf(report));
  // 0 while another attempt follows: then this is not the last word.
  result.set_attempts(report.verdict == Verdict::kAgain
                          ? 0
                          : static_cast<std::uint32_t>(std::max(report.attempt, 1)));
  if (report.exchange != nullptr && Keeps(result.state()))
    FillEvidence(report, policy_.body_bytes, *result.mutable_evidence());
}

std::vector<StepResult> Evidence::Take(Ended ended) {
  std::vector<StepResult> all;
  const StepResult::State missing =
      ended == Ended::kStopped ? StepResult::CANCELLED : StepResult::SKIPPED;
  for (const stats::StepInfo& step : shape_.steps) {
    const auto found = results_.find(step.id);
    if (found != results_.end()) {
      // One that was to be tried again and never was has no last word; what it has is told.
      if (found->second.attempts() == 0) found->second.set_attempts(1);
      all.push_back(std::move(found->second));
      continue;
    }
    StepResult result;
    result.set_path(step.id);
    result.set_state(missing);
    all.push_back(std::move(result));
  }
  results_.clear();
  // What is inside of a group follows it: "group.step".
  for (std::size_t i = all.size(); i-- > 0;) {
    const std::string inside = all[i].path() + ".";
    if (all[i].attempts() != 0) continue;
    for (std::size_t k = 0; k < all.size(); ++k) {
      if (!all[k].path().starts_with(inside) || all[k].attempts() == 0) continue;
      StepResult& group = all[i];
      if (group.state() == missing || IsFailure(all[k].state())) group.set_state(all[k].state());
      const std::uint64_t end = std::max(group.start_wall_ns() + group.duration_ns(),
                                         all[k].start_wall_ns() + all[k].duration_ns());
      const std::uint64_t begin = group.start_wall_ns() == 0
                                      ? all[k].start_wall_ns()
                                      : std::min(group.start_wall_ns(), all[k].start_wall_ns());
      group.set_start_wall_ns(begin);
      group.set_duration_ns(end - begin);
    }
    if (all[i].state() != missing) all[i].set_attempts(1);
  }
  return all;
}

}  // namespace ronda::worker
