#include "worker/worker.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "base/core/clock.h"
#include "model/load.h"
#include "stats/aggregator.h"
#include "stats/interval_codec.h"
#include "stats/shape_codec.h"
#include "wire/worker/hub.h"
#include "wire/worker/part.h"

// A whole worker against a server that is a Hub and a test that says what it likes.
namespace ronda::worker {
namespace {

using namespace wire::worker;

class Server : public HubEvents {
 public:
  explicit Server(std::uint16_t port = 0) {
    auto hub = Hub::Start({.port = port}, *this);
    EXPECT_TRUE(hub.ok()) << hub.status().ToString();
    hub_ = *std::move(hub);
  }
  ~Server() override { hub_->Stop(); }

  void OnAttach(Session session, const Peer&) override {
    const std::lock_guard lock(mutex_);
    session_ = session;
  }
  void OnMessage(Session session, FromWorker message) override {
    ToWorker answer;
    if (message.has_hello()) {
      answer.mutable_welcome()->set_epoch(epoch);
      answer.mutable_welcome()->set_lease_ns(lease_ns);
      answer.mutable_welcome()->set_heartbeat_ns(10'000'000);
      answer.mutable_welcome()->set_wall_ns(base::RealClock().WallNs());
      hub_->Send(session, std::move(answer));
    } else if (message.has_heartbeat() && answers_) {
      answer.mutable_lease()->set_number(message.heartbeat().number());
      answer.mutable_lease()->set_wall_ns(base::RealClock().WallNs());
      hub_->Send(session, std::move(answer));
    }
    const std::lock_guard lock(mutex_);
    messages_.push_back(std::move(message));
    changed_.notify_all();
  }
  void OnDetach(Session, const base::Status&) override {}

  void Send(ToWorker message) {
    Session session = 0;
    {
      const std::lock_guard lock(mutex_);
      session = session_;
    }
    EXPECT_TRUE(hub_->Send(session, std::move(message)));
  }
  void Answer(bool answers) { answers_ = answers; }
  [[nodiscard]] std::uint16_t port() const { return hub_->port(); }

  // The next message for which `wanted` holds, from where the last Await ended.
  template <typename Wanted>
  FromWorker Await(Wanted&& wanted) {
    std::unique_lock lock(mutex_);
    FromWorker found;
    const bool came = changed_.wait_for(lock, std::chrono::seconds(60), [&] {
      for (; next_ < messages_.size(); ++next_) {
        if (!wanted(messages_[next_])) continue;
        found = messages_[next_++];
        return true;
      }
      return false;
    });
    EXPECT_TRUE(came) << "the message never came";
    return found;
  }
  Hello AwaitHello() {
    return Await([](const FromWorker& m) { return m.has_hello(); }).hello();
  }
  Done AwaitDone() {
    const FromWorker message =
        Await([](const FromWorker& m) { return m.has_done() || m.has_refused(); });
    EXPECT_FALSE(message.has_refused()) << message.refused().message();
    return message.done();
  }
  Refused AwaitRefused() {
    return Await([](const FromWorker& m) { return m.has_refused(); }).refused();
  }
  void AwaitStarted() {
    (void)Await([](const FromWorker& m) { return m.has_started(); });
  }
  // How many of all messages are such.
  template <typename Wanted>
  std::size_t Count(Wanted&& wanted) {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::ranges::count_if(messages_, wanted));
  }

  std::uint64_t epoch = 1;
  std::uint64_t lease_ns = 60'000'000'000;

 private:
  std::unique_ptr<Hub> hub_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Session session_ = 0;
  std::vector<FromWorker> messages_;
  std::size_t next_ = 0;
  std::atomic<bool> answers_{true};
};

class WorkerTest : public testing::Test {
 protected:
  WorkerTest() {
    char name[] = "/tmp/ronda_worker_test_XXXXXX";
    folder_ = mkdtemp(name);
  }
  ~WorkerTest() override {
    worker_.reset();
    std::filesystem::remove_all(folder_);
  }

