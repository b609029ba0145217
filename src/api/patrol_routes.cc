#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "api/control_routes.h"
#include "api/time_text.h"
#include "base/json_writer.h"
#include "store/patrols.h"
#include "store/triggers.h"

namespace ronda::api {
namespace {

using base::JsonWriter;
using control::Controller;

constexpr std::int64_t kMinute = 60, kHour = 3600, kDay = 86'400;
constexpr std::int64_t kSecondNs = 1'000'000'000;

using PathKey = std::tuple<std::string, std::string, std::string>;

// Passed among known results; -1 without any.
double AvailabilityOf(std::int64_t passed, std::int64_t failed) {
  return passed + failed == 0 ? -1
                              : static_cast<double>(passed) / static_cast<double>(passed + failed);
}

void PutAvailability(std::string_view name, const std::map<PathKey, store::PatrolRollupRow>& sums,
                     const PathKey& key, JsonWriter& json) {
  const auto found = sums.find(key);
  const double value =
      found == sums.end() ? -1 : AvailabilityOf(found->second.passed, found->second.failed);
  json.Key(name);
  if (value < 0) {
    json.Null();
  } else {
    json.Number(value);
  }
}

// One path of a patrol, as the control thread and the database know it.
struct PathView {
  std::string patrol, scenario, environment, error;
  std::int64_t next_ns = 0;
};

Schema PathSchema() {
  using namespace schema;
  return Named("PatrolPath",
               Object({{"patrol", Text()},
                       {"scenario", Text()},
                       {"environment", Text()},
                       {"state", Text("passing, failing, flapping, unknown")},
                       {"since", Text()},
                       {"last_run", Text()},
                       {"last_at", Text()},
                       {"last_verdict", Text()},
                       {"last_passed_at", Text()},
                       {"recent", Text("The newest results, newest last: + passed, - failed")},
                       {"next_at", Text("When its next trigger by time is due")},
                       {"error", Text("Why it cannot be run; empty: it can")},
                       {"availability_24h", Nullable(Number())},
                       {"availability_7d", Nullable(Number())},
                       {"availability_30d", Nullable(Number())}}));
}

class Patrols {
 public:
  explicit Patrols(const ControlParts& parts) : parts_(parts) {}

  base::Result<http::Response> List(const Call&) const {
    ASSIGN_OR_RETURN(const std::vector<PathView> views, Views());
    std::map<PathKey, store::PatrolStateRow> states;
    std::map<PathKey, store::PatrolRollupRow> day, week, month;
    const auto now = static_cast<std::int64_t>(parts_.clock->WallNs()) / kSecondNs;
    RETURN_IF_ERROR(parts_.database->Read([&](store::Transaction& t) -> base::Status {
      states.clear();
      ASSIGN_OR_RETURN(const auto rows, store::PatrolStates(t));
      for (const store::PatrolStateRow& row : rows)
        states[{row.name, row.scenario, row.environment}] = row;
      const auto sum = [&](std::int64_t width, std::int64_t span,
                           std::map<PathKey, store::PatrolRollupRow>& into) -> base::Status {
        into.clear();
        ASSIGN_OR_RETURN(const auto sums, store::PatrolSums(t, width, now - span, now + width));
        for (const store::PatrolRollupRow& row : sums)
          into[{row.name, row.scenario, row.environment}] = row;
        return base::Ok();
      };
      RETURN_IF_ERROR(sum(kHour, kDay, day));
      RETURN_IF_ERROR(sum(kHour, 7 * kDay, week));
      return sum(kDay, 30 * kDay, month);
    }));
    JsonWriter json;
    json.Object().Key("paths").List();
    for (const PathView& view : views) {
      const PathKey key{view.patrol, view.scenario, view.environment};
      const auto found = states.find(key);
      const store::PatrolStateRow row =
          found == states.end() ? store::PatrolStateRow{.state = "unknown"} : found->second;
      json.Object().Field("patrol", view.patrol).Field("scenario", view.scenario);
      json.Field("environment", view.environment).Field("state", row.state);
      json.Field("since", TimeText(row.since_ns)).Field("last_run", row.last_run);
      json.Field("last_at", TimeText(row.last_ns)).Field("last_verdict", row.last_verdict);
      json.Field("last_passed_at", TimeText(row.last_passed_ns)).Field("recent", RecentOf(row));
      json.Field("next_at", TimeText(view.next_ns)).Field("error", view.error);
      PutAvailability("availability_24h", day, key, json);
      PutAvailability("availability_7d", week, key, json);
      PutAvailability("availability_30d", month, key, json);
      json.EndObject();
    }
    json.EndList().EndObject();
    return http::Response{.body = std::move(json.out)};
  }

