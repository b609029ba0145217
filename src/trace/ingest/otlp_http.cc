#include "trace/ingest/otlp_http.h"

#include <strings.h>

#include <optional>
#include <string>
#include <utility>

#include "base/core/varint.h"
#include "wire/otlp/encode.h"
#include "wire/otlp/json_encode.h"

namespace ronda::trace::ingest {
namespace {

constexpr std::string_view kProtobuf = "application/x-protobuf";
constexpr std::string_view kJson = "application/json";

std::optional<segment::Signal> SignalOf(std::string_view path) {
  if (path == "/v1/traces") return segment::Signal::kTraces;
  if (path == "/v1/logs") return segment::Signal::kLogs;
  if (path == "/v1/metrics") return segment::Signal::kMetrics;
  return std::nullopt;
}

// The media type without parameters, in any case.
std::optional<Format> FormatOf(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  while (content_type.ends_with(' ')) content_type.remove_suffix(1);
  const auto is = [&](std::string_view name) {
    return content_type.size() == name.size() &&
           strncasecmp(content_type.data(), name.data(), name.size()) == 0;
  };
  if (is(kProtobuf) || is("application/protobuf")) return Format::kProtobuf;
  if (is(kJson)) return Format::kJson;
  return std::nullopt;
}

// google.rpc.Code of a status (google/rpc/code.proto's mapping).
int RpcCodeOf(int status) {
  switch (status) {
    case 401: return 16;  // UNAUTHENTICATED
    case 413: return 8;  // RESOURCE_EXHAUSTED
    case 429:
    case 503: return 14;  // UNAVAILABLE
    default: return 3;  // INVALID_ARGUMENT
  }
}

int HttpStatusOf(const base::Status& status) {
  switch (status.code()) {
    case base::Code::kOk: return 200;
    case base::Code::kResourceExhausted: return 413;
    case base::Code::kUnavailable: return 429;
    case base::Code::kFailedPrecondition: return 503;
    default: return 400;
  }
}

// A google.rpc.Status in the sender's format.
http::Response Refusal(int status, std::string_view why, Format format) {
  if (format == Format::kJson) {
    http::Response response = http::RefuseAsJson(status, why, {});
    response.body.replace(0, response.body.find(','),
                          "{\"code\":" + std::to_string(RpcCodeOf(status)));
    return response;
  }
  http::Response response = http::RefuseAsJson(status, why, {});
  response.content_type = kProtobuf;
  response.body.clear();
  response.body += '\x08';  // code
  base::PutVarint(static_cast<std::uint64_t>(RpcCodeOf(status)), response.body);
  response.body += '\x12';  // message
  base::PutBytes(why, response.body);
  return response;
}

// How a reply in JSON calls the count of what was refused.
std::string_view RejectedOf(segment::Signal signal) {
  switch (signal) {
    case segment::Signal::kTraces: return "rejectedSpans";
    case segment::Signal::kLogs: return "rejectedLogRecords";
    case segment::Signal::kMetrics: return "rejectedDataPoints";
  }
  return "";
}

http::Response Answer(const base::Status& status, const wire::otlp::DecodeReport& report,
                      Format format, segment::Signal signal) {
  if (!status.ok()) return Refusal(HttpStatusOf(status), status.message(), format);
  const wire::otlp::PartialSuccess partial{
      .rejected = static_cast<std::int64_t>(report.total_refused()), .message = report.Describe()};
  http::Response response;
  if (format == Format::kJson) {
    EncodeResponseJson(partial, RejectedOf(signal), response.body);
  } else {
    response.content_type = kProtobuf;
    EncodeResponse(partial, response.body);
  }
  return response;
}

}  // namespace

http::Response OtlpHttp::Refuse(int status, std::string_view why, const http::Request& request) {
  lanes_.CountRefused(kReceiver, SignalOf(request.path()).value_or(segment::Signal::kTraces));
  return Refusal(status, why, FormatOf(request.Header("content-type")).value_or(Format::kJson));
}

void OtlpHttp::Handle(http::Request request, http::Reply reply) {
  const auto refuse = [&](int status, std::string_view why) {
    http::Response response = Refuse(status, why, request);
    if (status == 405) response.headers.emplace_back("Allow", "POST");
    reply(std::move(response));
  };
  const auto signal = SignalOf(request.path());
  if (!signal) {
    return refuse(404,
                  "nothing is here: spans go to /v1/traces, log records to /v1/logs, metrics to "
                  "/v1/metrics");
  }
  if (request.method != "POST") return refuse(405, "OTLP is sent by POST");
  const auto format = FormatOf(request.Header("content-type"));
  if (!format) {
    return refuse(415, "Content-Type is to be application/x-protobuf or application/json");
  }
  const auto coding = CodingOf(request.Header("content-encoding"));
  if (!coding) return refuse(415, "Content-Encoding is to be gzip, zstd or identity");
  lanes_.Take({.receiver = kReceiver, .format = *format, .coding = *coding, .signal = *signal},
              std::move(request.body), std::move(request.memory),
              [reply = std::move(reply), format = *format, signal = *signal](
                  const base::Status& status, const wire::otlp::DecodeReport& report) {
                reply(Answer(status, report, format, signal));
              });
}

}  // namespace ronda::trace::ingest
