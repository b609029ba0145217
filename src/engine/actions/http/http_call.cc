#include "engine/actions/http/http_call.h"

#include <strings.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "engine/actions/http/auth.h"
#include "engine/actions/http/scratch.h"
#include "engine/run/spans.h"
#include "engine/vu/secrets.h"
#include "engine/vu/user.h"
#include "engine/vu/user_thread.h"
#include "model/catalog/catalog.h"

namespace ronda::engine {
namespace {

constexpr int kMostChallenges = 2;  // a first one, and one whose nonce is stale

bool SameName(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// HttpOutput of each of the catalog's outputs, by index.
const std::vector<HttpOutput>& OutputKinds() {
  static const std::vector<HttpOutput> kinds = [] {
    static constexpr std::string_view kNames[] = {
        "status",     "reason",     "latency",   "service",
        "body",       "json",       "headers",   "cookies",
        "size",       "received",   "sent",      "url",
        "redirects",  "version",    "remote",    "reused",
        "blocked",    "dns",        "connect",   "tls",
        "send",       "firstByte",  "transfer",  "events",
        "firstEvent", "tlsVersion", "tlsCipher", "certificateExpires",
        "error"};
    std::vector<HttpOutput> found;
    for (const model::FieldSpec& spec : model::Catalog::BuiltIn().Find("http.request")->outputs) {
      const auto name = std::ranges::find(kNames, spec.name);
      CHECK(name != std::end(kNames));
      found.push_back(static_cast<HttpOutput>(name - std::begin(kNames)));
    }
    return found;
  }();
  return kinds;
}

void AddPhases(net::Phases& to, const net::Phases& more) {
  to.blocked += more.blocked;
  to.dns += more.dns;
  to.connect += more.connect;
  to.tls += more.tls;
  to.send += more.send;
  to.first_byte += more.first_byte;
  to.transfer += more.transfer;
}

stats::PhaseTimes PhaseTimesOf(const net::Phases& p) {
  return {p.blocked, p.dns, p.connect, p.tls, p.send, p.first_byte, p.transfer};
}

model::Value Nanos(std::uint64_t ns) {
  return model::Value::DurationNs(static_cast<std::int64_t>(ns));
}
model::Value Count(std::uint64_t n) { return model::Value::Int(static_cast<std::int64_t>(n)); }

std::string_view NameOf(net::HttpVersion version) {
  switch (version) {
    case net::HttpVersion::k10: return "1.0";
    case net::HttpVersion::k11: return "1.1";
    case net::HttpVersion::k2: return "2";
  }
  return "?";
}

}  // namespace

// Fills in the evidence of a failed exchange; `context` is the HttpCall.
void DescribeExchange(void* context, stats::Example& example) {
  const auto& call = *static_cast<const HttpCall*>(context);
  call.DescribeRequest(example);
  if (call.current_ == nullptr) return;
  const net::HttpResponse& response = *call.current_;
  example.response_line = "HTTP/" + std::string(NameOf(response.version)) + " " +
                          std::to_string(response.status) + " " + std::string(response.reason);
  for (const net::HeaderView& h : response.headers) {
    example.response_head += std::string(h.name) + ": " + std::string(h.value) + "\n";
  }
  example.response_body = response.body.substr(0, call.evidence_bytes());
}

// A copy of a response's head.
struct HttpCall::StreamHead {
  explicit StreamHead(const net::HttpResponse& response)
      : reason(response.reason), remote(response.remote), view(response) {
    for (const net::HeaderView& h : response.headers) texts.emplace_back(h.name, h.value);
    for (const auto& [name, value] : texts) headers.push_back({name, value});
    if (response.tls != nullptr) tls = *response.tls;
    view.reason = reason;
    view.remote = remote;
    view.headers = headers;
    view.body = {};
    view.tls = tls ? &*tls : nullptr;
  }
  StreamHead(const StreamHead&) = delete;
  StreamHead& operator=(const StreamHead&) = delete;