  void StartWorker(const Server& server, std::uint32_t capacity = 100) {
    WorkerOptions options;
    options.folder = folder_;
    options.link.urls = {"http://127.0.0.1:" + std::to_string(server.port())};
    options.link.shortest_pause = std::chrono::milliseconds(1);
    options.link.longest_pause = std::chrono::milliseconds(20);
    options.capacity = capacity;
    options.zone = "bj";
    auto worker = Worker::Start(std::move(options), log_);
    ASSERT_TRUE(worker.ok()) << worker.status().ToString();
    worker_ = *std::move(worker);
  }

  static PartId Id(const std::string& run, std::uint32_t attempt = 1, std::uint64_t epoch = 1) {
    PartId id;
    id.set_run_id(run);
    id.set_attempt(attempt);
    id.set_epoch(epoch);
    return id;
  }
  static ToWorker AssignOf(const PartId& id, const std::string& yaml,
                           const std::string& kind = "Scenario") {
    ToWorker message;
    Assign& assign = *message.mutable_assign();
    *assign.mutable_part() = id;
    assign.mutable_snapshot()->set_digest(model::DigestOfText(yaml));
    assign.mutable_snapshot()->set_content(yaml);
    assign.set_kind(kind);
    assign.set_name("it");
    assign.set_mark("mark-1");
    return message;
  }
  static ToWorker Ack(const PartId& id) {
    ToWorker message;
    *message.mutable_done_ack()->mutable_part() = id;
    return message;
  }

  base::Log log_{base::LogLevel::kError};
  std::string folder_;
  std::unique_ptr<Worker> worker_;
};

constexpr const char* kGood = R"(
kind: Scenario
name: it
params: {n: {type: int, default: 1}}
steps:
- {id: one, action: assert, with: {that: "params.n == 1"}}
- {id: two, when: "params.n == 2", action: log, with: {message: x}}
)";
constexpr const char* kLong = R"(
kind: Scenario
name: it
steps: [{id: rest, action: wait, with: {for: 1h}}]
)";

TEST_F(WorkerTest, ACheckIsExecutedAndTellsItsSteps) {
  Server server;
  StartWorker(server);
  EXPECT_EQ(server.AwaitHello().zone(), "bj");
  server.Send(AssignOf(Id("a"), kGood));
  const Done done = server.AwaitDone();
  EXPECT_EQ(done.outcome(), Done::PASSED) << done.reason();
  ASSERT_EQ(done.steps_size(), 2);
  EXPECT_EQ(done.steps(0).path(), "one");
  EXPECT_EQ(done.steps(0).state(), StepResult::SUCCEEDED);
  EXPECT_EQ(done.steps(0).attempts(), 1U);
  EXPECT_EQ(done.steps(1).state(), StepResult::SKIPPED);
  EXPECT_GE(done.end_wall_ns(), done.start_wall_ns());
}

TEST_F(WorkerTest, AFailureIsToldWithItsEvidenceAndWithoutSecrets) {
  Server server;
  StartWorker(server);
  (void)server.AwaitHello();
  ToWorker message = AssignOf(Id("a"), R"(
kind: Scenario
name: it
steps:
- id: call
  action: http.request
  with: {method: POST, url: "http://127.0.0.1:1/x", bearer: "${secrets.token}", body: "${secrets.token} ${run.mark} 0123456789"}
---
kind: Environment
name: test
secrets: {token: {env: NOWHERE}}
)");
  Assign& assign = *message.mutable_assign();
  assign.set_environment("test");
  (*assign.mutable_secrets())["token"] = "hush-hush";
  assign.set_body_bytes(8);
  server.Send(std::move(message));
  const FromWorker answer =
      server.Await([](const FromWorker& m) { return m.has_done() || m.has_refused(); });
  ASSERT_TRUE(answer.has_done()) << answer.refused().message();
  const Done& done = answer.done();
  EXPECT_EQ(done.outcome(), Done::FAILED);
  ASSERT_EQ(done.steps_size(), 1);
  const StepResult& step = done.steps(0);
  EXPECT_EQ(step.state(), StepResult::FAILED);
  EXPECT_FALSE(step.error().empty());
  EXPECT_EQ(step.evidence().request_line(), "POST http://127.0.0.1:1/x");
  EXPECT_LE(step.evidence().request_body().size(), 8U);
  EXPECT_TRUE(step.evidence().request_cut());
  EXPECT_EQ(done.SerializeAsString().find("hush"), std::string::npos);
}

