#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "store/definitions.h"
#include "store/patrols.h"
#include "store/runs.h"
#include "store/servers.h"
#include "store/store_test_util.h"
#include "store/triggers.h"

namespace ronda::store {
namespace {

// Runs a body that may fail the test, and must be ok.
#define WRITE(...)                                                                      \
  do {                                                                                  \
    const base::Status written = database_->Write([&](Transaction& t) -> base::Status { \
      __VA_ARGS__;                                                                      \
      return base::Ok();                                                                \
    });                                                                                 \
    ASSERT_TRUE(written.ok()) << written.ToString();                                    \
  } while (false)

class TablesTest : public testing::TestWithParam<Engine> {
 protected:
  TablesTest() : database_(GetParam()) { EXPECT_TRUE(Migrate(*database_, 1).ok()); }
  TestDatabase database_;
};

TEST_P(TablesTest, ADefinitionsRevGrowsWithEveryChangeOfAny) {
  WRITE(DefinitionHead a{.kind = "Scenario", .name = "a", .draft_text = "x"};
        ASSIGN_OR_RETURN(const auto first, PutDefinition(t, a)); a.name = "b_c";
        ASSIGN_OR_RETURN(const auto second, PutDefinition(t, a)); a.name = "a"; a.version = 1;
        a.draft_text.reset(); RETURN_IF_ERROR(InsertVersion(
            t, {.kind = "Scenario", .name = "a", .version = 1, .digest = "d1", .text = "text"}));
        ASSIGN_OR_RETURN(const auto third, PutDefinition(t, a)); EXPECT_LT(first, second);
        EXPECT_LT(second, third);
        ASSIGN_OR_RETURN(const auto since, ListDefinitions(t, {.after_rev = second}));
        EXPECT_EQ(since.size(), 1u) << "only what is new"; EXPECT_EQ(since.at(0).name, "a");
        EXPECT_EQ(since.at(0).digest, "d1"); EXPECT_EQ(since.at(0).draft_text, std::nullopt);
        ASSIGN_OR_RETURN(const auto named, ListDefinitions(t, {.name_part = "b_"}));
        EXPECT_EQ(named.size(), 1u) << "_ is a letter here, no wildcard";
        EXPECT_EQ(named.at(0).draft_text, "x"); ASSIGN_OR_RETURN(
            const auto page,
            ListDefinitions(t, {.after_kind = "Scenario", .after_name = "a", .limit = 5}));
        EXPECT_EQ(page.size(), 1u); EXPECT_EQ(page.at(0).name, "b_c"));
}

TEST_P(TablesTest, AVersionCannotBeWrittenTwice) {
  const DefinitionVersion version{.kind = "Feed", .name = "f", .version = 1, .text = "one"};
  WRITE(RETURN_IF_ERROR(InsertVersion(t, version)));
  const base::Status again =
      database_->Write([&](Transaction& t) { return InsertVersion(t, version); });
  EXPECT_EQ(again.code(), base::Code::kAlreadyExists);
}

TEST_P(TablesTest, WhoNamesADefinitionIsKnownUntilItIsDeleted) {
  WRITE(DefinitionHead patrol{.kind = "Patrol", .name = "p"};
        RETURN_IF_ERROR(PutDefinition(t, patrol).status());
        RETURN_IF_ERROR(PutRefs(t, "Patrol", "p", {{"Scenario", "s", 3}, {"Scenario", "s", 3}}));
        ASSIGN_OR_RETURN(const auto found, ReferrersOf(t, "Scenario", "s"));
        EXPECT_EQ(found.size(), 1u); EXPECT_EQ(found.at(0).name, "p");
        EXPECT_EQ(found.at(0).version, 3); patrol.deleted = true;
        RETURN_IF_ERROR(PutDefinition(t, patrol).status());
        ASSIGN_OR_RETURN(const auto none, ReferrersOf(t, "Scenario", "s"));
        EXPECT_TRUE(none.empty()));
}

RunRow SomeRun(const std::string& id, std::int64_t created) {
  return {.id = id,
          .kind = "Patrol",
          .name = "p",
          .environment = "prod",
          .cause_kind = "cron",
          .mode = "real",
          .state = "running",
          .created_ns = created};
}

TEST_P(TablesTest, PagesOfRunsHaveEachOnceWhateverComesBetween) {
  WRITE(for (int i = 0; i < 10; ++i)
            RETURN_IF_ERROR(InsertRun(t, SomeRun("id" + std::to_string(i), 100 + i / 3))));
  std::vector<std::string> seen;
  RunFilter filter{.limit = 3};
  for (;;) {
    std::vector<RunRow> page;
    WRITE(ASSIGN_OR_RETURN(page, ListRuns(t, filter)));
    if (page.empty()) break;
    for (const RunRow& run : page) seen.push_back(run.id);
    filter.before_created = page.back().created_ns;
    filter.before_id = page.back().id;
    WRITE(RETURN_IF_ERROR(InsertRun(t, SomeRun("new" + page.back().id, 1000))));
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"id9", "id8", "id7", "id6", "id5", "id4", "id3", "id2",
                                            "id1", "id0"}));
}

