// The parts of a step that are objects of their own: waits, retry, poll, onFailure, forEach.
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "model/tables.h"
#include "model/units.h"

namespace ronda::model {
namespace {

constexpr double kDay = 86'400;

struct WaitParts {
  std::optional<Duration> min, max, p50, p95;
};

const std::vector<Field<WaitParts>>& WaitFields() {
  static const std::vector<Field<WaitParts>> fields = {
      Bind<WaitParts, &WaitParts::min>({.name = "min",
                                        .type = FieldType::kDuration,
                                        .description = "Shortest time; with `max`: uniform.",
                                        .min = 0,
                                        .max = kDay}),
      Bind<WaitParts, &WaitParts::max>({.name = "max",
                                        .type = FieldType::kDuration,
                                        .description = "Longest time.",
                                        .min = 0,
                                        .max = kDay}),
      Bind<WaitParts, &WaitParts::p50>({.name = "p50",
                                        .type = FieldType::kDuration,
                                        .description = "Median; with `p95`: log-normal.",
                                        .min = 1e-6,
                                        .max = kDay}),
      Bind<WaitParts, &WaitParts::p95>({.name = "p95",
                                        .type = FieldType::kDuration,
                                        .description = "95 % of the times are shorter.",
                                        .min = 1e-6,
                                        .max = kDay})};
  return fields;
}

// One word of `on`: error, timeout, check, 503, 5xx.
void ReadOnWord(Loader& loader, const Node& word, Retry& out) {
  const std::string_view text = word.scalar;
  const bool is_class =
      text.size() == 3 && text[0] >= '1' && text[0] <= '5' && text.ends_with("xx");
  const int status = text.size() == 3 ? static_cast<int>(ParseNumber(text).value_or(0)) : 0;
  if (text == "error") {
    out.on_error = true;
  } else if (text == "timeout") {
    out.on_timeout = true;
  } else if (text == "check") {
    out.on_check = true;
  } else if (is_class) {
    out.on_status.emplace_back((text[0] - '0') * 100, (text[0] - '0') * 100 + 99);
  } else if (status >= 100 && status <= 599) {
    out.on_status.emplace_back(status, status);
  } else {
    loader.Error(word, "\"on\" takes error, timeout, check, a status like 503 or 5xx");
  }
}

void ReadOn(Loader& loader, const FieldSpec& spec, const Node& node, Retry& out) {
  out.on_error = out.on_timeout = out.on_check = false;
  if (node.is_scalar()) return ReadOnWord(loader, node, out);
  if (!ExpectList(loader, node, '"' + spec.name + '"')) return;
  for (const Node& word : node.items) ReadOnWord(loader, word, out);
}

const std::vector<Field<Retry>>& RetryFields() {
  static const std::vector<Field<Retry>> fields = {
      Bind<Retry, &Retry::times>({.name = "times",
                                  .type = FieldType::kInt,
                                  .description = "Further attempts after the first.",
                                  .required = true,
                                  .min = 0,
                                  .max = 1000}),
      Bind<Retry, &Retry::every>({.name = "every",
                                  .type = FieldType::kDuration,
                                  .description = "Pause before the next attempt.",
                                  .default_text = "100ms",
                                  .min = 0,
                                  .max = kDay}),
      Bind<Retry, &Retry::backoff>({.name = "backoff",
                                    .type = FieldType::kFloat,
                                    .description = "Factor on the pause from attempt to attempt.",
                                    .default_text = "1",
                                    .min = 1,
                                    .max = 100}),
      Bind<Retry, &Retry::max_every>({.name = "maxEvery",
                                      .type = FieldType::kDuration,
                                      .description = "The longest pause that `backoff` leads to.",
                                      .default_text = "30s",
                                      .min = 0,
                                      .max = kDay}),
      Bind<Retry, &Retry::jitter>({.name = "jitter",
                                   .type = FieldType::kPercent,
                                   .description = "The pause varies by so much, up and down.",
                                   .default_text = "0%",
                                   .min = 0,
                                   .max = 1}),
      {{.name = "on",
        .type = FieldType::kList,
        .also = FieldType::kString,
        .description = "What is tried again: `error` (no response), `timeout`, `check` (a fatal "
                       "check failed or a required value was missing), a status like `503` or a "
                       "class like `5xx`.",
        .default_text = "[error, timeout]"},
       ReadOn}};
  return fields;
}

const std::vector<Field<Poll>>& PollFields() {
  static const std::vector<Field<Poll>> fields = {
      Bind<Poll, &Poll::until>({.name = "until",
                                .type = FieldType::kExpression,
                                .description = "The step runs again until this holds.",
                                .required = true}),
      Bind<Poll, &Poll::every>({.name = "every",
                                .type = FieldType::kDuration,
                                .description = "Pause between two tries.",
                                .default_text = "1s",
                                .min = 0.001,
                                .max = kDay}),
      Bind<Poll, &Poll::backoff>({.name = "backoff",
                                  .type = FieldType::kFloat,
                                  .description = "Factor on the pause from try to try.",
                                  .default_text = "1",
                                  .min = 1,
                                  .max = 100}),
      Bind<Poll, &Poll::max_every>({.name = "maxEvery",
                                    .type = FieldType::kDuration,
                                    .description = "The longest pause that `backoff` leads to.",
                                    .default_text = "1m",
                                    .min = 0,
                                    .max = kDay}),
      Bind<Poll, &Poll::deadline>({.name = "deadline",
                                   .type = FieldType::kDuration,
                                   .description = "Passing it fails the step.",
                                   .required = true,
                                   .min = 0.001,
                                   .max = 7 * kDay})};
  return fields;
}

const std::vector<Field<ForEach>>& ForEachFields() {
  static const std::vector<Field<ForEach>> fields = {
      Bind<ForEach, &ForEach::in>({.name = "in",
                                   .type = FieldType::kList,
                                   .also = FieldType::kString,
                                   .description = "A list, or a template that yields one.",
                                   .required = true}),
      {{.name = "as",
        .type = FieldType::kString,
        .description = "The element's name in the step; `index` counts from 0.",
        .default_text = "item",
        .literal = true},
       [](Loader& loader, const FieldSpec&, const Node& node, ForEach& out) {
         if (CheckIdentifier(loader, node, "\"as\"")) out.as = node.scalar;
         loader.loop_names.push_back(node);
       }},
      Bind<ForEach, &ForEach::max>({.name = "max",
                                    .type = FieldType::kInt,
                                    .description = "A longer list fails the step.",
                                    .default_text = "10000",
                                    .min = 1,
                                    .max = 1e6})};
  return fields;
}

void CheckSource(Loader& loader, const Node& in) {
  if (in.is_list() || (in.is_scalar() && HasTemplate(in.scalar))) return;
  loader.Error(in, "forEach takes a list, or a template that yields one",
               in.is_scalar() ? "write \"${" + in.scalar + "}\"" : "");
}

}  // namespace

std::vector<FieldSpec> WaitSpecs() { return SpecsOf(WaitFields()); }
std::vector<FieldSpec> RetrySpecs() { return SpecsOf(RetryFields()); }
std::vector<FieldSpec> PollSpecs() { return SpecsOf(PollFields()); }
std::vector<FieldSpec> ForEachSpecs() { return SpecsOf(ForEachFields()); }

void Read(Loader& loader, const FieldSpec& spec, const Node& node, Wait& out) {
  if (node.is_scalar()) {
    Duration fixed;
    FieldSpec as_duration = spec;
    as_duration.type = FieldType::kDuration;
    as_duration.min = 0;
    as_duration.max = kDay;
    Read(loader, as_duration, node, fixed);
    out = {.kind = Wait::Kind::kFixed, .a = fixed, .b = fixed};
    return;
  }
  WaitParts parts;
  if (!ReadFields(loader, node, '"' + spec.name + '"', WaitFields(), parts)) return;
  const bool uniform = parts.min.has_value() && parts.max.has_value();
  const bool quantiles = parts.p50.has_value() && parts.p95.has_value();
  const bool mixed = (parts.min || parts.max) && (parts.p50 || parts.p95);
  if (mixed || uniform == quantiles) {
    loader.Error(node, '"' + spec.name + "\" is a time, {min, max} or {p50, p95}");
    return;
  }
  out.kind = uniform ? Wait::Kind::kUniform : Wait::Kind::kLogNormal;
  out.a = uniform ? *parts.min : *parts.p50;
  out.b = uniform ? *parts.max : *parts.p95;
  if (out.b.ns < out.a.ns) {
    loader.Error(node, uniform ? "\"max\" is less than \"min\"" : "\"p95\" is less than \"p50\"");
  }
}

void Read(Loader& loader, const FieldSpec& spec, const Node& node, Retry& out) {
  if (node.is_scalar()) {
    const FieldSpec& times = FindField(RetryFields(), "times")->spec;
    Read(loader, times, node, out.times);
    return;
  }
  ReadFields(loader, node, '"' + spec.name + '"', RetryFields(), out);
}

void Read(Loader& loader, const FieldSpec& spec, const Node& node, Poll& out) {
  ReadFields(loader, node, '"' + spec.name + '"', PollFields(), out);
}

void Read(Loader& loader, const FieldSpec& spec, const Node& node, ForEach& out) {
  if (node.is_map()) {
    ReadFields(loader, node, '"' + spec.name + '"', ForEachFields(), out);
  } else {
    out.in = node;
  }
  if (node.Find("as") == nullptr) {
    Node name = node;
    name.kind = Node::Kind::kScalar;
    name.scalar = out.as;
    loader.loop_names.push_back(std::move(name));
  }
  if (!out.in.is_null()) CheckSource(loader, out.in);
}

void Read(Loader& loader, const FieldSpec&, const Node& node, OnFailure& out) {
  out.where = node.where;
  const std::string_view text = node.scalar;
  const Node* map_target = node.is_map() && node.members.size() == 1 ? node.Find("goto") : nullptr;
  if (text == "abort") {
    out.kind = OnFailure::Kind::kAbort;
  } else if (text == "continue") {
    out.kind = OnFailure::Kind::kContinue;
  } else if (text.starts_with("goto ") || map_target != nullptr) {
    out.kind = OnFailure::Kind::kGoto;
    out.target = map_target != nullptr ? map_target->scalar : std::string(text.substr(5));
  } else {
    loader.Error(node, "\"onFailure\" is abort, continue or goto and a later step",
                 text == "undo" ? "undo belongs to the steps of a Plan" : "");
  }
}

}  // namespace ronda::model