TEST_F(WorkerTest, EvidenceIsKeptAsThePolicySays) {
  Server server;
  StartWorker(server);
  (void)server.AwaitHello();
  ToWorker message = AssignOf(Id("a"), R"(
kind: Scenario
name: it
steps: [{id: call, action: http.request, with: {url: "http://127.0.0.1:1/"}}]
)");
  message.mutable_assign()->set_keep(Assign::NOTHING);
  server.Send(std::move(message));
  const Done done = server.AwaitDone();
  EXPECT_EQ(done.outcome(), Done::FAILED);
  EXPECT_FALSE(done.steps(0).has_evidence());
}

TEST_F(WorkerTest, WhatDoesNotCompileIsRefusedWithItsPlace) {
  Server server;
  StartWorker(server);
  (void)server.AwaitHello();
  server.Send(AssignOf(Id("a"), "kind: Scenario\nname: it\nsteps: [{id: x, action: lgo}]\n"));
  const Refused refused = server.AwaitRefused();
  EXPECT_EQ(refused.code(), Refused::BAD_DEFINITION);
  EXPECT_NE(refused.message().find("lgo"), std::string::npos) << refused.message();
}

TEST_F(WorkerTest, ASnapshotIsAskedForOnceAndThenKept) {
  Server server;
  StartWorker(server);
  (void)server.AwaitHello();
  ToWorker without = AssignOf(Id("a"), kGood);
  without.mutable_assign()->mutable_snapshot()->clear_content();
  server.Send(without);
  EXPECT_EQ(server.AwaitRefused().code(), Refused::NEED_SNAPSHOT);
  server.Send(AssignOf(Id("a"), kGood));
  EXPECT_EQ(server.AwaitDone().outcome(), Done::PASSED);
  *without.mutable_assign()->mutable_part() = Id("b");
  server.Send(without);
  EXPECT_EQ(server.AwaitDone().outcome(), Done::PASSED);
  ToWorker forged = AssignOf(Id("c"), kGood);
  forged.mutable_assign()->mutable_snapshot()->set_digest("sha256:0");
  server.Send(forged);
  EXPECT_EQ(server.AwaitRefused().code(), Refused::BAD_DEFINITION);
}

TEST_F(WorkerTest, ParamsAndMarkAreOfTheAssignment) {
  Server server;
  StartWorker(server);
  (void)server.AwaitHello();
  for (const char* mark : {"m1", "m2"}) {
    ToWorker message = AssignOf(Id(mark), R"(
kind: Scenario
name: it
params: {n: {type: string, default: none}}
steps: [{id: say, action: log, with: {message: "${params.n} ${run.mark} ${run.id}"}}]
)");
    message.mutable_assign()->set_mark(mark);
    (*message.mutable_assign()->mutable_set())["params.n"] = "given";
    server.Send(message);
    const FromWorker line = server.Await([](const FromWorker& m) { return m.has_log(); });
    EXPECT_EQ(line.log().text(), "say: given " + std::string(mark) + " " + mark);
    (void)server.AwaitDone();
  }
}

TEST_F(WorkerTest, ASlowCheckHoldsNoOther) {
  Server server;
  StartWorker(server);
  (void)server.AwaitHello();
  for (int i = 0; i < 20; ++i) server.Send(AssignOf(Id("slow" + std::to_string(i)), kLong));
  for (int i = 0; i < 20; ++i) server.AwaitStarted();
  for (int i = 0; i < 20; ++i) server.Send(AssignOf(Id("quick" + std::to_string(i)), kGood));
  std::set<std::string> done;
  for (int i = 0; i < 20; ++i) done.insert(server.AwaitDone().part().run_id());
  EXPECT_EQ(done.size(), 20U);
  EXPECT_EQ(done.count("slow0"), 0U);
}

