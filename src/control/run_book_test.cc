#include "control/run_book.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "control/control_test_util.h"
#include "store/servers.h"
#include "wire/worker/part.h"

namespace ronda::control {
namespace {

using wire::worker::Done;
using wire::worker::ToWorker;

constexpr std::uint64_t kSecond = 1'000'000'000;

class FakePort : public WorkerPort {
 public:
  void Send(SessionId session, const ToWorker& message) override {
    sent.emplace_back(session, message);
  }
  void Close(SessionId session) override { closed.push_back(session); }

  // The newest Assign that was sent.
  [[nodiscard]] const wire_worker::Assign& Assigned() const {
    for (auto each = sent.rbegin(); each != sent.rend(); ++each) {
      if (each->second.has_assign()) return each->second.assign();
    }
    static const wire_worker::Assign none;
    return none;
  }
  [[nodiscard]] int Count(ToWorker::MessageCase which) const {
    int count = 0;
    for (const auto& [session, message] : sent) count += message.message_case() == which;
    return count;
  }

  std::vector<std::pair<SessionId, ToWorker>> sent;
  std::vector<SessionId> closed;
};

// A server's control state over a database; a second one over the same database is its restart.
struct Server {
  explicit Server(ControlFixture& fixture)
      : fixture(fixture),
        journal(*fixture.database),
        runs({.journal = &journal,
              .fleet = &fleet,
              .port = &port,
              .events = &events,
              .clock = &fixture.clock,
              .on_end = [this](const ActiveRun& run) { ended.push_back(run.row); }}) {
    std::int64_t epoch = 0;
    const auto taken = fixture.database->Write([&](store::Transaction& t) -> base::Status {
      ASSIGN_OR_RETURN(const auto lead, store::TakeLead(t, "control", "server", "", 0, 1));
      epoch = lead->epoch;
      return base::Ok();
    });
    EXPECT_TRUE(taken.ok());
    journal.SetLead("control", epoch);
    runs.set_epoch(static_cast<std::uint64_t>(epoch));
    EXPECT_TRUE(runs.Load(*fixture.database).ok());
  }

  void Commit() {
    while (!journal.empty()) {
      const base::Status status = journal.Commit(1);
      ASSERT_TRUE(status.ok()) << status.ToString();
    }
  }
  // A worker comes; `holding` is what it says it has.
  FleetWorker& Attach(const std::string& id, SessionId session,
                      const std::vector<wire_worker::Holding>& holding = {},
                      const std::string& zone = "z", unsigned capacity = 4) {
    wire_worker::Hello hello;
    hello.set_worker_id(id);
    hello.set_zone(zone);
    hello.mutable_capacity()->set_parts(capacity);
    for (const auto& each : holding) *hello.add_holding() = each;
    SessionId replaced = 0;
    FleetWorker& worker = fleet.Attach(session, hello, fixture.clock.MonotonicNs(),
                                       fixture.clock.WallNs(), &replaced);
    welcome = {};
    runs.OnAttach(worker, hello, welcome);
    runs.Tick();
    Commit();
    return worker;
  }
  void Finish(FleetWorker& worker, const wire_worker::PartId& part, Done::Outcome outcome,
              const std::string& reason = "") {
    Done done;
    *done.mutable_part() = part;
    done.set_outcome(outcome);
    done.set_reason(reason);
    auto* step = done.add_steps();
    step->set_path("get");
    step->set_state(outcome == Done::PASSED ? wire_worker::StepResult::SUCCEEDED
                                            : wire_worker::StepResult::FAILED);
    step->set_error(reason);
    step->mutable_evidence()->set_request_line("GET /");
    runs.OnDone(worker, done);
    runs.Tick();
    Commit();
  }
  void Pass(std::uint64_t ns) {
    fixture.clock.Advance(ns);
    for (FleetWorker* worker : fleet.Expired(fixture.clock.MonotonicNs())) runs.OnLeaseEnd(*worker);
    runs.Tick();
    Commit();
  }

