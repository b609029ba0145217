// Laws that hold for every row of the table, whoever added it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "api/account_routes.h"
#include "api/api_test_util.h"
#include "api/audit.h"
#include "api/authentication.h"
#include "api/control_routes.h"
#include "api/health.h"
#include "api/metric_routes.h"
#include "api/red_routes.h"
#include "api/trace_routes.h"
#include "base/core/clock.h"
#include "base/log.h"
#include "control/controller.h"
#include "disk/simulated_file_system.h"
#include "series/source.h"
#include "store/migrations.h"
#include "store/store_test_util.h"
#include "trace/segment/store.h"

namespace ronda::api {
namespace {

class NoSeries : public series::Source {
 public:
  Files Snapshot(const ReadOpen& read) override {
    read(open_);
    return {};
  }

 private:
  series::OpenPoints open_;
};

// Gives out the principal that the test says.
class Says : public Authenticator {
 public:
  base::Result<Principal> Authenticate(const http::Request&) override { return who; }
  Principal who;
};

// There are no workers.
class NoWorkers : public control::WorkerPort {
 public:
  void Send(control::SessionId, const wire::worker::ToWorker&) override {}
  void Close(control::SessionId) override {}
};

// Every route that this room has. A file of routes adds itself here.
class EveryRouteTest : public ::testing::Test {
 protected:
  EveryRouteTest() {
    EXPECT_TRUE(store::Migrate(*database_, 1).ok());
    traces_ =
        *trace::segment::Store::Open(files_, {}, [](const auto&, auto&) { return base::Ok(); });
    source_.emplace(*traces_);
    trace_routes_.emplace(*source_, clock_);
    red_routes_.emplace(series_, *source_, clock_);
    trace_routes_->AddTo(router_);
    red_routes_->AddTo(router_);
    metric_routes_.AddTo(router_);
    accounts_.AddTo(router_);
    audit_.AddTo(router_);
    health_.AddTo(router_);
    const ControlParts parts{.library = &library_,
                             .controller = &controller_,
                             .events = &events_,
                             .database = &*database_,
                             .clock = &machine_,
                             .secrets = {}};
    AddDefinitionRoutes(parts, router_);
    AddRunRoutes(parts, router_);
    AddPatrolRoutes(parts, router_);
    AddFleetRoutes(parts, router_);
    controller_.set_port(&workers_);
    controller_.Start();
    while (!controller_.standing().leading) std::this_thread::yield();
  }

  http::Response Ask(const Route& route) {
    return router_.Handle({.method = std::string(route.method),
                           .target = PathOf(route),
                           .id = "r-1",
                           .peer = "127.0.0.1"});
  }