TEST_F(WorkerTest, ItsCapacityIsKept) {
  Server server;
  StartWorker(server, 1);
  (void)server.AwaitHello();
  server.Send(AssignOf(Id("a"), kLong));
  server.AwaitStarted();
  server.Send(AssignOf(Id("b"), kGood));
  EXPECT_EQ(server.AwaitRefused().code(), Refused::BUSY);
}

TEST_F(WorkerTest, ADuplicateIsExecutedOnce) {
  Server server;
  StartWorker(server);
  (void)server.AwaitHello();
  ToWorker assign = AssignOf(Id("a"), R"(
kind: Scenario
name: it
steps: [{id: say, action: log, with: {message: once}}]
)");
  for (int i = 0; i < 3; ++i) server.Send(assign);
  (void)server.AwaitDone();
  server.Send(assign);  // it has ended: the result is told again
  (void)server.AwaitDone();
  EXPECT_EQ(server.Count([](const FromWorker& m) { return m.has_log(); }), 1U);
  EXPECT_EQ(server.Count([](const FromWorker& m) { return m.has_refused(); }), 0U);
}

TEST_F(WorkerTest, AnOlderEpochAndAnOlderAttemptAreRefused) {
  Server server;
  server.epoch = 5;
  StartWorker(server);
  (void)server.AwaitHello();
  server.Send(AssignOf(Id("a", 1, 4), kGood));
  EXPECT_EQ(server.AwaitRefused().code(), Refused::STALE);
  server.Send(AssignOf(Id("a", 2, 5), kLong));
  server.AwaitStarted();
  server.Send(AssignOf(Id("a", 1, 5), kGood));
  EXPECT_EQ(server.AwaitRefused().code(), Refused::STALE);
  // A later attempt takes the place of what runs.
  server.Send(AssignOf(Id("a", 3, 5), kGood));
  const Done old = server.AwaitDone();
  const Done next = server.AwaitDone();
  EXPECT_EQ(old.part().attempt() + next.part().attempt(), 5U);
}

TEST_F(WorkerTest, StopInterruptsAndTellsWhy) {
  Server server;
  StartWorker(server);
  (void)server.AwaitHello();
  server.Send(AssignOf(Id("a"), kLong));
  server.AwaitStarted();
  ToWorker stop;
  *stop.mutable_stop()->mutable_part() = Id("a");
  stop.mutable_stop()->set_how(Stop::INTERRUPT);
  stop.mutable_stop()->set_reason("asked by ann");
  server.Send(stop);
  const Done done = server.AwaitDone();
  EXPECT_EQ(done.outcome(), Done::INTERRUPTED);
  EXPECT_EQ(done.reason(), "asked by ann");
  EXPECT_EQ(done.steps(0).state(), StepResult::CANCELLED);
}

TEST_F(WorkerTest, ItsTimeoutFailsACheck) {
  Server server;
  StartWorker(server);
  (void)server.AwaitHello();
  ToWorker message = AssignOf(Id("a"), kLong);
  message.mutable_assign()->set_timeout_ns(1'000'000);
  server.Send(message);
  EXPECT_EQ(server.AwaitDone().outcome(), Done::FAILED);
}

TEST_F(WorkerTest, ADoneIsToldAgainUntilItIsAcknowledged) {
  auto server = std::make_unique<Server>();
  const std::uint16_t port = server->port();
  StartWorker(*server);
  (void)server->AwaitHello();
  server->Send(AssignOf(Id("a"), kGood));
  (void)server->AwaitDone();
  server.reset();
  server = std::make_unique<Server>(port);
  const Hello hello = server->AwaitHello();
  ASSERT_EQ(hello.holding_size(), 1);
  EXPECT_EQ(hello.holding(0).state(), Holding::FINISHED);
  EXPECT_EQ(server->AwaitDone().part().run_id(), "a");
  server->Send(Ack(Id("a")));
  server->Send(AssignOf(Id("b"), kGood));  // the ack was handled before this
  EXPECT_EQ(server->AwaitDone().part().run_id(), "b");
  server->Send(Ack(Id("b")));
  server->Send(AssignOf(Id("c"), kLong));
  server->AwaitStarted();
  server.reset();
  server = std::make_unique<Server>(port);
  const Hello again = server->AwaitHello();
  ASSERT_EQ(again.holding_size(), 1);
  EXPECT_EQ(again.holding(0).part().run_id(), "c");
  EXPECT_EQ(again.holding(0).state(), Holding::RUNNING);
}

