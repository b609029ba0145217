#include "apps/ronda/traces.h"

#include <memory>
#include <ostream>
#include <string>
#include <thread>
#include <utility>

#include "api/metric_routes.h"
#include "api/red_routes.h"
#include "api/router.h"
#include "api/trace_routes.h"
#include "apps/ronda/data_folder.h"
#include "apps/ronda/end_signals.h"
#include "apps/ronda/sampling_file.h"
#include "base/core/ids.h"
#include "base/json_writer.h"
#include "base/options.h"
#include "http/server.h"
#include "trace/ingest/lanes.h"
#include "trace/ingest/otlp_grpc.h"
#include "trace/ingest/otlp_http.h"
#include "trace/query/trace_reader.h"
#include "trace/segment/log_rows.h"
#include "wire/otlp/json_encode.h"

namespace ronda::apps {
namespace {

namespace ingest = trace::ingest;
using base::OptionType;

std::vector<base::OptionSpec> TracesOptions() {
  return {
      {.name = "data",
       .type = OptionType::kString,
       .value_name = "DIR",
       .needs_restart = base::NeedsRestart::kYes,
       .description = "The folder that keeps everything; made if it is missing. Without it, "
                      "ronda/traces in $XDG_STATE_HOME or ~/.local/state.",
       .example = "/var/lib/ronda/traces"},
      {.name = "listen",
       .type = OptionType::kString,
       .value_name = "ADDRESS",
       .default_text = "127.0.0.1",
       .needs_restart = base::NeedsRestart::kYes,
       .description = "The IP address that all ports listen on; 0.0.0.0 for all of this machine. "
                      "Then a token and TLS are a good idea."},
      {.name = "http",
       .type = OptionType::kInt,
       .value_name = "PORT",
       .default_text = "4319",
       .min = "0",
       .max = "65535",
       .needs_restart = base::NeedsRestart::kYes,
       .description = "Where the API is served. 0 takes a free port."},
      {.name = "otlp-http",
       .type = OptionType::kInt,
       .value_name = "PORT",
       .default_text = "4318",
       .min = "0",
       .max = "65535",
       .needs_restart = base::NeedsRestart::kYes,
       .description = "Where OTLP/HTTP is received, at /v1/traces, /v1/logs and /v1/metrics. 0 "
                      "takes a free port."},
      {.name = "otlp-grpc",
       .type = OptionType::kInt,
       .value_name = "PORT",
       .default_text = "4317",
       .min = "0",
       .max = "65535",
       .needs_restart = base::NeedsRestart::kYes,
       .description = "Where OTLP/gRPC is received. 0 takes a free port."},
      {.name = "no-otlp-grpc",
       .type = OptionType::kSwitch,
       .needs_restart = base::NeedsRestart::kYes,
       .description = "Receive no OTLP/gRPC: a port and some threads less."},
      {.name = "token",
       .type = OptionType::kString,
       .needs_restart = base::NeedsRestart::kYes,
       .secrecy = base::Secrecy::kSecret,
       .description = "Whoever sends or asks has to show it: Authorization: Bearer TOKEN."},
      {.name = "tls-cert",
       .type = OptionType::kString,
       .value_name = "FILE",
       .needs_restart = base::NeedsRestart::kYes,
       .description = "A certificate with its chain, PEM: all ports speak TLS."},
      {.name = "tls-key",
       .type = OptionType::kString,
       .value_name = "FILE",
       .needs_restart = base::NeedsRestart::kYes,
       .description = "The certificate's key, PEM."},
      {.name = "retain",
       .type = OptionType::kDuration,
       .default_text = "168h",
       .min = "1h",
       .needs_restart = base::NeedsRestart::kYes,
       .description = "How long spans are kept; whole hours expire."},
      {.name = "retain-size",
       .type = OptionType::kSize,
       .min = "1MiB",
       .needs_restart = base::NeedsRestart::kYes,
       .description = "How much disk segments may take; past it the oldest hours go, the last one "
                      "stays."},
      {.name = "memory",
       .type = OptionType::kSize,
       .default_text = "256MiB",
       .min = "1MiB",
       .needs_restart = base::NeedsRestart::kYes,
       .description = "What requests that are worked on may take together; past it senders are "
                      "asked to come again (429)."},
      {.name = "lanes",
       .type = OptionType::kInt,
       .value_name = "N",
       .default_text = "1",
       .min = "1",
       .max = "64",
       .needs_restart = base::NeedsRestart::kYes,
       .description = "Stores that are written side by side, one thread each. A folder that has "
                      "more keeps them."},
      {.name = "mask",
       .type = OptionType::kList,
       .value_name = "KEY",
       .needs_restart = base::NeedsRestart::kYes,
       .description = "An attribute whose value is replaced by *** before it is written; KEY* for "
                      "all that begin so.",
       .example = "enduser.id"},
      {.name = "sampling",
       .type = OptionType::kString,
       .value_name = "FILE",
       .needs_restart = base::NeedsRestart::kYes,
       .description = "What tail sampling keeps, YAML: `ronda help sampling`. Without it every "
                      "trace stays until it expires.",
       .example = "sampling.yaml"},
      {.name = "keep-sql",
       .type = OptionType::kSwitch,
       .needs_restart = base::NeedsRestart::kYes,
       .description = "Keep literals in db.statement and db.query.text, and query parameters; "
                      "without it they are masked."},
      {.name = "keep-headers",
       .type = OptionType::kSwitch,
       .needs_restart = base::NeedsRestart::kYes,
       .description = "Keep header attributes such as authorization and cookie; without it they "
                      "are masked."},
  };
}

base::Result<ingest::LanesOptions> LanesOptionsOf(const base::Options& options) {
  const auto apply = [&](std::string_view keep) {
    return options.Switch(keep) ? ingest::MaskRules::Apply::kNo : ingest::MaskRules::Apply::kYes;
  };
  ingest::LanesOptions lanes;
  lanes.lanes = static_cast<std::size_t>(options.Int("lanes"));
  lanes.memory_bytes = static_cast<std::size_t>(options.SizeBytes("memory"));
  lanes.mask = {
      .sql = apply("keep-sql"), .headers = apply("keep-headers"), .keys = options.List("mask")};
  lanes.lane.retain_ns = static_cast<std::uint64_t>(options.DurationNs("retain"));
  if (options.Has("retain-size")) {
    lanes.lane.retain_bytes = static_cast<std::uint64_t>(options.SizeBytes("retain-size"));
  }
  if (options.Has("sampling")) {
    ASSIGN_OR_RETURN(lanes.sampling, ReadSamplingFile(options.String("sampling")));
  }
  return lanes;
}

base::Result<http::ServerOptions> ServerOptionsOf(const base::Options& options) {
  http::ServerOptions server;
  server.address = options.String("listen");
  if (options.Has("token")) server.bearer_token = options.String("token");
  if (options.Has("tls-cert") != options.Has("tls-key")) {
    return base::InvalidArgument("--tls-cert and --tls-key belong together");
  }
  if (options.Has("tls-cert")) {
    server.tls = {options.String("tls-cert"), options.String("tls-key")};
  }
  server.threads = static_cast<int>(std::max(2u, std::thread::hardware_concurrency()));
  return server;
}

base::Result<std::unique_ptr<http::Server>> Listen(http::ServerOptions options,
                                                   const base::Options& given,
                                                   std::string_view port, http::Handler handler,
                                                   http::Refuse refuse) {
  options.port = static_cast<std::uint16_t>(given.Int(port));
  auto server = http::Server::Start(options, std::move(handler), std::move(refuse));
  if (server.status().code() == base::Code::kUnavailable) {
    return base::Unavailable(server.status().message() + "; --" + std::string(port) +
                             " PORT takes another");
  }
  return server;
}

// Nothing when it is not wanted.
base::Result<std::unique_ptr<ingest::OtlpGrpc>> ListenGrpc(const http::ServerOptions& options,
                                                           const base::Options& given,
                                                           ingest::Lanes& lanes) {
  if (given.Switch("no-otlp-grpc")) return std::unique_ptr<ingest::OtlpGrpc>();
  auto receiver =
      ingest::OtlpGrpc::Start({.address = options.address,
                               .port = static_cast<std::uint16_t>(given.Int("otlp-grpc")),
                               .bearer_token = options.bearer_token,
                               .tls = options.tls},
                              lanes);
  if (receiver.status().code() == base::Code::kUnavailable) {
    return base::Unavailable(receiver.status().message() + "; --otlp-grpc PORT takes another");
  }
  return receiver;
}

// The log records of a trace, as OTLP/JSON.
base::Result<http::Response> LogsOf(ingest::Lanes& lanes, const api::Call& call) {
  const auto trace = base::ParseTraceId(call.path.at("id"));
  if (!trace) {
    return base::InvalidArgument("a trace id is 32 hex digits, not all zero");
  }
  const auto rows = trace::query::ReadTrace(lanes.logs(), *trace);
  if (!rows.ok()) return rows.status();
  wire::otlp::LogBatch logs;
  trace::segment::LogsOfRows(rows->batch, logs);
  http::Response response;
  EncodeLogsJson(logs, response.body);
  return response;
}

// Removes a service's spans for a while; whoever wants all of them gone asks until it is done.
base::Result<http::Response> DeleteService(ingest::Lanes& lanes, const base::Clock& clock,
                                           const api::Call& call) {
  constexpr std::uint64_t kWhileNs = 20'000'000'000;
  const auto deleted = lanes.DeleteService(call.path.at("service"), clock.MonotonicNs() + kWhileNs);
  if (!deleted.ok()) return deleted.status();
  base::JsonWriter json;
  json.Object().Field("deleted", deleted->spans).Field("done", deleted->done).EndObject();
  return http::Response{.body = std::move(json.out)};
}

base::Result<http::Response> BackUp(ingest::Lanes& lanes, const api::Call& call) {
  const auto folder = lanes.BackUp(call.path.at("name"));
  if (!folder.ok()) return folder.status();
  base::JsonWriter json;
  json.Object().Field("folder", *folder).EndObject();
  return http::Response{.body = std::move(json.out)};
}

// What this role adds to the routes of traces.
void AddOwnRoutes(ingest::Lanes& lanes, const base::Clock& clock, api::Router& router) {
  router.Add({.pattern = "/api/v1/services/{service}/spans",
              .method = "DELETE",
              .summary = "Removes what a service has sent up to now; again until it is done",
              .parameters = {},
              .access = {api::Role::kAdmin, api::Area::kTraces},
              .errors = {503, 504},
              .unversioned = "it removes what came, however much that is",
              .answer = [&](const api::Call& call) { return DeleteService(lanes, clock, call); }});
  router.Add({.pattern = "/api/v1/backups/{name}",
              .method = "PUT",
              .summary = "Makes a copy of everything, in the folder backups/NAME of the data",
              .parameters = {},
              .access = {api::Role::kAdmin, api::Area::kTraces},
              .errors = {409},
              .unversioned = "a backup that exists is never replaced: 409",
              .answer = [&](const api::Call& call) { return BackUp(lanes, call); }});
  router.Add({.pattern = "/api/v1/ledger",
              .summary = "What became of everything received",
              .parameters = {},
              .access = {.area = api::Area::kTraces},
              .answer = [&lanes](const api::Call&) -> http::Response {
                return {.body = ingest::LedgerJson(lanes.standing(), lanes.log_standing(),
                                                   lanes.metric_standing())};
              }});
  router.Add({.pattern = "/api/v1/traces/{id}/logs",
              .summary = "The log records of a trace, OTLP/JSON",
              .parameters = {},
              .access = {.area = api::Area::kTraces},
              .answer = [&lanes](const api::Call& call) { return LogsOf(lanes, call); }});
}

base::Result<base::ExitCode> Traces(const cli::Invocation& invocation, cli::Context& context) {
  const base::Options& given = invocation.options;
  ASSIGN_OR_RETURN(const std::string folder, DataFolder(given, context, "traces"));
  ASSIGN_OR_RETURN(http::ServerOptions options, ServerOptionsOf(given));
  EndSignals signals;
  ASSIGN_OR_RETURN(const ingest::LanesOptions kept, LanesOptionsOf(given));
  ASSIGN_OR_RETURN(const auto lanes, ingest::Lanes::Open(folder, kept, context.clock, context.log));
  ingest::OtlpHttp otlp(*lanes);
  api::TraceRoutes routes(*lanes, context.clock);
  api::Router router;
  routes.AddTo(router);
  api::RedRoutes red(lanes->red(), *lanes, context.clock);
  red.AddTo(router);
  api::MetricRoutes metrics(lanes->metrics(), context.clock);
  metrics.AddTo(router);
  AddOwnRoutes(*lanes, context.clock, router);
  ASSIGN_OR_RETURN(const auto api, Listen(
                                       options, given, "http",
                                       [&](const http::Request& request, const http::Reply& reply) {
                                         reply(router.Handle(request));
                                       },
                                       api::RefuseAsError));
  options.memory = &lanes->memory();
  ASSIGN_OR_RETURN(const auto receiver,
                   Listen(
                       options, given, "otlp-http",
                       [&](http::Request request, http::Reply reply) {
                         otlp.Handle(std::move(request), std::move(reply));
                       },
                       [&](int status, std::string_view why, const http::Request& request) {
                         return otlp.Refuse(status, why, request);
                       }));
  ASSIGN_OR_RETURN(const auto grpc, ListenGrpc(options, given, *lanes));
  context.out << "API        " << api->url() << "\nOTLP/HTTP  " << receiver->url()
              << "/v1/traces\n";
  if (grpc != nullptr)
    context.out << "OTLP/gRPC  " << options.address << ':' << grpc->port() << '\n';
  context.out << "kept in    " << folder << '\n' << std::flush;
  signals.Await();
  receiver->Stop();
  if (grpc != nullptr) grpc->Stop();
  api->Stop();
  lanes->Stop();
  return base::ExitCode::kOk;
}

}  // namespace

cli::Command TracesCommand() {
  return {.name = "traces",
          .summary = "receive, keep and find traces",
          .description =
              "Receives spans by OTLP, keeps them on disk and answers questions about them, until "
              "Ctrl-C or SIGTERM. Prints its addresses, the API's first. A request is "
              "acknowledged when it is on disk; what was acknowledged survives any end of the "
              "process.",
          .examples =
              "ronda traces\nronda traces --data /var/lib/ronda/traces --retain 48h\n"
              "ronda run buy.yaml -o otlp=http://127.0.0.1:4318",
          .options = TracesOptions(),
          .run = Traces};
}

}  // namespace ronda::apps