  base::FakeClock clock_;
  disk::SimulatedFileSystem files_;
  std::unique_ptr<trace::segment::Store> traces_;
  std::optional<trace::segment::StoreSource> source_;
  NoSeries series_;
  store::TestDatabase database_{store::Engine::kSqlite};
  Authentication authentication_{*database_, clock_};
  Says says_;
  Router router_{{.authenticator = &says_}};
  std::optional<TraceRoutes> trace_routes_;
  std::optional<RedRoutes> red_routes_;
  MetricRoutes metric_routes_{series_, clock_};
  AccountRoutes accounts_{*database_, authentication_, clock_, SecureCookies::kYes};
  AuditRoutes audit_{*database_};
  HealthRoutes health_;
  base::RealClock machine_;
  base::Log log_{base::LogLevel::kError};
  NoWorkers workers_;
  control::EventBus events_;
  control::Library library_{*database_, machine_};
  control::Controller controller_{{.server_id = "s", .address = {}},
                                  {.database = &*database_,
                                   .library = &library_,
                                   .events = &events_,
                                   .clock = &machine_,
                                   .log = &log_,
                                   .secrets = {}}};
};

TEST_F(EveryRouteTest, EachRoleAndScopeReachesWhatTheRowSaysAndNoMore) {
  std::vector<std::string> scopes = {"none", "*:read", "*:write"};
  for (const char* area :
       {"system", "traces", "definitions", "runs", "fleet", "accounts", "audit"}) {
    scopes.push_back(std::string(area) + ":read");
    scopes.push_back(std::string(area) + ":write");
  }
  const std::vector<std::string> roles = {"none", "viewer", "operator", "admin"};
  std::size_t allowed = 0, refused = 0;
  for (const Route& route : router_.routes()) {
    const bool writes = route.method != "GET";
    const std::string area(NameOf(route.access.area));
    for (std::size_t role = 0; role < roles.size(); ++role) {
      for (const std::string& scope : scopes) {
        says_.who = Principal{};
        if (role > 0) {
          says_.who = {.kind = Principal::Kind::kToken,
                       .user = "ann",
                       .role = *RoleOf(roles[role]),
                       .scopes = scope == "none" ? Scopes() : *Scopes::Parse({scope})};
        }
        const bool in_area = scope.starts_with("*:") || scope.starts_with(area + ":");
        const bool covers = area == "self" || (in_area && (!writes || scope.ends_with(":write")));
        const bool open = route.access.role == Role::kNone;
        const auto needed = static_cast<std::size_t>(route.access.role);
        const bool may = open || (role >= needed && covers);
        const int status = Ask(route).status;
        const bool was_refused = status == 401 || status == 403;
        EXPECT_EQ(was_refused && !open, !may)
            << route.method << ' ' << route.pattern << " as " << roles[role] << " with " << scope
            << " answers " << status;
        if (!open && role == 0) {
          EXPECT_EQ(status, 401) << route.pattern;
        }
        ++(may ? allowed : refused);
      }
    }
  }
  EXPECT_GT(allowed, 500u);
  EXPECT_GT(refused, 500u);
}

TEST_F(EveryRouteTest, NobodyReachesOnlyWhatIsListedHere) {
  std::set<std::string> open;
  for (const Route& route : router_.routes()) {
    if (route.access.role == Role::kNone) {
      open.insert(std::string(route.method) + " " + std::string(route.pattern));
    }
  }
  EXPECT_THAT(open, ::testing::ElementsAre("GET /api/v1/openapi.json", "GET /healthz",
                                           "GET /readyz", "POST /api/v1/login"));
}

TEST_F(EveryRouteTest, AViewerChangesOnlyWhatIsHisOwn) {
  for (const Route& route : router_.routes()) {
    if (EffectOf(route) == Effect::kRead || route.access.role >= Role::kOperator) continue;
    EXPECT_TRUE(route.access.area == Area::kSelf || route.access.area == Area::kAccounts)
        << route.pattern;
  }
}

TEST_F(EveryRouteTest, NoAnswerIsUndocumentedOrAFailure) {
  says_.who = {.kind = Principal::Kind::kToken,
               .user = "ann",
               .role = Role::kAdmin,
               .scopes = Scopes::All()};
  for (const Route& route : router_.routes()) {
    for (const char* more : {"", "?limit=1", "?limit=0", "?cursor=ff", "?nonsense=1"}) {
      const http::Request request{.method = std::string(route.method),
                                  .target = PathOf(route) + more,
                                  .body = route.body ? "{}" : "",
                                  .id = "r-1"};
      const http::Response response = router_.Handle(request);
      EXPECT_LT(response.status, 500) << request.target;
      ExpectDocumented(router_, request, response);
    }
  }
}

TEST_F(EveryRouteTest, OperationsHaveNamesOfTheirOwn) {
  simdjson::dom::parser parser;
  const std::string text = router_.OpenApi();
  std::set<std::string> names;
  std::size_t count = 0;
  const simdjson::dom::element document = parser.parse(text).value_unsafe();
  const simdjson::dom::object paths = document["paths"].get_object().value_unsafe();
  for (const auto& [path, value] : paths) {
    const simdjson::dom::object methods = value.get_object().value_unsafe();
    for (const auto& [method, operation] : methods) {
      names.insert(std::string(operation["operationId"].get_string().value_unsafe()));
      ++count;
    }
  }
  EXPECT_EQ(count, router_.routes().size());
  EXPECT_EQ(names.size(), count);
}

TEST(Health, ReadinessSaysWhatIsNotWell) {
  HealthRoutes health;
  health.Add({"database", [] { return base::Ok(); }});
  health.Add({"leader", [] { return base::Unavailable("nobody leads"); }});
  Router router;
  health.AddTo(router);
  const http::Request request{.method = "GET", .target = "/readyz"};
  const http::Response response = router.Handle(request);
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.body, R"({"ready":false,"checks":[{"name":"database","ready":true},)"
                           R"({"name":"leader","ready":false,"why":"nobody leads"}]})");
  ExpectDocumented(router, request, response);
}

TEST(Health, FiguresArePrometheusText) {
  HealthRoutes health;
  health.Add([](MetricsPage& page) {
    page.Family("ronda_runs", MetricsPage::Type::kGauge, "Runs by state");
    page.Value(3, {{"state", "run\"ning"}, {"zone", "a\nb"}});
    page.Value(0.5);
  });
  Router router;
  health.AddTo(router);
  EXPECT_EQ(router.Handle({.method = "GET", .target = "/metrics"}).body,
            "# HELP ronda_runs Runs by state\n# TYPE ronda_runs gauge\n"
            "ronda_runs{state=\"run\\\"ning\",zone=\"a\\nb\"} 3\nronda_runs 0.5\n");
}

}  // namespace
}  // namespace ronda::api