TEST_F(WorkerTest, ALaterLifeTellsWhatItsEarlierOneLeft) {
  Server server;
  StartWorker(server);
  const std::string id = server.AwaitHello().worker_id();
  server.Send(AssignOf(Id("a"), kGood));
  (void)server.AwaitDone();
  server.Send(AssignOf(Id("b"), kLong));
  server.AwaitStarted();
  worker_.reset();  // as if it were killed: nothing is told
  StartWorker(server);
  const Hello hello = server.AwaitHello();
  EXPECT_EQ(hello.worker_id(), id);
  ASSERT_EQ(hello.holding_size(), 2);
  EXPECT_EQ(hello.holding(0).part().run_id(), "a");
  EXPECT_EQ(hello.holding(0).state(), Holding::FINISHED);
  EXPECT_EQ(hello.holding(1).part().run_id(), "b");
  EXPECT_EQ(hello.holding(1).state(), Holding::INTERRUPTED);
  EXPECT_EQ(server.AwaitDone().part().run_id(), "a");
  server.Send(AssignOf(Id("b"), kLong));
  EXPECT_EQ(server.AwaitRefused().code(), Refused::OTHER);
  EXPECT_EQ(server.Count([](const FromWorker& m) { return m.has_started(); }), 2U);
}

TEST_F(WorkerTest, WhenTheLeaseEndsEverythingIsInterrupted) {
  Server server;
  server.lease_ns = 300'000'000;
  StartWorker(server);
  (void)server.AwaitHello();
  server.Send(AssignOf(Id("a"), kLong));
  server.AwaitStarted();
  server.Answer(false);
  server.lease_ns = 60'000'000'000;
  const Done done = server.AwaitDone();  // told after it has attached again
  EXPECT_EQ(done.outcome(), Done::LEASE_LOST);
}