  ControlFixture& fixture;
  Journal journal;
  Fleet fleet;
  FakePort port;
  EventBus events;
  std::vector<store::RunRow> ended;
  RunBook runs;
  wire_worker::Welcome welcome;
};

class RunBookTest : public testing::Test, public ControlFixture {
 protected:
  std::shared_ptr<Recipe> Make(const std::string& method = "GET") {
    Apply("kind: Scenario\nname: s\nsteps: [{id: get, action: http.request, with: {method: " +
          method + ", url: \"http://x/\"}}, {id: pause, action: wait, with: {for: 1s}}]\n");
    auto recipe = RecipeOf(library, {}, {model::Kind::kScenario, "s", 0}, "");
    EXPECT_TRUE(recipe.ok()) << recipe.status().ToString();
    return *recipe;
  }
  store::RunRow Row(const std::string& id) {
    store::RunRow row;
    EXPECT_TRUE(database
                    ->Read([&](store::Transaction& t) -> base::Status {
                      ASSIGN_OR_RETURN(const auto found, store::FindRun(t, id));
                      row = found.value_or(store::RunRow{});
                      return base::Ok();
                    })
                    .ok());
    return row;
  }
  std::vector<store::NodeRow> Nodes(const std::string& id) {
    std::vector<store::NodeRow> nodes;
    EXPECT_TRUE(database
                    ->Read([&](store::Transaction& t) -> base::Status {
                      ASSIGN_OR_RETURN(nodes, store::NodesOf(t, id));
                      return base::Ok();
                    })
                    .ok());
    return nodes;
  }
  static wire_worker::Holding Held(const wire_worker::PartId& part,
                                   wire_worker::Holding::State state) {
    wire_worker::Holding holding;
    *holding.mutable_part() = part;
    holding.set_state(state);
    return holding;
  }
};

TEST_F(RunBookTest, ARunGoesFromItsOrderToItsVerdictAndEverythingIsKept) {
  Server server(*this);
  FleetWorker& worker = server.Attach("w", 7);
  const std::string id = server.runs.Start({.recipe = Make(), .cause_kind = "user"});
  EXPECT_EQ(server.port.Count(ToWorker::kAssign), 0) << "nothing leaves before it is journaled";
  server.Commit();
  ASSERT_EQ(server.port.Count(ToWorker::kAssign), 1);
  EXPECT_EQ(Row(id).state, "running");
  EXPECT_FALSE(server.port.Assigned().snapshot().content().empty());
  server.Finish(worker, server.port.Assigned().part(), Done::PASSED);
  EXPECT_EQ(Row(id).state, "succeeded");
  EXPECT_EQ(Row(id).verdict, "passed");
  EXPECT_FALSE(Row(id).active);
  const auto nodes = Nodes(id);
  ASSERT_EQ(nodes.size(), 2u) << "one a step of the snapshot";
  EXPECT_EQ(nodes[0].state, "succeeded");
  EXPECT_EQ(nodes[1].state, "skipped") << "the worker did not tell of it";
  EXPECT_EQ(server.port.Count(ToWorker::kDoneAck), 1);
  ASSERT_EQ(server.ended.size(), 1u);
  EXPECT_TRUE(worker.parts.empty());
}

TEST_F(RunBookTest, ASnapshotIsSentOnceASession) {
  Server server(*this);
  FleetWorker& worker = server.Attach("w", 7);
  const auto recipe = Make();
  server.runs.Start({.recipe = recipe, .cause_kind = "user"});
  server.Commit();
  server.Finish(worker, server.port.Assigned().part(), Done::PASSED);
  server.runs.Start({.recipe = recipe, .cause_kind = "user"});
  server.Commit();
  EXPECT_TRUE(server.port.Assigned().snapshot().content().empty());
  wire_worker::Refused refused;
  *refused.mutable_part() = server.port.Assigned().part();
  refused.set_code(wire_worker::Refused::NEED_SNAPSHOT);
  server.runs.OnRefused(worker, refused);
  server.Commit();
  EXPECT_FALSE(server.port.Assigned().snapshot().content().empty());
}

TEST_F(RunBookTest, WithoutAWorkerItWaitsAndExpiresWithTheReason) {
  Server server(*this);
  const std::string id = server.runs.Start({.recipe = Make(), .cause_kind = "user"});
  server.Commit();
  EXPECT_EQ(Row(id).state, "queued");
  EXPECT_EQ(Row(id).reason, "no worker is attached");
  server.Pass(61 * kSecond);
  EXPECT_EQ(Row(id).state, "expired");
  EXPECT_EQ(Row(id).verdict, "unknown");
  const std::string second = server.runs.Start({.recipe = Make(), .cause_kind = "user"});
  server.Commit();
  server.Attach("w", 1);
  EXPECT_EQ(Row(second).state, "running") << "a worker came in time";
}

TEST_F(RunBookTest, AFailureIsTriedAgainAsOftenAsThePatrolSays) {
  Server server(*this);
  FleetWorker& worker = server.Attach("w", 7);
  const auto recipe = Make();
  recipe->retries = 1;
  const std::string id = server.runs.Start({.recipe = recipe, .cause_kind = "cron"});
  server.Commit();
  server.Finish(worker, server.port.Assigned().part(), Done::FAILED, "status was 500");
  EXPECT_EQ(Row(id).state, "running");
  EXPECT_EQ(server.port.Count(ToWorker::kAssign), 1) << "not before its pause is over";
  server.Pass(2 * kSecond);
  ASSERT_EQ(server.port.Count(ToWorker::kAssign), 2);
  EXPECT_EQ(server.port.Assigned().part().attempt(), 2u);
  server.Finish(worker, server.port.Assigned().part(), Done::FAILED, "status was 500");
  EXPECT_EQ(Row(id).state, "failed");
  EXPECT_EQ(Row(id).reason, "status was 500");
}

TEST_F(RunBookTest, ALostWorkersReadingPartIsDoneByAnotherAndSaysSo) {
  Server server(*this);
  server.Attach("a", 1);
  const std::string id = server.runs.Start({.recipe = Make("GET"), .cause_kind = "user"});
  server.Commit();
  FleetWorker& b = server.Attach("b", 2);
  server.fleet.Detach(1);
  server.Pass(16 * kSecond);
  ASSERT_EQ(server.port.Count(ToWorker::kAssign), 2);
  EXPECT_EQ(server.port.sent.back().first, 2u);
  EXPECT_EQ(server.port.Assigned().part().attempt(), 2u);
  server.Finish(b, server.port.Assigned().part(), Done::PASSED);
  EXPECT_EQ(Row(id).verdict, "passed");
  std::vector<store::AssignmentRow> parts;
  ASSERT_TRUE(database
                  ->Read([&](store::Transaction& t) -> base::Status {
                    ASSIGN_OR_RETURN(parts, store::AssignmentsOf(t, id));
                    return base::Ok();
                  })
                  .ok());
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0].state, "lost");
  EXPECT_NE(parts[0].reason.find("was not heard of"), std::string::npos);
}

