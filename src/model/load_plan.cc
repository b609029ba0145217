// What stands around a load: meets, thresholds, guards, outputs, isolation, window, gates.
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "model/tables.h"
#include "model/units.h"

namespace ronda::model {
namespace {

constexpr double kDay = 86'400;

const std::vector<Field<Meet>>& MeetFields() {
  static const std::vector<Field<Meet>> fields = {
      Bind<Meet, &Meet::users>({.name = "users",
                                .type = FieldType::kInt,
                                .description = "Released together once so many wait.",
                                .required = true,
                                .min = 1,
                                .max = 1e7}),
      Bind<Meet, &Meet::at>({.name = "at",
                             .type = FieldType::kDuration,
                             .description = "Since the start of the load: not released before.",
                             .min = 0,
                             .max = 7 * kDay}),
      Bind<Meet, &Meet::timeout>({.name = "timeout",
                                  .type = FieldType::kDuration,
                                  .description = "How long one waits at most.",
                                  .default_text = "30s",
                                  .min = 0.001,
                                  .max = kDay}),
      BindChoice<Meet, &Meet::on_timeout>({.name = "onTimeout",
                                           .type = FieldType::kString,
                                           .description = "When too few came in time: all that "
                                                          "wait go on, or the run is aborted.",
                                           .default_text = "release",
                                           .one_of = {"release", "abort"}})};
  return fields;
}

const std::vector<Field<Threshold>>& ThresholdFields() {
  static const std::vector<Field<Threshold>> fields = {
      Bind<Threshold, &Threshold::expression>(
          {.name = "expr",
           .type = FieldType::kExpression,
           .description = "What has to hold over the whole run.",
           .required = true}),
      Bind<Threshold, &Threshold::name>({.name = "name",
                                         .type = FieldType::kString,
                                         .description = "Its name in reports; else the expression.",
                                         .min = 1,
                                         .max = 200,
                                         .literal = true})};
  return fields;
}

std::vector<Field<Guard>> MakeGuardFields() {
  return {Bind<Guard, &Guard::when>({.name = "when",
                                     .type = FieldType::kExpression,
                                     .description = "The condition, over the window that slides.",
                                     .required = true}),
          Bind<Guard, &Guard::hold>({.name = "for",
                                     .type = FieldType::kDuration,
                                     .description = "It acts once the condition held so long.",
                                     .default_text = "0s",
                                     .min = 0,
                                     .max = kDay}),
          Bind<Guard, &Guard::window>({.name = "window",
                                       .type = FieldType::kDuration,
                                       .description = "What its figures are taken over.",
                                       .default_text = "10s",
                                       .min = 1,
                                       .max = 3600}),
          BindChoice<Guard, &Guard::action>(
              {.name = "do",
               .type = FieldType::kString,
               .description = "`throttle` to `to`; `abort` at once, exit code 110; `pause`; `stop` "
                              "with the graceful time.",
               .required = true,
               .one_of = {"throttle", "abort", "pause", "stop"}}),
          {{.name = "to",
            .type = FieldType::kPercent,
            .also = FieldType::kRate,
            .description = "Of `throttle`: a share of the load, or a rate."},
           [](Loader& loader, const FieldSpec& spec, const Node& node, Guard& out) {
             if (const auto rate = ParseRate(node.scalar, Duration{});
                 node.is_scalar() && rate.ok()) {
               out.to_rate = *rate;
               return;
             }
             FieldSpec share = spec;
             share.min = 0;
             share.max = 1;
             Read(loader, share, node, out.to_fraction);
           }}};
}

const std::vector<Field<Guard>>& GuardFields() {
  static const std::vector<Field<Guard>> fields = MakeGuardFields();
  return fields;
}

const std::vector<Field<Isolation>>& IsolationFields() {
  static const std::vector<Field<Isolation>> fields = {
      Bind<Isolation, &Isolation::profile>({.name = "profile",
                                            .type = FieldType::kRef,
                                            .description = "The IsolationProfile.",
                                            .required = true}),
      BindChoice<Isolation, &Isolation::unproven>(
          {.name = "unproven",
           .type = FieldType::kString,
           .description = "What happens when isolation cannot be proven.",
           .default_text = "refuse",
           .one_of = {"refuse", "warn"}})};
  return fields;
}

// Two digits to a number, or -1.
int TwoDigits(char tens, char ones) {
  const bool digits = tens >= '0' && tens <= '9' && ones >= '0' && ones <= '9';
  return digits ? (tens - '0') * 10 + (ones - '0') : -1;
}

// "01:00" to minutes of the day; "24:00" is its end.
bool ParseMinute(std::string_view text, int& minute) {
  if (text.size() != 5 || text[2] != ':') return false;
  const int hours = TwoDigits(text[0], text[1]);
  const int minutes = TwoDigits(text[3], text[4]);
  minute = hours * 60 + minutes;
  return hours >= 0 && minutes >= 0 && minutes < 60 && minute <= 24 * 60;
}

void ReadAllow(Loader& loader, const FieldSpec& spec, const Node& node, TimeWindow& out) {
  const auto take = [&](const Node& item) {
    const std::string_view text = item.scalar;
    TimeWindow::Span span;
    const bool fits = item.is_scalar() && text.size() == 11 && text[5] == '-' &&
                      ParseMinute(text.substr(0, 5), span.from_minute) &&
                      ParseMinute(text.substr(6), span.to_minute);
    if (!fits) return loader.Error(item, '"' + spec.name + "\" is a time like \"01:00-05:00\"");
    out.allow.push_back(span);
  };
  if (node.is_scalar()) return take(node);
  if (!ExpectList(loader, node, '"' + spec.name + '"')) return;
  for (const Node& item : node.items) take(item);
}

const std::vector<Field<TimeWindow>>& WindowFields() {
  static const std::vector<Field<TimeWindow>> fields = {
      {{.name = "allow",
        .type = FieldType::kList,
        .also = FieldType::kString,
        .description = "Times of the day, `01:00-05:00`, in which it may run.",
        .required = true},
       ReadAllow},
      Bind<TimeWindow, &TimeWindow::zone>({.name = "zone",
                                           .type = FieldType::kString,
                                           .description = "A time zone like Asia/Shanghai; not "
                                                          "said: the machine's.",
                                           .min = 1,
                                           .max = 64,
                                           .literal = true}),
      Bind<TimeWindow, &TimeWindow::respect_freeze>({.name = "respectFreeze",
                                                     .type = FieldType::kBool,
                                                     .description = "Does not run in a freeze.",
                                                     .default_text = "true"})};
  return fields;
}

const std::vector<Field<Approval>>& ApprovalFields() {
  static const std::vector<Field<Approval>> fields = {
      Bind<Approval, &Approval::who>({.name = "approval",
                                      .type = FieldType::kString,
                                      .description = "Who may say yes: `role:sre`, `user:ann`.",
                                      .required = true}),
      Bind<Approval, &Approval::min>({.name = "min",
                                      .type = FieldType::kInt,
                                      .description = "How many have to.",
                                      .default_text = "1",
                                      .min = 1,
                                      .max = 100})};
  return fields;
}

}  // namespace

std::vector<FieldSpec> MeetSpecs() { return SpecsOf(MeetFields()); }
std::vector<FieldSpec> GuardSpecs() { return SpecsOf(GuardFields()); }
std::vector<FieldSpec> ThresholdSpecs() { return SpecsOf(ThresholdFields()); }
std::vector<FieldSpec> IsolationSpecs() { return SpecsOf(IsolationFields()); }
std::vector<FieldSpec> WindowSpecs() { return SpecsOf(WindowFields()); }
std::vector<FieldSpec> ApprovalSpecs() { return SpecsOf(ApprovalFields()); }

const std::vector<std::string>& OutputKinds() {
  static const std::vector<std::string> kinds = {"html",       "json",   "junit",   "csv",
                                                 "text",       "ndjson", "metrics", "csv-samples",
                                                 "prometheus", "otlp"};
  return kinds;
}

void Read(Loader& loader, const FieldSpec& spec, const Node& node, std::vector<Meet>& out) {
  if (!ExpectMap(loader, node, '"' + spec.name + '"')) return;
  for (const auto& [name, value] : node.members) {
    Meet& meet = out.emplace_back();
    meet.name = name.scalar;
    meet.where = name.where;
    if (!IsDefinitionName(name.scalar)) loader.Error(name, "this is no name for a meeting");
    ReadFields(loader, value, "a meeting", MeetFields(), meet);
  }
}

void Read(Loader& loader, const FieldSpec& spec, const Node& node, std::vector<Guard>& out) {
  if (!ExpectList(loader, node, '"' + spec.name + '"')) return;
  for (const Node& item : node.items) {
    Guard& guard = out.emplace_back();
    guard.where = item.where;
    if (!ReadFields(loader, item, "a guard", GuardFields(), guard)) continue;
    const Node* to = item.Find("to");
    const bool throttles = guard.action == Guard::Do::kThrottle;
    if (throttles && to == nullptr) loader.Error(item, "\"throttle\" needs \"to\"");
    if (!throttles && to != nullptr) loader.Error(*to, "\"to\" belongs to \"do: throttle\"");
  }
}

void Read(Loader& loader, const FieldSpec& spec, const Node& node, std::vector<Threshold>& out) {
  if (!ExpectList(loader, node, '"' + spec.name + '"')) return;
  for (const Node& item : node.items) {
    Threshold& threshold = out.emplace_back();
    if (item.is_map()) {
      ReadFields(loader, item, "a threshold", ThresholdFields(), threshold);
    } else {
      Read(loader, ThresholdFields()[0].spec, item, threshold.expression);
    }
    if (threshold.name.empty()) threshold.name = threshold.expression.text;
  }
}

void Read(Loader& loader, const FieldSpec& spec, const Node& node, std::vector<Output>& out) {
  if (!ExpectMap(loader, node, '"' + spec.name + '"')) return;
  for (const auto& [name, value] : node.members) {
    const auto& kinds = OutputKinds();
    if (std::find(kinds.begin(), kinds.end(), name.scalar) == kinds.end()) {
      ReportUnknownKey(loader, name, '"' + spec.name + '"', kinds);
      continue;
    }
    Output& output = out.emplace_back();
    output.kind = name.scalar;
    Read(loader, {.name = name.scalar, .type = FieldType::kString}, value, output.target);
  }
}

void Read(Loader& loader, const FieldSpec& spec, const Node& node, std::vector<Approval>& out) {
  if (!ExpectList(loader, node, '"' + spec.name + '"')) return;
  for (const Node& item : node.items) {
    ReadFields(loader, item, "a gate", ApprovalFields(), out.emplace_back());
  }
}

void Read(Loader& loader, const FieldSpec&, const Node& node, Isolation& out) {
  out.where = node.where;
  ReadFields(loader, node, "\"isolation\"", IsolationFields(), out);
}

void Read(Loader& loader, const FieldSpec&, const Node& node, TimeWindow& out) {
  out.where = node.where;
  ReadFields(loader, node, "\"window\"", WindowFields(), out);
  if (const Node* zone = node.Find("zone"); zone != nullptr) CheckZone(loader, *zone);
}

}  // namespace ronda::model