TEST_F(WorkerTest, DrainLetsChecksEndAndTellsThem) {
  Server server;
  StartWorker(server);
  (void)server.AwaitHello();
  server.Send(AssignOf(Id("a"), R"(
kind: Scenario
name: it
steps: [{id: rest, action: wait, with: {for: 50ms}}]
)"));
  server.AwaitStarted();
  std::thread acks([&] { server.Send(Ack(server.AwaitDone().part())); });
  worker_->Drain(60'000'000'000);
  acks.join();
  EXPECT_EQ(server.Count([](const FromWorker& m) {
    return m.has_done() && m.done().outcome() == Done::PASSED;
  }),
            1U);
}

TEST_F(WorkerTest, TwoWorkersDoNotShareAFolder) {
  Server server;
  StartWorker(server);
  WorkerOptions options;
  options.folder = folder_;
  options.link.urls = {"http://127.0.0.1:1"};
  EXPECT_EQ(Worker::Start(options, log_).status().code(), base::Code::kFailedPrecondition);
}

constexpr const char* kDrill = R"(
kind: Drill
name: it
mix: [{scenario: s, weight: 1}]
load: {executor: shared-iterations, vus: 4, iterations: 400}
---
kind: Scenario
name: s
steps: [{id: say, action: assert, with: {that: "1 == 1"}}]
)";

TEST_F(WorkerTest, ALoadsSamplesAreExactlyItsShare) {
  Server server;
  StartWorker(server);
  (void)server.AwaitHello();
  std::uint64_t iterations = 0;
  for (std::uint32_t share = 0; share < 2; ++share) {
    ToWorker message = AssignOf(Id("load" + std::to_string(share)), kDrill, "Drill");
    Assign& assign = *message.mutable_assign();
    assign.set_mode(Assign::LOAD);
    assign.set_barrier(true);
    assign.set_share_index(share);
    assign.set_share_count(2);
    server.Send(message);
    const FromWorker ready =
        server.Await([](const FromWorker& m) { return m.has_ready() || m.has_refused(); });
    ASSERT_TRUE(ready.has_ready()) << ready.refused().message();
    const auto shape = stats::DecodeShape(ready.ready().shape());
    ASSERT_TRUE(shape.ok());
    stats::Aggregator all(*shape, {});
    std::map<std::uint32_t, std::size_t> sources;
    ToWorker start;
    *start.mutable_start_at()->mutable_part() = assign.part();
    start.mutable_start_at()->set_wall_ns(base::RealClock().WallNs());
    server.Send(start);
    std::uint64_t last = 0;
    for (;;) {
      const FromWorker m = server.Await(
          [](const FromWorker& each) { return each.has_samples() || each.has_done(); });
      if (m.has_done()) {
        EXPECT_EQ(m.done().outcome(), Done::PASSED) << m.done().reason();
        EXPECT_EQ(m.done().last_sequence(), last);
        EXPECT_NE(m.done().result().find("\"end\":\"done\""), std::string::npos);
        break;
      }
      EXPECT_EQ(m.samples().sequence(), ++last);
      const auto interval = stats::DecodeInterval(m.samples().interval(), *shape);
      ASSERT_TRUE(interval.ok());
      const std::uint32_t source = m.samples().source();
      if (!sources.contains(source)) sources[source] = all.AddRemote();
      all.Add(sources[source], **interval);
    }
    EXPECT_EQ(all.totals().Iterations(), 200U);
    iterations += all.totals().Iterations();
  }
  EXPECT_EQ(iterations, 400U);
}

TEST_F(WorkerTest, SamplesAreToldAgainUntilTheyAreAcknowledged) {
  auto server = std::make_unique<Server>();
  const std::uint16_t port = server->port();
  StartWorker(*server);
  (void)server->AwaitHello();
  ToWorker message = AssignOf(Id("a"), kDrill, "Drill");
  message.mutable_assign()->set_mode(Assign::LOAD);
  server->Send(message);
  const Done done = server->AwaitDone();
  ASSERT_GT(done.last_sequence(), 0U);
  server.reset();
  server = std::make_unique<Server>(port);
  const FromWorker first =
      server->Await([](const FromWorker& m) { return m.has_samples() || m.has_done(); });
  ASSERT_TRUE(first.has_samples()) << "samples before the Done that counts them";
  EXPECT_EQ(first.samples().sequence(), 1U);
  EXPECT_EQ(server->AwaitDone().last_sequence(), done.last_sequence());
}

TEST_F(WorkerTest, ALoadTakesCommandsAndStops) {
  Server server;
  StartWorker(server);
  (void)server.AwaitHello();
  ToWorker message = AssignOf(Id("a"), R"(
kind: Drill
name: it
mix: [{scenario: s, weight: 1}]
load: {executor: constant-vus, vus: 2, duration: 1h}
---
kind: Scenario
name: s
steps: [{id: rest, action: wait, with: {for: 1ms}}]
)",
                              "Drill");
  message.mutable_assign()->set_mode(Assign::LOAD);
  server.Send(message);
  server.AwaitStarted();
  (void)server.Await([](const FromWorker& m) { return m.has_samples(); });
  ToWorker command;
  command.mutable_command()->set_id(7);
  *command.mutable_command()->mutable_part() = Id("a");
  command.mutable_command()->set_text("pause");
  server.Send(command);
  const FromWorker result =
      server.Await([](const FromWorker& m) { return m.has_command_result(); });
  EXPECT_EQ(result.command_result().command_id(), 7U);
  EXPECT_NE(result.command_result().text().find("\"state\":\"paused\""), std::string::npos)
      << result.command_result().text();
  ToWorker stop;
  *stop.mutable_stop()->mutable_part() = Id("a");
  stop.mutable_stop()->set_reason("enough");
  server.Send(stop);
  const Done done = server.AwaitDone();
  EXPECT_EQ(done.outcome(), Done::STOPPED);
  EXPECT_EQ(done.reason(), "enough");
}

}  // namespace
}  // namespace ronda::worker