// Nothing that writes is executed a second time silently.
TEST_F(RunBookTest, ALostWorkersWritingPartHaltsTheRunUntilSomebodyDecides) {
  Server server(*this);
  server.Attach("a", 1);
  const std::string id = server.runs.Start({.recipe = Make("POST"), .cause_kind = "user"});
  server.Commit();
  server.Attach("b", 2);
  server.fleet.Detach(1);
  server.Pass(16 * kSecond);
  EXPECT_EQ(Row(id).state, "halted");
  EXPECT_EQ(Nodes(id)[0].state, "uncertain");
  server.Pass(3600 * kSecond);
  EXPECT_EQ(server.port.Count(ToWorker::kAssign), 1);
  ASSERT_TRUE(server.runs.Decide(id, RunBook::Decision::kResume, "ann", "").ok());
  server.Commit();
  EXPECT_EQ(server.port.Count(ToWorker::kAssign), 2);
  EXPECT_EQ(Row(id).state, "running");
}

TEST_F(RunBookTest, AHaltedRunCanBeAbandoned) {
  Server server(*this);
  server.Attach("a", 1);
  const std::string id = server.runs.Start({.recipe = Make("POST"), .cause_kind = "user"});
  server.Commit();
  server.Pass(16 * kSecond);
  ASSERT_TRUE(server.runs.Decide(id, RunBook::Decision::kAbandon, "ann", "checked by hand").ok());
  server.Commit();
  EXPECT_EQ(Row(id).state, "abandoned");
  EXPECT_NE(Row(id).reason.find("checked by hand"), std::string::npos);
}

TEST_F(RunBookTest, AWorkerThatWasBelievedLostTellsWhatHappened) {
  Server server(*this);
  FleetWorker& worker = server.Attach("a", 1);
  const std::string id = server.runs.Start({.recipe = Make("POST"), .cause_kind = "user"});
  server.Commit();
  const auto part = server.port.Assigned().part();
  server.Pass(16 * kSecond);
  ASSERT_EQ(Row(id).state, "halted");
  server.Finish(worker, part, Done::PASSED);
  EXPECT_EQ(Row(id).state, "succeeded") << "it is not uncertain any more";
}

