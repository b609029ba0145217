#include <fmt/format.h>

#include <initializer_list>
#include <ostream>
#include <string>
#include <utility>

#include "base/file.h"
#include "cli/commands/commands.h"
#include "cli/outputs.h"
#include "cli/scenario_run.h"
#include "model/value.h"
#include "net/codec/url.h"

namespace ronda::cli {
namespace {

using base::OptionScope;
using base::OptionType;

// A text as a YAML scalar without meaning of its own: JSON's form, with `${` taken literally.
std::string Quoted(std::string_view text) {
  std::string literal;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("${")) literal += '$';
    literal += text[i];
  }
  std::string out;
  model::AppendJson(model::Value::String(literal), out);
  return out;
}

// `name: text`, or nothing when the option is not given.
std::string Field(const base::Options& options, std::string_view option, std::string_view name) {
  return options.Has(option) ? fmt::format(", {}: {}", name, Quoted(options.String(option))) : "";
}

std::string ListField(const base::Options& options, std::string_view option,
                      std::string_view name) {
  std::string items;
  for (const std::string& item : options.List(option))
    items += (items.empty() ? "" : ", ") + Quoted(item);
  return items.empty() ? "" : fmt::format(", {}: [{}]", name, items);
}

base::Result<std::string> Headers(const base::Options& options) {
  std::string headers;
  for (const std::string& header : options.List("header")) {
    const std::size_t colon = header.find(':');
    if (colon == std::string::npos || colon == 0) {
      return base::InvalidArgument("--header " + header + ": write \"Name: value\"");
    }
    std::size_t value = colon + 1;
    while (value < header.size() && header[value] == ' ') ++value;
    headers += (headers.empty() ? "" : ", ") + Quoted(header.substr(0, colon)) + ": " +
               Quoted(header.substr(value));
  }
  return headers.empty() ? headers : ", headers: {" + headers + "}";
}

std::string Tls(const base::Options& options) {
  const std::string fields = Field(options, "ca", "ca") + Field(options, "cert", "cert") +
                             Field(options, "key", "key") +
                             Field(options, "server-name", "serverName") +
                             (options.Switch("insecure") ? ", verify: false" : "");
  return fields.empty() ? fields : ", tls: {" + fields.substr(2) + "}";
}

// The scenario that a bench is: one request. Its body, which may be any bytes, is `env.body`.
base::Result<std::string> ScenarioFor(const std::string& url, const base::Options& options) {
  const bool http2 = options.Switch("http2");
  const bool has_body = options.Has("body") || options.Has("body-file");
  const std::string method = options.IsSet("method") ? options.String("method")
                             : has_body              ? "POST"
                                                     : "GET";
  ASSIGN_OR_RETURN(const std::string headers, Headers(options));
  std::string with = fmt::format("method: {}, url: {}, decompress: false, redirects: 0",
                                 Quoted(method), Quoted(url));
  with += headers;
  if (has_body) with += ", body: \"${env.body}\"";
  if (http2) with += url.starts_with("https:") ? ", version: h2" : ", version: h2c";
  if (!http2) with += ", version: '1.1'";
  with += Tls(options);
  with += Field(options, "proxy", "proxy");
  with += Field(options, "family", "family");
  with += ListField(options, "resolve", "resolve");
  with += ListField(options, "source-address", "sourceAddresses");
  if (options.Has("basic")) {
    const std::string& basic = options.String("basic");
    const std::size_t colon = basic.find(':');
    if (colon == std::string::npos) return base::InvalidArgument("--basic: write USER:PASSWORD");
    with += fmt::format(", basic: {{user: {}, password: {}}}", Quoted(basic.substr(0, colon)),
                        Quoted(basic.substr(colon + 1)));
  }
  if (options.Switch("fresh")) with += ", freshConnection: true";
  with += fmt::format(", timeout: {}us", options.DurationNs("timeout") / 1000);
  with += fmt::format(", connectTimeout: {}us", options.DurationNs("connect-timeout") / 1000);
  return fmt::format(
      "kind: Scenario\nname: bench\nhttp: {{cookies: off}}\nsteps:\n"
      "- {{id: request, action: http.request, with: {{{}}}}}\n",
      with);
}