  std::string reason, remote;
  std::vector<std::pair<std::string, std::string>> texts;
  std::vector<net::HeaderView> headers;
  std::optional<net::TlsInfo> tls;
  net::HttpResponse view;
};

HttpScratch::HttpScratch() = default;
HttpScratch::~HttpScratch() = default;

HttpCall& HttpScratch::Take() {
  if (free_.empty()) {
    all_.push_back(std::make_unique<HttpCall>());
    return *all_.back();
  }
  HttpCall& call = *free_.back();
  free_.pop_back();
  return call;
}

void HttpScratch::Give(HttpCall& call) { free_.push_back(&call); }

HttpCall::HttpCall() = default;
HttpCall::~HttpCall() = default;

ActionCall* HttpPlan::Start(Strand& strand) const {
  HttpCall& call = strand.thread().http().Take();
  if (call.Begin(strand, *this)) return &call;
  ActionResult result;
  result.error = call.error();
  result.start_ns = result.end_ns = strand.thread().reactor().now_ns();
  strand.Settle(result);
  call.Release();
  return nullptr;
}

bool HttpCall::Begin(Strand& strand, const HttpPlan& plan) {
  strand_ = &strand;
  plan_ = &plan;
  redirects_ = 0;
  challenges_ = 0;
  away_ = false;
  phases_ = {};
  bytes_in_ = bytes_out_ = 0;
  events_ = 0;
  first_event_ns_ = 0;
  stream_over_ = false;
  head_text_.clear();
  error_.clear();
  start_ns_ = strand.thread().reactor().now_ns();

  model::EvalContext context = strand.Context();
  method_.clear();
  if (!plan.method.Append(context, method_) || !BuildUrl(context) || !BuildBody(context) ||
      !BuildHeaders(context) || !BuildCookies(context)) {
    if (error_.empty()) error_ = context.error;
    return false;
  }
  request_.method = method_;
  request_.headers = {};
  request_.keep_body = plan.keep_body_said || strand.step().reads_body || plan.save_to
                           ? plan.keep_body
                           : evidence_bytes();  // nobody reads it: kept as evidence
  request_.max_body = plan.max_body;
  request_.decode = plan.decompress;
  request_.stream = plan.stream.has_value();
  request_.fresh_connection = plan.fresh_connection;
  request_.timeout_ns = strand.step().has_timeout ? strand.step().timeout_ns : plan.timeout_ns;
  if (plan.stream) {
    sse_.Start();
    line_.clear();
    if (plan.stream->for_ns > 0)
      strand.thread().reactor().Arm(*this, start_ns_ + plan.stream->for_ns);
  }
  Send();
  return true;
}

void HttpCall::Send() {
  UserThread& thread = strand_->thread();
  User& user = strand_->user();
  const bool cookies =
      (plan_->sends_cookies && user.cookies().size() > 0) || (!away_ && !own_cookies_.empty());
  if (constant_headers_ && !cookies) {
    request_.headers = plan_->constant_headers;
  } else {
    headers_.clear();
    if (constant_headers_) headers_ = plan_->constant_headers;
    for (const Piece& piece : pieces_) {
      const std::string_view value =
          piece.fixed.data() != nullptr
              ? piece.fixed
              : std::string_view(head_text_).substr(piece.offset, piece.size);
      headers_.push_back({piece.name, value});
    }
    AddHopHeaders(cookies ? Cookies::kYes : Cookies::kNo);
    request_.headers = headers_;
  }
  request_.method = method_;
  request_.tls = url_.tls;
  request_.host = url_.host;
  request_.port = url_.port;
  request_.authority = url_.authority;
  request_.target = url_.target;
  request_.transport = plan_->transport[url_.tls ? 1 : 0];
  thread.client().Send(user.session(), request_, *this);
}

// What depends on this hop comes last, so that a redirect can make it anew.
void HttpCall::AddHopHeaders(Cookies cookies) {
  if (plan_->digest && !away_) {
    net::DigestAuth* digest = Digest();
    if (digest->ready()) {
      authorization_.clear();
      digest->AppendAuthorization(method_, url_.target, body_, authorization_);
      headers_.push_back({"Authorization", authorization_});
    }
  }
  if (cookies == Cookies::kNo) return;
  cookie_text_.clear();
  if (plan_->sends_cookies) {
    const auto now_s = static_cast<std::int64_t>(strand_->thread().wall_ns() / 1'000'000'000);
    strand_->user().cookies().AppendHeader({url_.host, url_.target, url_.tls}, now_s, cookie_text_);
  }
  if (!away_ && !own_cookies_.empty())
    (cookie_text_ += cookie_text_.empty() ? "" : "; ") += own_cookies_;
  if (!cookie_text_.empty()) headers_.push_back({"Cookie", cookie_text_});
}

// From here on the headers of this call may differ from the plan's.
void HttpCall::UnfoldHeaders() {
  if (!constant_headers_) return;
  constant_headers_ = false;
  for (const net::HeaderView& h : plan_->constant_headers) pieces_.push_back({h.name, h.value});
}

// The next request of the same exchange: what is left of the time is for it.
void HttpCall::SendAgain() {
  if (request_.timeout_ns > 0) {
    const std::uint64_t timeout =
        strand_->step().has_timeout ? strand_->step().timeout_ns : plan_->timeout_ns;
    const std::uint64_t spent = strand_->thread().reactor().now_ns() - start_ns_;
    request_.timeout_ns = timeout > spent ? timeout - spent : 1;
  }
  Send();
}

void HttpCall::Cancel() {
  strand_->thread().client().Cancel(strand_->user().session(), *this);
  Release();
}

void HttpCall::Release() {
  UserThread& thread = strand_->thread();
  if (armed()) thread.reactor().Cancel(*this);
  current_ = nullptr;
  multipart_.reset();
  files_.clear();
  stream_head_.reset();
  thread.http().Give(*this);
}

std::size_t HttpCall::evidence_bytes() const { return strand_->thread().program().evidence_bytes; }

void HttpCall::DescribeRequest(stats::Example& example) const {
  example.request_line = method_ + " " + (url_.tls ? "https://" : "http://") +
                         std::string(url_.authority) + std::string(url_.target);
  const auto says = [&](std::string_view name) {
    return std::ranges::any_of(request_.headers,
                               [&](const net::HeaderView& h) { return SameName(h.name, name); });
  };
  if (!says("host")) example.request_head += "Host: " + std::string(url_.authority) + "\n";
  for (const net::HeaderView& h : request_.headers) {
    example.request_head += std::string(h.name) + ": " + std::string(h.value) + "\n";
  }
  const auto size = request_.body_source != nullptr ? request_.body_source->size()
                                                    : std::optional(request_.body.size());
  if (size.value_or(0) > 0 && !says("content-length"))
    example.request_head += "Content-Length: " + std::to_string(*size) + "\n";
  example.request_body = body_.substr(0, evidence_bytes());
}

// ---- the response ----------------------------------------------------------------------------

void HttpCall::TakeCookies(const net::HttpResponse& response) {
  if (!plan_->sends_cookies) return;
  for (const net::HeaderView& h : response.headers) {
    if (h.name.size() != 10 || !SameName(h.name, "set-cookie")) continue;
    const auto now_s = static_cast<std::int64_t>(strand_->thread().wall_ns() / 1'000'000'000);
    // One that is refused is as if it had not been sent, as in a browser.
    (void)strand_->user().cookies().Set({url_.host, url_.target, url_.tls}, h.value, now_s);
  }
}

bool HttpCall::FollowRedirect(const net::HttpResponse& response) {
  if (plan_->redirects == 0 || response.status < 300 || response.status > 308) return false;
  if (response.status == 304 || response.status == 305 || response.status == 306 ||
      response.status == 300)
    return false;
  const auto location = response.Header("location");
  if (!location.has_value()) return false;
  if (redirects_ >= plan_->redirects) {
    error_ = "more than " + std::to_string(plan_->redirects) + " redirects; the last one to " +
             std::string(*location);
    return false;
  }
  std::string base =
      (url_.tls ? "https://" : "http://") + std::string(url_.authority) + std::string(url_.target);
  std::string next;
  if (const base::Status s = net::ResolveReference(base, *location, next); !s.ok()) {
    error_ = "redirect to " + std::string(*location) + ": " + s.message();
    return false;
  }
  // Looked at before the old text goes: what failed is described with the old URL.
  std::string storage;
  if (const auto parsed = net::ParseUrl(next, storage); !parsed.ok()) {
    error_ = "redirect to " + std::string(*location) + ": " + parsed.status().message();
    return false;
  }
  const std::string old_authority(url_.authority);
  const bool old_tls = url_.tls;
  url_text_ = std::move(next);
  if (!ParseUrl()) return false;
  ++redirects_;
  UnfoldHeaders();
  if (plan_->sign) pieces_.resize(sign_from_);
  const bool to_get = (response.status == 303 && method_ != "HEAD") ||
                      ((response.status == 301 || response.status == 302) && method_ == "POST");
  if (to_get) {
    method_ = "GET";
    body_.clear();
    request_.body = {};
    request_.body_source = nullptr;
    std::erase_if(pieces_, [](const Piece& p) {
      return strncasecmp(p.name.data(), "content-", 8) == 0 || SameName(p.name, "expect");
    });
  } else if (!RewindBody()) {
    return false;
  }
  if (old_authority != url_.authority || old_tls != url_.tls) LeaveOrigin();
  if (!plan_->sign || away_) return true;
  // What was signed has changed.
  sign_from_ = pieces_.size();
  model::EvalContext context = strand_->Context();
  if (AddSignature(context)) return true;
  error_ = context.error;
  return false;
}

void HttpCall::LeaveOrigin() {
  away_ = true;
  std::erase_if(pieces_, [](const Piece& p) {
    return SameName(p.name, "authorization") || SameName(p.name, "cookie") ||
           SameName(p.name, "host");
  });
}

bool HttpCall::RewindBody() {
  if (request_.body_source == nullptr) return true;
  const base::Status status = request_.body_source->Rewind();
  if (!status.ok()) error_ = status.message();
  return status.ok();
}

bool HttpCall::AnswerChallenge(const net::HttpResponse& response) {
  if (response.status != 401 || !plan_->digest || away_ || challenges_ == kMostChallenges)
    return false;
  for (const net::HeaderView& h : response.headers) {
    if (!SameName(h.name, "www-authenticate")) continue;
    auto challenge = net::ParseDigestChallenge(h.value);
    if (!challenge.ok()) continue;
    if (!Digest()->Accept(*std::move(challenge))) return false;  // the password is wrong
    ++challenges_;
    return RewindBody();
  }
  return false;
}

model::Value HttpCall::Output(const OutputUse& use, const net::HttpResponse& response) {
  UserThread& thread = strand_->thread();
  switch (OutputKinds()[use.output]) {
    case HttpOutput::kStatus: return Count(static_cast<std::uint64_t>(response.status));
    case HttpOutput::kReason: return model::Value::String(response.reason);
    case HttpOutput::kLatency: {
      const std::uint64_t intended = strand_->user().intended_ns();
      return Nanos(response.end_ns - (intended != 0 ? intended : start_ns_));
    }
    case HttpOutput::kService: return Nanos(response.end_ns - start_ns_);
    case HttpOutput::kBody: return model::Value::String(response.body);
    case HttpOutput::kJson: {
      model::Value value;
      std::string_view why;
      if (use.path == nullptr || !use.path->Read(thread.reader(), thread.arena(), value, why))
        return {};
      return value;
    }
    case HttpOutput::kHeaders: {
      if (!use.key.empty()) {
        const auto value = response.Header(use.key);
        return value ? model::Value::String(*value) : model::Value();
      }
      const auto members = thread.arena().AllocateArray<model::Member>(response.headers.size());
      for (std::size_t i = 0; i < members.size(); ++i) {
        members[i] = {response.headers[i].name, model::Value::String(response.headers[i].value)};
      }
      return model::Value::Map(members);
    }
    case HttpOutput::kCookies: {
      std::vector<model::Member> found;
      for (const net::HeaderView& h : response.headers) {
        if (!SameName(h.name, "set-cookie")) continue;
        const std::string_view pair =
            h.value.substr(0, std::min(h.value.find(';'), h.value.size()));
        const std::size_t equals = pair.find('=');
        if (equals == std::string_view::npos) continue;
        if (use.key == pair.substr(0, equals)) return model::Value::String(pair.substr(equals + 1));
        found.push_back({pair.substr(0, equals), model::Value::String(pair.substr(equals + 1))});
      }
      if (!use.key.empty()) return {};
      const auto members = thread.arena().AllocateArray<model::Member>(found.size());
      std::ranges::copy(found, members.begin());
      return model::Value::Map(members);
    }
    case HttpOutput::kSize:
      return Count(response.body_truncated ? response.body_bytes : response.body.size());
    case HttpOutput::kReceived: return Count(bytes_in_);
    case HttpOutput::kSent: return Count(bytes_out_);
    case HttpOutput::kUrl:
      return model::Value::String(thread.arena().Copy((url_.tls ? "https://" : "http://") +
                                                      std::string(url_.authority) +
                                                      std::string(url_.target)));
    case HttpOutput::kRedirects: return Count(static_cast<std::uint64_t>(redirects_));
    case HttpOutput::kVersion: return model::Value::String(NameOf(response.version));
    case HttpOutput::kRemote: return model::Value::String(response.remote);
    case HttpOutput::kReused: return model::Value::Bool(response.reused_connection);
    case HttpOutput::kBlocked: return Nanos(phases_.blocked);
    case HttpOutput::kDns: return Nanos(phases_.dns);
    case HttpOutput::kConnect: return Nanos(phases_.connect);
    case HttpOutput::kTls: return Nanos(phases_.tls);
    case HttpOutput::kSend: return Nanos(phases_.send);
    case HttpOutput::kFirstByte: return Nanos(phases_.first_byte);
    case HttpOutput::kTransfer: return Nanos(phases_.transfer);
    case HttpOutput::kEvents: return Count(events_);
    case HttpOutput::kFirstEvent:
      return events_ > 0 ? Nanos(first_event_ns_ - start_ns_) : model::Value();
    case HttpOutput::kTlsVersion:
      return response.tls ? model::Value::String(response.tls->version) : model::Value();
    case HttpOutput::kTlsCipher:
      return response.tls ? model::Value::String(response.tls->cipher) : model::Value();
    case HttpOutput::kCertificateExpires:
      return response.tls ? model::Value::String(response.tls->not_after) : model::Value();
    case HttpOutput::kError: return {};
  }
  return {};
}

void HttpCall::SetOutputs(const net::HttpResponse& response) {
  for (const OutputUse& use : strand_->step().uses) strand_->SetOutput(use, Output(use, response));
}

void HttpCall::OnResponse(const net::HttpResponse& response) {
  AddPhases(phases_, response.phases);
  bytes_in_ += response.bytes_received;
  bytes_out_ += response.bytes_sent;
  TakeCookies(response);
  if (response.status >= 300) [[unlikely]] {
    if (AnswerChallenge(response) || FollowRedirect(response)) return SendAgain();
  }
  const StepPlan& step = strand_->step();
  current_ = &response;
  extract::Response source;
  ActionResult result;
  result.error = error_;
  result.exchange = true;
  result.status = static_cast<std::uint16_t>(response.status);
  result.start_ns = start_ns_;
  result.end_ns = response.end_ns;
  result.phases = PhaseTimesOf(phases_);
  result.tls = response.tls;
  result.bytes_in = bytes_in_;
  result.bytes_out = bytes_out_;
  result.evidence = DescribeExchange;
  result.context = this;
  if (step.reads_body || !step.extracts.empty()) {
    fields_.clear();
    for (const net::HeaderView& h : response.headers) fields_.push_back({h.name, h.value});
    source = {response.body, fields_};
    strand_->thread().reader().Load(source);
    result.response = &source;
  }
  if (!step.uses.empty()) SetOutputs(response);
  if (plan_->save_to) SaveBody(response.body);
  AddSpan(response.status, {}, response.end_ns);
  Finish(result);
}

void HttpCall::OnError(const net::ExchangeError& error) {
  AddPhases(phases_, error.phases);
  current_ = nullptr;
  const auto& uses = strand_->step().uses;
  const std::string_view name = net::NameOf(error.kind);
  for (const OutputUse& use : uses) {
    const bool is_error = OutputKinds()[use.output] == HttpOutput::kError;
    strand_->SetOutput(use, is_error ? model::Value::String(name) : model::Value());
  }
  ActionResult result;
  result.error = error.detail.empty() ? name : error.detail;
  result.error_id = static_cast<std::uint16_t>(static_cast<int>(error.kind) + 1);
  result.timed_out =
      error.kind == net::ErrorKind::kTimeout || error.kind == net::ErrorKind::kConnectTimeout;
  result.exchange = true;
  result.start_ns = start_ns_;
  result.end_ns = error.end_ns;
  result.phases = PhaseTimesOf(phases_);
  result.bytes_in = bytes_in_ + error.bytes_received;
  result.bytes_out = bytes_out_ + error.bytes_sent;
  result.evidence = DescribeExchange;
  result.context = this;
  AddSpan(0, result.error, error.end_ns);
  Finish(result);
}

void HttpCall::AddSpan(int status, std::string_view error, std::uint64_t end_ns) {
  SpanSink* spans = strand_->thread().spans();
  if (spans == nullptr) return;
  const User& user = strand_->user();
  std::string url =
      (url_.tls ? "https://" : "http://") + std::string(url_.authority) + std::string(url_.target);
  MaskText(strand_->thread().program(), strand_->slots(), url);
  std::string why(error);
  if (!why.empty()) MaskText(strand_->thread().program(), strand_->slots(), why);
  spans->Add({.trace = user.trace(),
              .span = span_,
              .parent = user.root_span(),
              .step = strand_->step().path,
              .method = method_,
              .url = url,
              .status = status,
              .error = why,
              .start_ns = start_ns_,
              .end_ns = end_ns});
}

void HttpCall::Finish(const ActionResult& result) {
  Strand& strand = *strand_;
  strand.Settle(result);
  Release();
  strand.Continue();
}

void HttpCall::SaveBody(std::string_view body) {
  std::string path;
  model::EvalContext context = strand_->Context();
  if (!plan_->save_to->Append(context, path)) return;
  const std::filesystem::path full = std::filesystem::path(path).is_absolute()
                                         ? std::filesystem::path(path)
                                         : std::filesystem::path(plan_->folder) / path;
  std::FILE* file = std::fopen(full.c_str(), "wb");
  const bool written =
      file != nullptr && std::fwrite(body.data(), 1, body.size(), file) == body.size();
  const int why = errno;
  const bool closed = file == nullptr || std::fclose(file) == 0;
  if (!written || !closed)
    strand_->thread().run().Log(strand_->step().path, "error",
                                base::FromErrno("saveTo " + full.string(), why).message());
}

// ---- streams ---------------------------------------------------------------------------------

void HttpCall::OnHead(const net::HttpResponse& response) {
  if (plan_->stream->for_ns > 0) stream_head_ = std::make_unique<StreamHead>(response);
}

bool HttpCall::CountEvent(std::string_view type, std::string_view data, std::string_view id) {
  const StreamPlan& stream = *plan_->stream;
  if (events_ == 0) first_event_ns_ = strand_->thread().reactor().now_ns();
  ++events_;
  if (stream.max_events > 0 && events_ >= stream.max_events) stream_over_ = true;
  if (stream.until == nullptr) return !stream_over_;
  Slots& slots = strand_->slots();
  const auto set = [&](Slot slot, model::Value value) {
    if (slot != kNoSlot) slots.Borrow(slot, value);
  };
  set(stream.type, model::Value::String(type));
  set(stream.data, model::Value::String(data));
  set(stream.id, model::Value::String(id));
  set(stream.events, Count(events_));
  strand_->thread().arena().Reset();
  model::EvalContext context = strand_->Context();
  bool over = false;
  if (stream.until->Test(context, over) && over) stream_over_ = true;
  return !stream_over_;
}

void HttpCall::OnEvent(const net::SseEvent& event) {
  if (!stream_over_) (void)CountEvent(event.type, event.data, event.id);
}

bool HttpCall::OnBody(std::string_view piece) {
  switch (plan_->stream->format) {
    case StreamPlan::Format::kBytes: return CountEvent("bytes", piece, {});
    case StreamPlan::Format::kSse:
      if (const base::Status s = sse_.Feed(piece, *this); !s.ok()) {
        error_ = s.message();
        return false;
      }
      return !stream_over_;
    case StreamPlan::Format::kLines: {
      while (!piece.empty() && !stream_over_) {
        const std::size_t end = piece.find('\n');
        line_ += piece.substr(0, end);
        if (end == std::string_view::npos) break;
        piece.remove_prefix(end + 1);
        if (line_.ends_with('\r')) line_.pop_back();
        (void)CountEvent("line", line_, {});
        line_.clear();
      }
      return !stream_over_;
    }
  }
  return true;
}

// `for` is over: the stream has lasted as long as it should.
void HttpCall::OnTimer() {
  UserThread& thread = strand_->thread();
  thread.client().Cancel(strand_->user().session(), *this);
  net::HttpResponse response;
  if (stream_head_ != nullptr) {
    response = stream_head_->view;
  } else {
    error_ = "nothing came before `for` was over";
  }
  response.start_ns = start_ns_;
  response.end_ns = thread.reactor().now_ns();
  OnResponse(response);
}

}  // namespace ronda::engine