TEST_P(TablesTest, DeletingRunsTakesAllThatBelongsToThemAndNothingElse) {
  WRITE(for (const char* id : {"old", "running", "new"}) {
    RunRow run = SomeRun(id, id == std::string("new") ? 900 : 100);
    run.active = id == std::string("running");
    run.ended_ns = run.active ? 0 : run.created_ns + 1;
    RETURN_IF_ERROR(InsertRun(t, run));
    RETURN_IF_ERROR(PutNode(t, id, {.ordinal = 0, .path = "a", .state = "succeeded"}));
    RETURN_IF_ERROR(PutAssignment(t, {.run_id = id}));
    RETURN_IF_ERROR(PutEvidence(t, {.run_id = id, .path = "a", .body = "{}"}));
    RETURN_IF_ERROR(InsertGate(t, {.id = std::string("g") + id, .run_id = id, .state = "open"}));
    RETURN_IF_ERROR(InsertAnswer(t, {.gate_id = std::string("g") + id, .who = "ann"}));
    RETURN_IF_ERROR(PutReport(t, id, "r", 1));
  });
  WRITE(ASSIGN_OR_RETURN(const auto gone, DeleteRuns(t, 500, "", 100)); EXPECT_EQ(gone, 1);
        for (const char* table : {"runs", "nodes", "assignments", "evidence", "gates",
                                  "gate_answers", "reports"}) {
          ASSIGN_OR_RETURN(const auto left,
                           t.QueryInt(std::string("SELECT count(*) FROM ") + table));
          EXPECT_EQ(left, 2) << table;
        } ASSIGN_OR_RETURN(const auto run, FindRun(t, "running"));
        EXPECT_TRUE(run.has_value()));
}

TEST_P(TablesTest, AGateIsClosedOnce) {
  WRITE(RETURN_IF_ERROR(
      InsertGate(t, {.id = "g", .run_id = "r", .type = "confirm", .state = "open"})));
  WRITE(ASSIGN_OR_RETURN(const bool first, CloseGate(t, "g", "answered", 5)); EXPECT_TRUE(first);
        ASSIGN_OR_RETURN(const bool second, CloseGate(t, "g", "expired", 6)); EXPECT_FALSE(second);
        ASSIGN_OR_RETURN(const auto gate, FindGate(t, "g")); EXPECT_EQ(gate->state, "answered");
        EXPECT_EQ(gate->closed_ns, 5));
}

TEST_P(TablesTest, AnEventComesOnce) {
  const EventRow event{.dedup = "k", .type = "release.finished", .received_ns = 5};
  WRITE(ASSIGN_OR_RETURN(const bool first, InsertEvent(t, event)); EXPECT_TRUE(first);
        ASSIGN_OR_RETURN(const bool again, InsertEvent(t, event)); EXPECT_FALSE(again);
        ASSIGN_OR_RETURN(const auto open, OpenEvents(t, 10)); EXPECT_EQ(open.size(), 1u);
        RETURN_IF_ERROR(MarkEventHandled(t, "k"));
        ASSIGN_OR_RETURN(const auto none, OpenEvents(t, 10)); EXPECT_TRUE(none.empty());
        ASSIGN_OR_RETURN(const bool later, InsertEvent(t, event)); EXPECT_FALSE(later));
}