// What is wrong with the call itself.
base::Status CheckUsage(const std::string& url, const base::Options& options) {
  if (!url.starts_with("http://") && !url.starts_with("https://"))
    return base::InvalidArgument("\"" + url + "\" is no URL; write http:// or https:// before it");
  std::string storage;
  if (const auto parsed = net::ParseUrl(url, storage); !parsed.ok()) return parsed.status();
  if (options.Has("body") && options.Has("body-file"))
    return base::InvalidArgument("--body and --body-file: give one of them");
  if (options.Has("key") && !options.Has("cert"))
    return base::InvalidArgument("--key goes with --cert");
  if (options.Int("streams") > 1 && !options.Switch("http2")) {
    return base::InvalidArgument(
        "--streams needs --http2: HTTP/1.1 has one request at a time on a connection");
  }
  return base::Ok();
}

// The run that these options ask for. InvalidArgument: the call is wrong.
base::Result<RunRequest> RequestFor(const std::string& url, const base::Options& options) {
  RETURN_IF_ERROR(CheckUsage(url, options));
  ASSIGN_OR_RETURN(std::string text, ScenarioFor(url, options));
  RunRequest request;
  request.sources.push_back(
      std::make_shared<const model::Source>(model::Source{"bench", std::move(text)}));
  request.places = RunRequest::Places::kHidden;
  if (options.Has("body")) request.set.emplace_back("env.body", options.String("body"));
  const std::int64_t streams = options.Int("streams");
  request.users_per_connection = static_cast<std::uint32_t>(streams);
  request.load.users = static_cast<std::uint32_t>(options.Int("connections") * streams);
  if (options.Has("rate")) request.load.rate = options.Float("rate");
  request.load.duration_ns = static_cast<std::uint64_t>(options.DurationNs("duration"));
  if (options.Has("requests")) {
    request.load.iterations = static_cast<std::uint64_t>(options.Int("requests"));
    if (!options.IsSet("duration")) request.load.duration_ns.reset();
  }
  if (options.Has("threads")) request.options.threads = static_cast<int>(options.Int("threads"));
  return request;
}

double Ms(std::uint64_t ns) { return static_cast<double>(ns) / 1e6; }

// What is printed of a run whose only step is the request.
struct Figures {
  explicit Figures(const RunDone& done)
      : load(*done.result.load),
        scenario(load.totals().scenarios.front()),
        step(load.totals().steps.front() ? *load.totals().steps.front() : nothing),
        threads(done.result.threads) {
    const auto requests = static_cast<double>(step.requests);
    if (seconds > 0) per_second = requests / seconds;
    if (step.requests > 0) cpu_us = static_cast<double>(done.cpu_ns) / 1e3 / requests;
  }

  const stats::StepCounters nothing{nullptr};
  const stats::Aggregator& load;
  const stats::ScenarioCounters& scenario;
  const stats::StepCounters& step;
  const int threads;
  const double seconds = load.MeasuredSeconds();
  double per_second = 0;
  double cpu_us = 0;
};

// `"p50":1.5,"max":3.25`, in ms.
template <typename Histogram>
std::string Quantiles(const Histogram& histogram,
                      std::initializer_list<std::pair<std::string_view, double>> wanted) {
  std::string out;
  for (const auto& [name, quantile] : wanted) {
    out += fmt::format("{}\"{}\":{:.6f}", out.empty() ? "" : ",", name,
                       Ms(histogram.Quantile(quantile)));
  }
  return out;
}

std::string Json(const std::string& url, const Figures& f) {
  std::string out = fmt::format(
      "{{\"url\":{},\"requests\":{},\"requests_per_second\":{:.3f},\"errors\":{},"
      "\"duration_s\":{:.3f},\"threads\":{}",
      Quoted(url), f.step.requests, f.per_second, f.step.failed, f.seconds, f.threads);
  out += fmt::format(
      ",\"latency_ms\":{{{}}}",
      Quantiles(
          f.step.Latency(),
          {{"p50", 0.5}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1}}));
  out += fmt::format(",\"service_ms\":{{{}}}",
                     Quantiles(f.step.service, {{"p50", 0.5}, {"p99", 0.99}, {"max", 1}}));
  out += fmt::format(",\"lateness_ms\":{{{}}}",
                     Quantiles(f.scenario.lateness, {{"p50", 0.5}, {"p99", 0.99}, {"max", 1}}));
  out += fmt::format(
      ",\"dropped\":{},\"bytes_in\":{},\"bytes_out\":{},\"connections_opened\":{},"
      "\"cpu_us_per_request\":{:.3f}}}\n",
      f.scenario.dropped, f.step.bytes_in, f.step.bytes_out,
      f.load.CurrentGauges().connections_opened, f.cpu_us);
  return out;
}

