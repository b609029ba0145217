#include "net/client_harness.h"

namespace ronda::net {
namespace {

constexpr std::uint64_t kPatienceNs = 20'000'000'000;

// Calls back at a time.
class Alarm final : public Timer {
 public:
  explicit Alarm(std::function<void()> ring) : ring_(std::move(ring)) {}

 private:
  void OnTimer() override { ring_(); }
  std::function<void()> ring_;
};

}  // namespace

void Remember::OnResponse(const HttpResponse& response) {
  ++calls;
  outcome.done = true;
  outcome.status = response.status;
  outcome.version = response.version;
  outcome.reason = response.reason;
  for (const HeaderView& header : response.headers) {
    outcome.headers.emplace_back(header.name, header.value);
  }
  outcome.body = response.body;
  // The 64 bytes behind the body may be read.
  volatile char sum = 0;
  for (int i = 0; i < 64 && !response.body.empty(); ++i) {
    sum = static_cast<char>(
        sum + response.body.data()[response.body.size() + static_cast<std::size_t>(i)]);
  }
  outcome.body_truncated = response.body_truncated;
  outcome.body_bytes = response.body_bytes;
  outcome.bytes_sent = response.bytes_sent;
  outcome.bytes_received = response.bytes_received;
  outcome.reused = response.reused_connection;
  outcome.remote = response.remote;
  outcome.tls = response.tls != nullptr;
  if (outcome.tls) outcome.tls_info = *response.tls;
  outcome.phases = response.phases;
  outcome.start_ns = response.start_ns;
  outcome.end_ns = response.end_ns;
  if (then) then();
}

void Remember::OnError(const ExchangeError& error) {
  ++calls;
  outcome.done = true;
  outcome.failed = true;
  outcome.kind = error.kind;
  outcome.detail = error.detail;
  outcome.status = error.status;
  outcome.reused = error.reused_connection;
  outcome.phases = error.phases;
  outcome.start_ns = error.start_ns;
  outcome.end_ns = error.end_ns;
  if (then) then();
}

void Remember::OnHead(const HttpResponse& response) {
  head_status = response.status;
  if (on_head) on_head();
}

bool Remember::OnBody(std::string_view piece) {
  streamed.append(piece);
  return on_body ? on_body() : true;
}

ClientHarness::ClientHarness(HttpClient::Options options) {
  auto made = Reactor::Create();
  CHECK(made.ok());
  reactor = std::move(made).value();
  client = HttpClient::Create(*reactor, options);
}

HttpRequest ClientHarness::Request(std::uint16_t port) const {
  HttpRequest request;
  request.host = "127.0.0.1";
  request.port = port;
  request.authority = "test.example";
  request.transport = &transport;
  return request;
}

Outcome ClientHarness::Fetch(HttpSession& session, const HttpRequest& request) {
  Remember handler;
  client->Send(session, request, handler);
  EXPECT_EQ(handler.calls, 0) << "called from inside Send";
  RunUntil([&] { return handler.outcome.done; });
  EXPECT_LE(handler.calls, 1);
  return handler.outcome;
}

void ClientHarness::RunUntil(const std::function<bool()>& condition) {
  bool late = false;
  Alarm alarm([&] { late = true; });
  reactor->Arm(alarm, reactor->Fresh() + kPatienceNs);
  while (!late && !condition()) reactor->RunOnce(Reactor::Wait::kYes);
  ASSERT_FALSE(late) << "nothing happened for too long";
}

}  // namespace ronda::net