TEST_P(TablesTest, RollupsAddUp) {
  PatrolRollupRow row{.name = "p",
                      .environment = "prod",
                      .width_s = 60,
                      .start_s = 120,
                      .passed = 1,
                      .duration_ns = 10,
                      .duration_max_ns = 10};
  WRITE(RETURN_IF_ERROR(AddToRollup(t, row)); row.passed = 0; row.failed = 1; row.duration_ns = 5;
        row.duration_max_ns = 5; RETURN_IF_ERROR(AddToRollup(t, row)); row.start_s = 180;
        RETURN_IF_ERROR(AddToRollup(t, row));
        ASSIGN_OR_RETURN(const auto all, PatrolRollups(t, 60, 0, 1000)); EXPECT_EQ(all.size(), 2u);
        EXPECT_EQ(all.at(0).passed, 1); EXPECT_EQ(all.at(0).failed, 1);
        EXPECT_EQ(all.at(0).duration_ns, 15); EXPECT_EQ(all.at(0).duration_max_ns, 10);
        ASSIGN_OR_RETURN(const auto sums, PatrolSums(t, 60, 0, 1000)); EXPECT_EQ(sums.size(), 1u);
        EXPECT_EQ(sums.at(0).failed, 2); EXPECT_EQ(sums.at(0).duration_ns, 20);
        RETURN_IF_ERROR(DeleteRollups(t, 60, 150));
        ASSIGN_OR_RETURN(const auto left, PatrolRollups(t, 60, 0, 1000, "p", "", "prod"));
        EXPECT_EQ(left.size(), 1u));
}

TEST_P(TablesTest, TheLeadHasOneOwnerAndItsWritesEndWithIt) {
  WRITE(ASSIGN_OR_RETURN(const auto a, TakeLead(t, "control", "a", "http://a", 100, 200));
        EXPECT_TRUE(a); EXPECT_EQ(a->epoch, 1);
        ASSIGN_OR_RETURN(const auto b, TakeLead(t, "control", "b", "http://b", 150, 250));
        EXPECT_FALSE(b) << "a's time is not over";
        ASSIGN_OR_RETURN(const bool kept, KeepLead(t, "control", 1, 300)); EXPECT_TRUE(kept);
        ASSIGN_OR_RETURN(const auto later, TakeLead(t, "control", "b", "http://b", 300, 400));
        EXPECT_TRUE(later); EXPECT_EQ(later->epoch, 2);
        ASSIGN_OR_RETURN(const bool stale, KeepLead(t, "control", 1, 999)); EXPECT_FALSE(stale);
        RETURN_IF_ERROR(LeaveLead(t, "control", 2));
        ASSIGN_OR_RETURN(const auto next, TakeLead(t, "control", "a", "http://a", 301, 401));
        EXPECT_TRUE(next) << "left, so free at once"; EXPECT_EQ(next->epoch, 3));
}

TEST_P(TablesTest, ATriggerIsKeptByItsPlace) {
  WRITE(for (int i = 0; i < 3; ++i) RETURN_IF_ERROR(
            PutTrigger(t, {.kind = "Patrol", .name = "p", .ordinal = i, .next_ns = 5}));
        RETURN_IF_ERROR(DeleteTriggers(t, "Patrol", "p", 1)); RETURN_IF_ERROR(
            PutTrigger(t, {.kind = "Patrol", .name = "p", .next_ns = 9, .enabled = false}));
        ASSIGN_OR_RETURN(const auto all, ListTriggers(t)); EXPECT_EQ(all.size(), 1u);
        EXPECT_EQ(all.at(0).next_ns, 9); EXPECT_FALSE(all.at(0).enabled));
}

INSTANTIATE_TEST_SUITE_P(Each, TablesTest, testing::ValuesIn(TestEngines()), EngineName);

}  // namespace
}  // namespace ronda::store