  base::Result<http::Response> History(const Call& call) const {
    const std::string width = call.Query("width").value_or("hour");
    const std::int64_t seconds = width == "minute" ? kMinute : width == "hour" ? kHour : kDay;
    const auto now = static_cast<std::int64_t>(parts_.clock->WallNs()) / kSecondNs;
    const auto buckets = static_cast<std::int64_t>(call.QueryInteger("buckets", 48));
    std::vector<store::PatrolRollupRow> rows;
    RETURN_IF_ERROR(parts_.database->Read([&](store::Transaction& t) -> base::Status {
      ASSIGN_OR_RETURN(
          rows, store::PatrolRollups(t, seconds, now - buckets * seconds, now + 1,
                                     call.path.at("name"), call.Query("scenario").value_or(""),
                                     call.Query("environment").value_or("")));
      return base::Ok();
    }));
    JsonWriter json;
    json.Object().Field("width_s", seconds).Key("buckets").List();
    for (const store::PatrolRollupRow& row : rows) {
      json.Object().Field("scenario", row.scenario).Field("environment", row.environment);
      json.Field("start", TimeText(row.start_s * kSecondNs)).Field("passed", row.passed);
      json.Field("failed", row.failed).Field("unknown", row.unknown);
      const std::int64_t n = row.passed + row.failed + row.unknown;
      json.Field("mean_ns", n == 0 ? 0 : row.duration_ns / n).Field("max_ns", row.duration_max_ns);
      json.EndObject();
    }
    json.EndList().EndObject();
    return http::Response{.body = std::move(json.out)};
  }

  base::Result<http::Response> Event(const Call& call) const {
    store::EventRow event{.dedup = call.BodyText("id"),
                          .type = call.BodyText("type"),
                          .source = call.BodyText("source"),
                          .received_ns = static_cast<std::int64_t>(parts_.clock->WallNs())};
    simdjson::dom::element payload;
    if (call.body["payload"].get(payload) == simdjson::SUCCESS)
      event.payload = simdjson::minify(payload);
    bool fresh = false;
    RETURN_IF_ERROR(parts_.database->Write([&](store::Transaction& t) -> base::Status {
      ASSIGN_OR_RETURN(fresh, store::InsertEvent(t, event));
      return base::Ok();
    }));
    parts_.controller->OnEvents();
    JsonWriter json;
    json.Object().Field("fresh", fresh).EndObject();
    return http::Response{.status = 202, .body = std::move(json.out)};
  }

  base::Result<http::Response> QuietTimes(const Call&) const {
    std::vector<store::QuietTimeRow> rows;
    RETURN_IF_ERROR(parts_.database->Read([&](store::Transaction& t) -> base::Status {
      ASSIGN_OR_RETURN(rows,
                       store::QuietTimes(t, static_cast<std::int64_t>(parts_.clock->WallNs())));
      return base::Ok();
    }));
    JsonWriter json;
    json.Object().Key("quiet_times").List();
    for (const store::QuietTimeRow& row : rows) {
      json.Object().Field("id", row.id).Field("kind", row.kind);
      json.Field("environment", row.environment).Field("from", TimeText(row.from_ns));
      json.Field("to", TimeText(row.to_ns)).Field("reason", row.reason);
      json.Field("author", row.author).EndObject();
    }
    json.EndList().EndObject();
    return http::Response{.body = std::move(json.out)};
  }

  base::Result<http::Response> PutQuietTime(const Call& call) const {
    const auto now = static_cast<std::int64_t>(parts_.clock->WallNs());
    const store::QuietTimeRow row{
        .id = call.path.at("id"),
        .kind = call.BodyText("kind"),
        .environment = call.BodyText("environment"),
        .from_ns = now + call.BodyInteger("starts_in_s").value_or(0) * kSecondNs,
        .to_ns = now + (call.BodyInteger("starts_in_s").value_or(0) +
                        call.BodyInteger("lasts_s").value_or(0)) *
                           kSecondNs,
        .reason = call.BodyText("reason"),
        .author = call.who.user};
    RETURN_IF_ERROR(
        parts_.database->Write([&](store::Transaction& t) { return store::PutQuietTime(t, row); }));
    parts_.controller->OnQuietTimes();
    return http::Response{.status = 204, .content_type = "", .body = ""};
  }

  base::Result<http::Response> DeleteQuietTime(const Call& call) const {
    bool gone = false;
    RETURN_IF_ERROR(parts_.database->Write([&](store::Transaction& t) -> base::Status {
      ASSIGN_OR_RETURN(gone, store::DeleteQuietTime(t, call.path.at("id")));
      return base::Ok();
    }));
    if (!gone) return base::NotFound("there is no quiet time " + call.path.at("id"));
    parts_.controller->OnQuietTimes();
    return http::Response{.status = 204, .content_type = "", .body = ""};
  }

 private:
  static std::string RecentOf(const store::PatrolStateRow& row) {
    std::string text;
    for (std::int64_t i = row.recent_count; i-- > 0;)
      text += (row.recent >> i & 1) != 0 ? '-' : '+';
    return text;
  }