std::string Text(const Figures& f, bool with_rate) {
  std::string out = fmt::format(
      "{} requests in {:.2f} s, {:.1f}/s, {} failed, {:.2f} us of CPU each, {} thread{}\n",
      f.step.requests, f.seconds, f.per_second, f.step.failed, f.cpu_us, f.threads,
      f.threads == 1 ? "" : "s");
  const auto ms = [](const auto& histogram, double quantile) {
    return Ms(histogram.Quantile(quantile));
  };
  const auto& latency = f.step.Latency();
  out += fmt::format(
      "latency   p50 {:.3f} ms   p90 {:.3f} ms   p95 {:.3f} ms   p99 {:.3f} ms   p99.9 {:.3f} ms   "
      "max {:.3f} ms\n",
      ms(latency, 0.5), ms(latency, 0.9), ms(latency, 0.95), ms(latency, 0.99), ms(latency, 0.999),
      ms(latency, 1));
  if (with_rate) {
    const auto& lateness = f.scenario.lateness;
    out += fmt::format("lateness  p50 {:.3f} ms   p99 {:.3f} ms   max {:.3f} ms   dropped {}\n",
                       ms(lateness, 0.5), ms(lateness, 0.99), ms(lateness, 1), f.scenario.dropped);
  }
  for (const stats::FailureGroup* group : f.load.Failures())
    out += fmt::format("error     {} x {}\n", group->count, group->message);
  return out;
}

base::Result<base::ExitCode> Bench(const Invocation& invocation, Context& context) {
  const base::Options& options = invocation.options;
  const std::string& url = invocation.arguments.front();
  auto asked = RequestFor(url, options);
  if (!asked.ok()) return UsageError(invocation, context, asked.status().message());
  RunRequest request = std::move(asked).value();
  ASSIGN_OR_RETURN(request.outputs, ReadOutputs(options.List("out")));
  if (options.Has("body-file")) {
    ASSIGN_OR_RETURN(std::string body, base::ReadFile(options.String("body-file")));
    request.set.emplace_back("env.body", std::move(body));
  }
  request.options.on_log = [&](std::string_view level, std::string_view text) {
    context.log.Write(level == "warning" ? base::LogLevel::kWarning : base::LogLevel::kInfo, text);
  };
  ASSIGN_OR_RETURN(const RunDone done, ExecuteRun(std::move(request), context));

  for (const std::string& warning : done.result.warnings) context.log.Warning(warning);
  const Figures figures(done);
  context.out << (options.Switch("json") ? Json(url, figures) : Text(figures, options.Has("rate")));
  context.out.flush();
  const bool lost =
      WriteReports(done.outputs, InputOf(done), context) == Written::kNotAll || done.samples_failed;
  if (done.result.end != engine::RunEnd::kDone) return done.result.exit_code();
  if (figures.step.requests == figures.step.failed) {
    const auto failures = figures.load.Failures();
    return base::Unavailable(url + ": not one request succeeded" +
                             (failures.empty() ? "" : ": " + failures.front()->message));
  }
  return lost ? base::ExitCode::kFailure : base::ExitCode::kOk;
}

}  // namespace

