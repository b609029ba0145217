#include "trace/ingest/otlp_grpc.h"

#include <fmt/format.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/resource_quota.h>
#include <openssl/crypto.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/core/varint.h"
#include "base/file.h"
#include "wire/otlp/encode.h"

namespace ronda::trace::ingest {
namespace {

constexpr std::string_view kTraces = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
constexpr std::string_view kLogs = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
constexpr std::string_view kMetrics =
    "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

std::optional<segment::Signal> SignalOf(std::string_view method) {
  if (method == kTraces) return segment::Signal::kTraces;
  if (method == kLogs) return segment::Signal::kLogs;
  if (method == kMetrics) return segment::Signal::kMetrics;
  return std::nullopt;
}

// Calls at a time on one connection; more wait.
constexpr int kStreams = 64;
// What gRPC may hold of messages on their way in. Past it gRPC resets calls, which senders take for
// final: it only guards against the end of the process, the lanes' memory is what says "later".
constexpr std::size_t kUnread = 1u << 30;

void PutField(int number, std::string_view bytes, std::string& out) {
  base::PutVarint(static_cast<std::uint64_t>(number) << 3 | 2, out);
  base::PutBytes(bytes, out);
}

// A google.rpc.Status with a RetryInfo of one second (google/rpc/error_details.proto).
std::string RetryDetails(const std::string& message) {
  const std::string delay("\x08\x01", 2);  // Duration: seconds
  std::string info, any, details;
  PutField(1, delay, info);
  PutField(1, "type.googleapis.com/google.rpc.RetryInfo", any);
  PutField(2, info, any);
  details += '\x08';
  base::PutVarint(static_cast<std::uint64_t>(grpc::StatusCode::UNAVAILABLE), details);
  PutField(2, message, details);
  PutField(3, any, details);
  return details;
}

grpc::Status StatusOf(const base::Status& status) {
  switch (status.code()) {
    case base::Code::kOk: return grpc::Status::OK;
    case base::Code::kResourceExhausted:
      return {grpc::StatusCode::RESOURCE_EXHAUSTED, status.message()};
    case base::Code::kUnavailable:
    case base::Code::kFailedPrecondition:
      return {grpc::StatusCode::UNAVAILABLE, status.message(), RetryDetails(status.message())};
    default: return {grpc::StatusCode::INVALID_ARGUMENT, status.message()};
  }
}

bool IsAllowed(const grpc::GenericCallbackServerContext& context, const std::string& token) {
  if (token.empty()) return true;
  const std::string wanted = "Bearer " + token;
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find("authorization");
  return found != metadata.end() && found->second.size() == wanted.size() &&
         CRYPTO_memcmp(found->second.data(), wanted.data(), wanted.size()) == 0;
}

// One call of Export. Deletes itself when gRPC is done with it, which is after its Finish.
class Call : public grpc::ServerGenericBidiReactor {
 public:
  Call(const grpc::GenericCallbackServerContext& context, const std::string& token, Lanes& lanes)
      : lanes_(lanes) {
    const auto signal = SignalOf(context.method());
    signal_ = signal.value_or(segment::Signal::kTraces);
    if (!signal) {
      Refuse({grpc::StatusCode::UNIMPLEMENTED,
              fmt::format("here are {}, {} and {} only", kTraces, kLogs, kMetrics)});
    } else if (!IsAllowed(context, token)) {
      Refuse({grpc::StatusCode::UNAUTHENTICATED, "a token is needed: authorization: Bearer TOKEN"});
    } else {
      StartRead(&request_);
    }
  }

  void OnReadDone(bool ok) override {
    if (!ok) return Refuse({grpc::StatusCode::INVALID_ARGUMENT, "no message came"});
    base::ByteReservation memory(lanes_.memory());
    if (!memory.Grow(request_.Length())) {
      return Refuse(
          StatusOf(base::Unavailable("too much is being worked on: send it again a little later")));
    }
    std::string body;
    if (!Copy(body)) return Refuse({grpc::StatusCode::INVALID_ARGUMENT, "no whole message came"});
    request_.Clear();
    lanes_.Take({.receiver = OtlpGrpc::kReceiver, .signal = signal_}, std::move(body),
                std::move(memory),
                [this](const base::Status& status, const wire::otlp::DecodeReport& report) {
                  Answer(status, report);
                });
  }
  void OnDone() override { delete this; }