TEST_F(RunBookTest, AResultThatComesTwiceCountsOnce) {
  Server server(*this);
  FleetWorker& worker = server.Attach("w", 7);
  server.runs.Start({.recipe = Make(), .cause_kind = "user"});
  server.Commit();
  const auto part = server.port.Assigned().part();
  server.Finish(worker, part, Done::PASSED);
  server.Finish(worker, part, Done::FAILED);
  EXPECT_EQ(server.ended.size(), 1u);
  EXPECT_EQ(server.port.Count(ToWorker::kDoneAck), 2) << "or the worker would keep it for ever";
}

TEST_F(RunBookTest, AStopReachesTheWorkerAndTheRunIsAborted) {
  Server server(*this);
  FleetWorker& worker = server.Attach("w", 7);
  const std::string id = server.runs.Start({.recipe = Make(), .cause_kind = "user"});
  server.Commit();
  ASSERT_TRUE(server.runs.Stop(id, RunBook::How::kInterrupt, "ann said so").ok());
  server.Commit();
  EXPECT_EQ(server.port.Count(ToWorker::kStop), 1);
  EXPECT_EQ(Row(id).state, "stopping");
  server.Finish(worker, server.port.Assigned().part(), Done::INTERRUPTED);
  EXPECT_EQ(Row(id).state, "aborted");
  EXPECT_EQ(Row(id).reason, "ann said so");
  EXPECT_EQ(server.runs.Stop(id, RunBook::How::kDrain, "").code(), base::Code::kFailedPrecondition);
}

TEST_F(RunBookTest, AGateHoldsTheRunAndAnAnswerIsNeverLost) {
  Server server(*this);
  server.Attach("w", 7);
  const std::string id =
      server.runs.Start({.recipe = Make(), .cause_kind = "event", .confirm = true});
  server.Commit();
  EXPECT_EQ(Row(id).state, "gated");
  // The server dies; the next one knows the gate.
  Server next(*this);
  next.Attach("w", 8);
  ASSERT_EQ(next.runs.active().size(), 1u);
  const std::string gate = next.runs.active().begin()->second->gate;
  ASSERT_TRUE(next.runs.AnswerGate({.gate = gate, .who = "ann", .reason = {}}).ok());
  next.Commit();
  EXPECT_EQ(Row(id).state, "running");
  EXPECT_EQ(next.runs.AnswerGate({.gate = gate, .who = "bob", .reason = {}}).code(),
            base::Code::kFailedPrecondition);
}

TEST_F(RunBookTest, NoAtAGateEndsIt) {
  Server server(*this);
  server.Attach("w", 7);
  const std::string id =
      server.runs.Start({.recipe = Make(), .cause_kind = "event", .confirm = true});
  server.Commit();
  const std::string gate = server.runs.active().begin()->second->gate;
  ASSERT_TRUE(
      server.runs.AnswerGate({.gate = gate, .who = "ann", .reason = "not now", .accept = false})
          .ok());
  server.Commit();
  EXPECT_EQ(Row(id).state, "aborted");
  EXPECT_EQ(server.port.Count(ToWorker::kAssign), 0);
}

// ---- restarts: what the worker says decides

class RestartTest : public RunBookTest {
 protected:
  // A run that was sent to worker "w" when its server died.
  void Begin(const std::string& method) {
    Server server(*this);
    server.Attach("w", 7);
    id_ = server.runs.Start({.recipe = Make(method), .cause_kind = "user"});
    server.Commit();
    part_ = server.port.Assigned().part();
  }
  std::string id_;
  wire_worker::PartId part_;
};

TEST_F(RestartTest, AWorkerThatGoesOnIsNotDisturbed) {
  Begin("POST");
  Server next(*this);
  FleetWorker& worker = next.Attach("w", 1, {Held(part_, wire_worker::Holding::RUNNING)});
  EXPECT_EQ(next.port.Count(ToWorker::kAssign), 0);
  EXPECT_EQ(next.welcome.stop_size(), 0);
  next.Finish(worker, part_, Done::PASSED);
  EXPECT_EQ(Row(id_).state, "succeeded");
}

TEST_F(RestartTest, WhatNeverReachedTheWorkerIsSentAgain) {
  Begin("POST");
  Server next(*this);
  next.Attach("w", 1);
  ASSERT_EQ(next.port.Count(ToWorker::kAssign), 1);
  EXPECT_TRUE(SamePart(next.port.Assigned().part(), part_)) << "the same attempt: it never began";
  EXPECT_EQ(next.port.Assigned().part().epoch(), 2u);
  EXPECT_FALSE(next.port.Assigned().snapshot().content().empty());
}