Command BenchCommand() {
  return {
      .name = "bench",
      .summary = "drive one URL and print rate, latency and errors",
      .description =
          "Sends the same request again and again, by so many connections or at a fixed rate, and "
          "prints how long the answers took. The same "
          "engine as `ronda run`: latency counts from the intended start when a rate is given.",
      .examples =
          "ronda bench http://127.0.0.1:8080/ -c 64 -d 10s\nronda bench https://shop.test/ --rate "
          "500 -d 1m --json",
      .positionals = {{.name = "URL", .description = "What to request."}},
      .options =
          {{.name = "connections",
            .letter = 'c',
            .type = OptionType::kInt,
            .value_name = "N",
            .default_text = "10",
            .min = "1",
            .max = "1000000",
            .scope = OptionScope::kFlagOnly,
            .description = "Connections, each with one request at a time (see --streams)."},
           {.name = "duration",
            .letter = 'd',
            .type = OptionType::kDuration,
            .default_text = "10s",
            .min = "1ms",
            .scope = OptionScope::kFlagOnly,
            .description = "How long."},
           {.name = "requests",
            .letter = 'n',
            .type = OptionType::kInt,
            .value_name = "N",
            .min = "1",
            .scope = OptionScope::kFlagOnly,
            .description = "Ends after so many requests instead."},
           {.name = "rate",
            .letter = 'r',
            .type = OptionType::kFloat,
            .value_name = "N",
            .min = "0.001",
            .unit = "requests/s",
            .scope = OptionScope::kFlagOnly,
            .description =
                "Starts so many requests a second whatever the target does (open model)."},
           {.name = "threads",
            .letter = 't',
            .type = OptionType::kInt,
            .value_name = "N",
            .min = "1",
            .max = "1024",
            .scope = OptionScope::kFlagOnly,
            .description = "Reactor threads; as many as the load needs unless given."},
           {.name = "http2",
            .type = OptionType::kSwitch,
            .scope = OptionScope::kFlagOnly,
            .description = "Speaks HTTP/2: by ALPN on https, by prior knowledge on http."},
           {.name = "streams",
            .letter = 'm',
            .type = OptionType::kInt,
            .value_name = "N",
            .default_text = "1",
            .min = "1",
            .max = "1000",
            .scope = OptionScope::kFlagOnly,
            .description = "Concurrent requests on each HTTP/2 connection."},
           {.name = "method",
            .letter = 'X',
            .value_name = "METHOD",
            .default_text = "GET",
            .scope = OptionScope::kFlagOnly,
            .description = "The method; POST when there is a body."},
           {.name = "header",
            .letter = 'H',
            .type = OptionType::kList,
            .value_name = "HEADER",
            .scope = OptionScope::kFlagOnly,
            .description = "A header, \"Name: value\"; may be given several times."},
           {.name = "body",
            .value_name = "TEXT",
            .scope = OptionScope::kFlagOnly,
            .description = "The request's body."},
           {.name = "body-file",
            .value_name = "FILE",
            .scope = OptionScope::kFlagOnly,
            .description = "A file that is the body; it is read once."},
           {.name = "basic",
            .letter = 'u',
            .value_name = "USER:PASSWORD",
            .scope = OptionScope::kFlagOnly,
            .secrecy = base::Secrecy::kSecret,
            .description = "Authorization: Basic."},
           {.name = "timeout",
            .type = OptionType::kDuration,
            .default_text = "30s",
            .min = "1ms",
            .scope = OptionScope::kFlagOnly,
            .description = "Of one request."},
           {.name = "connect-timeout",
            .type = OptionType::kDuration,
            .default_text = "10s",
            .min = "1ms",
            .scope = OptionScope::kFlagOnly,
            .description = "Until a connection, TLS included, stands."},
           {.name = "ca",
            .value_name = "FILE",
            .scope = OptionScope::kFlagOnly,
            .description = "A PEM file of the authorities trusted, instead of the system's."},
           {.name = "cert",
            .value_name = "FILE",
            .scope = OptionScope::kFlagOnly,
            .description = "A PEM file: the client's certificate and its chain."},
           {.name = "key",
            .value_name = "FILE",
            .scope = OptionScope::kFlagOnly,
            .description = "A PEM file: the key of --cert."},
           {.name = "server-name",
            .value_name = "NAME",
            .scope = OptionScope::kFlagOnly,
            .description = "SNI, and the name that is checked, instead of the URL's host."},
           {.name = "insecure",
            .letter = 'k',
            .type = OptionType::kSwitch,
            .scope = OptionScope::kFlagOnly,
            .description = "Does not verify the server's certificate."},
           {.name = "resolve",
            .type = OptionType::kList,
            .value_name = "HOST:PORT:ADDRESS",
            .scope = OptionScope::kFlagOnly,
            .description = "Where a host is, as curl's --resolve; may be given several times."},
           {.name = "family",
            .type = OptionType::kChoice,
            .default_text = "any",
            .choices = {"any", "ipv4", "ipv6"},
            .scope = OptionScope::kFlagOnly,
            .description = "Addresses that names are resolved to."},
           {.name = "source-address",
            .type = OptionType::kList,
            .value_name = "ADDRESS",
            .scope = OptionScope::kFlagOnly,
            .description = "A local address; several are taken in turn."},
           {.name = "proxy",
            .letter = 'x',
            .value_name = "URL",
            .scope = OptionScope::kFlagOnly,
            .description =
                "http://[user:password@]host:port; none: not even HTTP_PROXY of the environment."},
           {.name = "fresh",
            .type = OptionType::kSwitch,
            .scope = OptionScope::kFlagOnly,
            .description = "Opens a connection for each request."},
           OutOption(),
           {.name = "json",
            .type = OptionType::kSwitch,
            .scope = OptionScope::kFlagOnly,
            .description = "One JSON object."}},
      .run = Bench};
}

}  // namespace ronda::cli
