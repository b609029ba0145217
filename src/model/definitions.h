#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "model/field.h"
#include "model/node.h"
#include "model/patrol.h"
#include "model/source.h"
#include "model/trigger.h"
#include "model/types.h"

namespace ronda::model {

// What people write, typed: docs/formats/{definitions,scenario,patrol}.md. All plain values, made by
// LoadDefinitions (model/load.h) and const from then on; expressions and templates are kept as text
// with its place and compiled by whoever knows the names.

struct ActionSchema;  // model/catalog/catalog.h

// ---- steps -------------------------------------------------------------------------------------

// A time drawn anew each time: `2s`, `{min, max}` uniform, `{p50, p95}` log-normal.
struct Wait {
  enum class Kind : std::uint8_t { kFixed, kUniform, kLogNormal } kind = Kind::kFixed;
  Duration a;  // the time; min; p50
  Duration b;  // -; max; p95
};

struct Extract {
  enum class Kind : std::uint8_t { kJson, kRegex, kHeader, kCookie, kXPath, kCss, kExpression };
  std::string name;
  Location where;
  Kind kind = Kind::kJson;
  Text pattern;
  std::optional<int> group;  // kRegex; not said: 1 if the pattern has a group, else 0
  std::optional<int> index;  // which of several, from 0; negative from the end; not said: one value
      // as it is, several as a list
  bool random = false;  // `index: random`
  std::optional<Node> fallback;  // `default:`, a literal
  bool secret = false;
  bool required = false;  // a missing value fails the step
};

struct Check {
  Text expression;
  std::string name;  // as written, or the expression
  bool fatal = false;  // a failed one fails the step
};

struct Retry {
  int times = 1;  // further attempts
  Duration every{100'000'000};
  double backoff = 1;  // factor on `every` from attempt to attempt
  Duration max_every{30'000'000'000};
  Percent jitter;  // +- of the pause
  bool on_error = true;  // no response
  bool on_timeout = true;
  bool on_check = false;  // a fatal check failed or a required extraction was missing
  std::vector<std::pair<int, int>> on_status;  // from, to, both included: 503 -> (503,503)
};

struct Poll {
  Text until;  // the step is repeated until this holds
  Duration every{1'000'000'000};
  double backoff = 1;
  Duration max_every{60'000'000'000};
  Duration deadline;  // required; passing it fails the step
};

struct OnFailure {
  enum class Kind : std::uint8_t { kAbort, kContinue, kGoto } kind = Kind::kAbort;
  std::string target;  // kGoto: a later step of the same list
  Location where;
};

struct ForEach {
  Node in;  // a template that yields a list, or a literal list
  std::string as = "item";  // the name of the element; "index" counts from 0
  std::int64_t max = 10'000;  // longer lists fail the step
};

enum class StepKind : std::uint8_t { kAction, kUse, kScenario, kGroup };

struct Step {
  std::string id;  // unique in the scenario; its outputs are read as `id.name`
  Location where;
  StepKind kind = StepKind::kAction;
  Ref target;  // kAction: name is the action's code; kUse, kScenario
  const ActionSchema* schema =
      nullptr;  // kAction; null: not in the catalog (a package must bring it)
  std::vector<Step> steps;  // kGroup
  Node with;  // a map, or kNull; checked against the schema
  std::string title;  // for people; may be empty

  Text when;  // empty: always
  std::optional<Duration> timeout;  // of one attempt; 0 is `none`
  std::optional<Retry> retry;
  std::optional<Poll> poll;
  std::vector<Extract> extract;
  std::vector<Check> checks;
  std::optional<Wait> think;  // after the step
  std::string meet;  // the rendezvous before it; no-op where the load has none of that name
  OnFailure on_failure;
  bool always = false;  // runs although an earlier step ended the iteration

  // Loops: at most one of the three. The step (its group) runs once a turn.
  std::optional<ForEach> for_each;
  Node repeat;  // kNull, or a count: a literal or a template
  Text loop_while;  // `while:`; empty: none
  std::int64_t max_loops = 1'000;  // of `while`; one turn more fails the step
  // At most so many turns or group members at a time; 1: in order; 0: `all`.
  int parallel = 1;
};

// ---- http --------------------------------------------------------------------------------------

struct TlsSettings {
  bool verify = true;
  std::string server_name, ca, cert, key, ciphers;
  Text key_password;
  std::string min_version;  // "1.2", "1.3" or empty
  bool session_reuse = true;
};

// `http:` of a scenario or a drill: what every http.request has unless its `with:` says otherwise.
// Not said is nullopt or empty: the drill's win over the scenario's.
struct HttpSettings {
  Location where;
  Text base_url;
  std::vector<std::pair<Text, Text>> headers;
  std::optional<Duration> timeout;  // 0: none
  std::optional<int> redirects;  // how many are followed; 0: none
  std::optional<std::string> version;  // "auto", "1.1", "h2", "h2c"
  std::optional<TlsSettings> tls;
  Text proxy;  // "none": not even HTTP_PROXY
  std::optional<std::string> no_proxy;
  std::vector<std::string> resolve;  // "host:port:address"
  std::vector<std::string> source_addresses;
  std::optional<std::string> family;  // "any", "ipv4", "ipv6"
  enum class Connections : std::uint8_t { kUser, kIteration, kRequest };
  std::optional<Connections> connections;  // how long one is kept
  enum class Cookies : std::uint8_t { kUser, kIteration, kOff };
  std::optional<Cookies> cookies;  // how long they are kept
  std::optional<bool> decompress;
  std::optional<Size> max_body;
  std::optional<Size> keep_body;
  std::optional<bool> traceparent;
};

// ---- feeds -------------------------------------------------------------------------------------

struct Feed {
  Location where;
  std::string file;  // relative to the file that names it; empty: inline rows
  enum class Format : std::uint8_t { kCsv, kJson, kNdjson } format = Format::kCsv;
  char delimiter = ',';
  std::vector<std::string> columns;  // of a CSV without a header line
  std::vector<Node> rows;  // `inline:` maps, or scalars (then read as `feed.value`)
  std::vector<std::string> secret;  // columns never printed
  enum class Pick : std::uint8_t { kSequential, kRandom, kUnique } pick = Pick::kSequential;
  enum class Take : std::uint8_t {
    kIteration,
    kUser
  } take = Take::kIteration;  // a new row for each
  bool shard = false;  // each worker takes its own part
  enum class OnEnd : std::uint8_t { kRecycle, kStop, kFail } on_end = OnEnd::kRecycle;
};

// `feeds: {name: {...}}` or `feeds: {name: some-feed@2}`.
struct FeedUse {
  std::string name;  // read as `name.column`
  Location where;
  std::optional<Ref> ref;  // of a kind: Feed
  Feed feed;  // without ref
};

// ---- load --------------------------------------------------------------------------------------

enum class Executor : std::uint8_t {
  kSharedIterations,
  kPerVuIterations,
  kConstantVus,
  kRampingVus,
  kConstantArrivalRate,
  kRampingArrivalRate,
  kExternallyControlled,
};
[[nodiscard]] std::string_view NameOf(Executor executor);  // "shared-iterations", ...

struct MixEntry {
  Ref scenario;
  double weight = 1;
  Node with;  // params of the scenario; a map, or kNull
};

struct Stage {
  double target = 0;  // users, or arrivals a second
  Duration duration;
};

// k6's executors with k6's fields; every default is applied.
struct Load {
  std::string name = "default";
  Location where;
  Executor executor = Executor::kConstantVus;
  std::int64_t vus = 1;
  std::int64_t iterations = 1;
  Duration max_duration{600'000'000'000};
  Duration duration;  // 0 (externally-controlled only): until stopped
  std::int64_t start_vus = 1;
  std::vector<Stage> stages;
  Duration graceful_ramp_down{30'000'000'000};
  Duration graceful_stop{30'000'000'000};
  Rate rate;  // arrivals
  bool by_rate = false;  // `rate` is given: externally-controlled by it, not by `vus`
  Rate start_rate;
  std::int64_t pre_allocated_vus = 0;  // 0: not said
  std::int64_t max_vus = 0;  // 0: not said
  Duration start_time;
  std::int64_t max_backlog = 0;  // arrivals that wait for a user; more are dropped; 0: not said
  Duration warmup;  // not part of totals, thresholds and the verdict
  int threads = 0;  // 0: not said
  std::vector<MixEntry> mix;  // empty: the drill's, or the scenario the load stands in
};

struct Meet {
  std::string name;
  Location where;
  std::int64_t users = 0;  // released together once so many wait
  std::optional<Duration> at;  // since the start: not before; then all that wait
  Duration timeout{30'000'000'000};  // how long one waits at most
  enum class OnTimeout : std::uint8_t { kRelease, kAbort } on_timeout = OnTimeout::kRelease;
};

struct Threshold {
  Text expression;
  std::string name;  // as written, or the expression
};

struct Guard {
  Location where;
  Text when;
  Duration hold;  // `for:`, true so long; 0: at once
  std::optional<Duration> window;  // over which quantiles are taken
  enum class Do : std::uint8_t { kThrottle, kAbort, kPause, kStop } action = Do::kAbort;
  std::optional<Percent> to_fraction;  // kThrottle: one of the two
  std::optional<Rate> to_rate;
};

struct Isolation {
  Ref profile;
  Location where;
  enum class Unproven : std::uint8_t { kRefuse, kWarn } unproven = Unproven::kRefuse;
};

struct TimeWindow {
  struct Span {
    int from_minute = 0, to_minute = 0;
  };  // of the day; to < from: over midnight
  Location where;
  std::vector<Span> allow;
  std::string zone;  // "Asia/Shanghai"; empty: the machine's
  bool respect_freeze = true;
};

struct Approval {
  Text who;  // "role:sre"
  int min = 1;
};

// `outputs: {html: report.html}`, as --out html=report.html.
struct Output {
  std::string kind;  // one of kOutputKinds
  Text target;
};

// ---- kinds -------------------------------------------------------------------------------------

// What Scenario and Drill have in common.
struct LoadPlan {
  HttpSettings http;
  std::vector<Load> loads;  // empty: a single iteration, unless the command line says more
  std::vector<Meet> meets;
  std::vector<Threshold> thresholds;
  std::vector<Guard> guards;
  std::vector<Output> outputs;
};

struct Scenario {
  std::vector<FieldSpec> params;  // read as `params.name`
  std::vector<FeedUse> feeds;
  std::optional<Wait> pacing;  // from the start of an iteration to that of the next, at least
  std::vector<Step> setup;  // once, before the load
  std::vector<Step> steps;  // an iteration
  std::vector<Step> finally;  // once, after it, whatever happened
  LoadPlan plan;
};

struct Component {
  std::vector<FieldSpec> params;
  std::vector<Step> steps;
  std::vector<std::pair<std::string, Text>> outputs;  // templates; not said: all of its last step
};

struct Drill {
  std::vector<FieldSpec> params;
  std::vector<MixEntry> mix;
  std::optional<Isolation> isolation;
  std::optional<TimeWindow> window;
  std::vector<Approval> gates;
  Duration lease{15'000'000'000};
  Node search;  // capacity search, kept as written
  std::vector<Trigger> triggers;
  std::vector<Step> setup, finally;
  LoadPlan plan;
};

struct SecretSource {
  std::string name;
  Location where;
  std::string env, file;  // one of the three
  bool stored = false;  // the server keeps the value, encrypted
};

// A core business entry of an environment: what patrols are to walk (F1).
struct Entry {
  std::string name;
  Location where;
  std::string title;
  std::string service;
  std::string operation;  // of the service: "Cart/Add"; or a method and a path
  std::string method;  // "GET"; empty: any
  std::string path;  // "/cart/{id}": a segment in braces is any one, a last "**" any rest
};

enum class EnvironmentStage : std::uint8_t {
  kDevelopment,
  kTest,
  kStress,
  kPreRelease,
  kGray,
  kProduction,
};
[[nodiscard]] std::string_view NameOf(EnvironmentStage stage);  // "pre-release"

struct Environment {
  std::vector<std::pair<std::string, Node>> values;  // endpoints and variables: `env.name`, scalars
  std::vector<SecretSource> secrets;  // `secrets.name`
  std::optional<EnvironmentStage> stage;
  std::vector<Entry> entries;
};

// One YAML document.
struct Definition {
  Kind kind = Kind::kScenario;
  std::string name;
  int version = 0;  // 0: a draft
  std::string title, description;
  Location where;
  Node raw;  // the whole document
  std::variant<std::monostate, Scenario, Component, Feed, Drill, Environment, Patrol,
               TriggerDefinition>
      body;

  template <typename T>
  [[nodiscard]] const T* As() const {
    return std::get_if<T>(&body);
  }
};

// All that were loaded together. Addresses are stable.
struct DefinitionSet {
  std::vector<std::unique_ptr<const Definition>> all;  // in the order of the files

  // The one of that kind and name; of several the one with the ref's version. A draft answers to
  // every version. Null when there is none.
  [[nodiscard]] const Definition* Find(Kind kind, const Ref& ref) const;
  [[nodiscard]] std::vector<std::string> Names(Kind kind) const;
};

// First segments of names that no step, feed or loop variable may take.
[[nodiscard]] const std::vector<std::string>& ReservedNames();
[[nodiscard]] const std::vector<std::string>& OutputKinds();

}  // namespace ronda::model