TEST_F(RestartTest, WhatAWorkersEarlierLifeWasExecutingIsUncertain) {
  Begin("POST");
  Server next(*this);
  next.Attach("w", 1, {Held(part_, wire_worker::Holding::INTERRUPTED)});
  EXPECT_EQ(Row(id_).state, "halted");
  EXPECT_EQ(next.port.Count(ToWorker::kAssign), 0);
  EXPECT_EQ(next.welcome.forget_size(), 1);
}

TEST_F(RestartTest, AWorkerThatDoesNotComeBackIsLostAfterOneLease) {
  Begin("POST");
  Server next(*this);
  next.Pass(14 * kSecond);
  EXPECT_EQ(Row(id_).state, "running");
  next.Pass(2 * kSecond);
  EXPECT_EQ(Row(id_).state, "halted");
}

TEST_F(RestartTest, WhatTheServerDoesNotKnowIsStopped) {
  Server server(*this);
  wire_worker::PartId unknown;
  unknown.set_run_id("0123");
  server.Attach("w", 1, {Held(unknown, wire_worker::Holding::RUNNING)});
  EXPECT_EQ(server.welcome.stop_size(), 1);
}

TEST_F(RestartTest, NodesAreAsManyAsStepsHoweverOftenItIsLoaded) {
  Begin("GET");
  for (SessionId session = 2; session < 5; ++session) {
    Server next(*this);
    next.Attach("w", session);
    EXPECT_EQ(Nodes(id_).size(), 2u);
  }
}

// The server dies at every commit of a run's life; whatever was committed by then, the next one brings the
// run to its end, and the worker executes the part once.
TEST_F(RestartTest, ADeathAtAnyCommitNeitherLosesNorDoublesAnything) {
  const auto recipe = Make("POST");
  for (int survives = 0; survives < 4; ++survives) {
    SCOPED_TRACE(survives);
    std::string id;
    std::vector<wire_worker::Holding> held;
    int executed = 0;
    {
      Server server(*this);
      FleetWorker& worker = server.Attach("w", 1);
      int commits = 0;
      const auto commit = [&] {
        if (commits++ < survives) server.Commit();
      };
      id = server.runs.Start({.recipe = recipe, .cause_kind = "user"});
      commit();
      if (server.port.Count(ToWorker::kAssign) > 0) {
        ++executed;
        held = {Held(server.port.Assigned().part(), wire_worker::Holding::FINISHED)};
        Done done;
        *done.mutable_part() = server.port.Assigned().part();
        server.runs.OnDone(worker, done);
        commit();
        if (server.port.Count(ToWorker::kDoneAck) > 0) held.clear();
      }
    }
    const bool ordered = Row(id).id == id;
    EXPECT_EQ(ordered, survives > 0);
    if (!ordered) continue;
    Server next(*this);
    FleetWorker& worker = next.Attach("w", 2, held);
    executed += next.port.Count(ToWorker::kAssign);
    EXPECT_EQ(executed, 1);
    if (!next.runs.active().empty()) {
      Done done;
      *done.mutable_part() = held.empty() ? next.port.Assigned().part() : held[0].part();
      next.runs.OnDone(worker, done);
      next.Commit();
    }
    EXPECT_EQ(Row(id).state, "succeeded");
    EXPECT_TRUE(next.runs.active().empty());
    EXPECT_EQ(Nodes(id).size(), 2u);
  }
}

TEST_F(RunBookTest, ARoundGoesToEachZone) {
  Server server(*this);
  FleetWorker& a = server.Attach("a", 1, {}, "bj");
  const auto recipe = Make();
  recipe->workers.zones = {"bj", "sh"};
  const std::string id = server.runs.Start({.recipe = recipe, .cause_kind = "cron"});
  server.Commit();
  EXPECT_EQ(Row(id).state, "queued");
  EXPECT_EQ(Row(id).reason, "no worker is free in zone sh");
  FleetWorker& b = server.Attach("b", 2, {}, "sh");
  ASSERT_EQ(server.port.Count(ToWorker::kAssign), 2);
  wire_worker::PartId part = server.port.Assigned().part();
  part.set_ordinal(0);
  server.Finish(a, part, Done::PASSED);
  EXPECT_EQ(Row(id).state, "running");
  part.set_ordinal(1);
  server.Finish(b, part, Done::FAILED, "no route");
  EXPECT_EQ(Row(id).verdict, "failed");
  EXPECT_EQ(Nodes(id)[0].state, "failed") << "of several the worst";
}

}  // namespace
}  // namespace ronda::control