 private:
  bool Copy(std::string& body) const {
    std::vector<grpc::Slice> slices;
    if (!request_.Dump(&slices).ok()) return false;
    body.reserve(request_.Length());
    for (const grpc::Slice& slice : slices) {
      body.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
    }
    return true;
  }

  void Refuse(const grpc::Status& status) {
    lanes_.CountRefused(OtlpGrpc::kReceiver, signal_);
    Finish(status);
  }

  void Answer(const base::Status& status, const wire::otlp::DecodeReport& report) {
    if (!status.ok()) return Finish(StatusOf(status));
    std::string body;
    wire::otlp::EncodeResponse({.rejected = static_cast<std::int64_t>(report.total_refused()),
                                .message = report.Describe()},
                               body);
    const grpc::Slice slice(body);
    response_ = grpc::ByteBuffer(&slice, 1);
    StartWriteAndFinish(&response_, grpc::WriteOptions(), grpc::Status::OK);
  }

  Lanes& lanes_;
  segment::Signal signal_ = segment::Signal::kTraces;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
};

base::Result<std::shared_ptr<grpc::ServerCredentials>> CredentialsOf(const http::Tls& tls) {
  if (tls.certificate_file.empty()) return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions options;
  ASSIGN_OR_RETURN(std::string key, base::ReadFile(tls.key_file));
  ASSIGN_OR_RETURN(std::string certificate, base::ReadFile(tls.certificate_file));
  options.pem_key_cert_pairs.push_back({std::move(key), std::move(certificate)});
  return grpc::SslServerCredentials(options);
}

}  // namespace

class OtlpGrpc::Service : public grpc::CallbackGenericService {
 public:
  Service(const OtlpGrpcOptions& options, Lanes& lanes) : options_(options), lanes_(lanes) {}

  base::Status Start() {
    ASSIGN_OR_RETURN(const auto credentials, CredentialsOf(options_.tls));
    const bool six = options_.address.find(':') != std::string::npos;
    const std::string address =
        fmt::format("{}{}{}:{}", six ? "[" : "", options_.address, six ? "]" : "", options_.port);
    grpc::ServerBuilder builder;
    builder.RegisterCallbackGenericService(this);
    builder.AddListeningPort(address, credentials, &port_);
    // Two processes on one port would each get a part of the calls.
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
    builder.SetMaxReceiveMessageSize(static_cast<int>(wire::otlp::Limits().request_bytes));
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreams);
    grpc::ResourceQuota quota("otlp-grpc");
    builder.SetResourceQuota(quota.Resize(lanes_.memory().capacity() + kUnread));
    server_ = builder.BuildAndStart();
    if (server_ != nullptr && port_ != 0) return base::Ok();
    return base::Unavailable("cannot listen on " + address + ": is it in use?");
  }

  void Stop() {
    if (server_ == nullptr) return;
    server_->Shutdown(std::chrono::system_clock::now() + options_.drain);
    server_->Wait();
    server_.reset();
  }

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    return new Call(*context, options_.bearer_token, lanes_);
  }

  [[nodiscard]] int port() const { return port_; }

 private:
  const OtlpGrpcOptions options_;
  Lanes& lanes_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

base::Result<std::unique_ptr<OtlpGrpc>> OtlpGrpc::Start(const OtlpGrpcOptions& options,
                                                        Lanes& lanes) {
  auto service = std::make_unique<Service>(options, lanes);
  RETURN_IF_ERROR(service->Start());
  return std::unique_ptr<OtlpGrpc>(new OtlpGrpc(std::move(service)));
}

OtlpGrpc::OtlpGrpc(std::unique_ptr<Service> service) : service_(std::move(service)) {}
OtlpGrpc::~OtlpGrpc() { Stop(); }
void OtlpGrpc::Stop() { service_->Stop(); }
std::uint16_t OtlpGrpc::port() const { return static_cast<std::uint16_t>(service_->port()); }

}  // namespace ronda::trace::ingest