  base::Result<std::vector<PathView>> Views() const {
    return parts_.controller->Ask<std::vector<PathView>>(
        [](Controller::Turn& turn) -> base::Result<std::vector<PathView>> {
          std::vector<PathView> views;
          for (const control::PatrolPlan* plan : turn.planner.All()) {
            std::int64_t next = 0;
            for (const store::TriggerRow& row : turn.planner.Triggers(plan->name)) {
              if (row.next_ns > 0 && (next == 0 || row.next_ns < next)) next = row.next_ns;
            }
            if (plan->recipes.empty()) {
              views.push_back({plan->name, "", "", plan->error, next});
            }
            for (const auto& recipe : plan->recipes)
              views.push_back({plan->name, recipe->root_name, recipe->environment, "", next});
          }
          return views;
        });
  }

  const ControlParts parts_;
};

}  // namespace

void AddPatrolRoutes(const ControlParts& parts, Router& router) {
  using namespace schema;
  const auto patrols = std::make_shared<const Patrols>(parts);
  router.Add({.pattern = "/api/v1/patrols",
              .summary = "How every path stands",
              .name = "listPaths",
              .access = {Role::kViewer, Area::kRuns},
              .answers = {{.description = "All paths",
                           .schema = Object({{"paths", ListOf(PathSchema())}})}},
              .errors = {503},
              .answer = [patrols](const Call& call) { return patrols->List(call); }});
  router.Add(
      {.pattern = "/api/v1/patrols/{name}/history",
       .summary = "Results of a patrol's paths over time",
       .parameters = {{.name = "width",
                       .description = "Of a bucket",
                       .schema = Choice({"minute", "hour", "day"})},
                      {.name = "buckets",
                       .description = "How many, up to now; 48 without it",
                       .schema = Within(Integer(), 1, 3000)},
                      {.name = "scenario", .description = "Only that one"},
                      {.name = "environment", .description = "Only that one"}},
       .name = "patrolHistory",
       .access = {Role::kViewer, Area::kRuns},
       .answers = {{.description = "Buckets with results",
                    .schema = Object({{"width_s", Integer()},
                                      {"buckets", ListOf(Object({{"scenario", Text()},
                                                                 {"environment", Text()},
                                                                 {"start", Text()},
                                                                 {"passed", Integer()},
                                                                 {"failed", Integer()},
                                                                 {"unknown", Integer()},
                                                                 {"mean_ns", Integer()},
                                                                 {"max_ns", Integer()}}))}})}},
       .answer = [patrols](const Call& call) { return patrols->History(call); }});
  router.Add({.pattern = "/api/v1/events",
              .method = "POST",
              .summary = "Tells of something that may start runs; an id counts once",
              .name = "sendEvent",
              .access = {Role::kOperator, Area::kRuns},
              .body = Body{.schema = Object({{"id", Within(Text(), 1, 200)},
                                             {"type", Within(Text("release.finished"), 1, 200)},
                                             {"source", Text(), Required::kNo},
                                             {"payload", MapOf(Any()), Required::kNo}})},
              .answers = {{.status = 202,
                           .description = "It is kept; fresh: it was not there before",
                           .schema = Object({{"fresh", Bool()}})}},
              .answer = [patrols](const Call& call) { return patrols->Event(call); }});
  router.Add(
      {.pattern = "/api/v1/quiet-times",
       .summary = "Maintenance windows and freezes, now and to come",
       .name = "listQuietTimes",
       .access = {Role::kViewer, Area::kRuns},
       .answers = {{.description = "All of them",
                    .schema = Object({{"quiet_times", ListOf(Object({{"id", Text()},
                                                                     {"kind", Text()},
                                                                     {"environment", Text()},
                                                                     {"from", Text()},
                                                                     {"to", Text()},
                                                                     {"reason", Text()},
                                                                     {"author", Text()}}))}})}},
       .answer = [patrols](const Call& call) { return patrols->QuietTimes(call); }});
  router.Add({.pattern = "/api/v1/quiet-times/{id}",
              .method = "PUT",
              .summary = "Meanwhile triggers start nothing",
              .name = "putQuietTime",
              .access = {Role::kOperator, Area::kRuns},
              .body = Body{.schema = Object(
                               {{"kind", Choice({"maintenance", "freeze"})},
                                {"environment", Text("Empty: all"), Required::kNo},
                                {"starts_in_s", Within(Integer(), 0, 31'622'400), Required::kNo},
                                {"lasts_s", Within(Integer(), 1, 31'622'400)},
                                {"reason", Within(Text(), 1, 1000)}})},
              .answers = {{.status = 204, .description = "It is set", .content = ""}},
              .unversioned = "the whole of it is sent, and the newest word counts",
              .answer = [patrols](const Call& call) { return patrols->PutQuietTime(call); }});
  router.Add({.pattern = "/api/v1/quiet-times/{id}",
              .method = "DELETE",
              .summary = "Ends it",
              .name = "deleteQuietTime",
              .access = {Role::kOperator, Area::kRuns},
              .answers = {{.status = 204, .description = "It is over", .content = ""}},
              .errors = {404},
              .unversioned = "ending it twice is ending it once",
              .answer = [patrols](const Call& call) { return patrols->DeleteQuietTime(call); }});
}

}  // namespace ronda::api
