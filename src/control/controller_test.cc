#include "control/controller.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "control/control_test_util.h"

namespace ronda::control {
namespace {

using wire::worker::Done;
using wire::worker::ToWorker;

// A worker that does at once what it is told, from the port's side.
class ObedientWorker : public WorkerPort {
 public:
  explicit ObedientWorker(std::string id) : id_(std::move(id)) {}
  void AttachTo(Controller& controller) {
    controller_ = &controller;
    wire_worker::FromWorker hello;
    hello.mutable_hello()->set_worker_id(id_);
    hello.mutable_hello()->mutable_capacity()->set_parts(10);
    controller.OnWorkerMessage(1, hello);
  }
  void Send(SessionId session, const ToWorker& message) override {
    if (message.has_not_leader()) refused = true;
    if (!message.has_assign()) return;
    ++assigned;
    wire_worker::FromWorker answer;
    *answer.mutable_done()->mutable_part() = message.assign().part();
    answer.mutable_done()->set_outcome(Done::PASSED);
    controller_->OnWorkerMessage(session, answer);
  }
  void Close(SessionId) override {}
  std::atomic<int> assigned{0};
  std::atomic<bool> refused{false};

 private:
  const std::string id_;
  Controller* controller_ = nullptr;
};

// Waits until an event of that type holds the text.
class Watch {
 public:
  explicit Watch(EventBus& bus) : bus_(bus) {
    handle_ = bus.Subscribe(0, [this](const Event& event) {
      const std::lock_guard lock(mutex_);
      events_.push_back(event);
      came_.notify_all();
    });
  }
  ~Watch() { bus_.Unsubscribe(handle_); }
  [[nodiscard]] bool Await(const std::string& type, const std::string& text) {
    std::unique_lock lock(mutex_);
    return came_.wait_for(lock, std::chrono::seconds(60), [&] {
      return std::ranges::any_of(events_, [&](const Event& event) {
        return event.type == type && event.json.find(text) != std::string::npos;
      });
    });
  }

 private:
  EventBus& bus_;
  std::uint64_t handle_ = 0;
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<Event> events_;
};

class ControllerTest : public testing::Test, public ControlFixture {
 protected:
  Controller::Parts Parts() {
    return {.database = &*database,
            .library = &library,
            .events = &events,
            .clock = &real,
            .log = &log,
            .secrets = {}};
  }
  // Waits until it leads.
  static void AwaitLead(Controller& controller) {
    while (!controller.standing().leading) std::this_thread::yield();
  }

  base::RealClock real;
  base::Log log{base::LogLevel::kError};
  EventBus events;
};

TEST_F(ControllerTest, APatrolIsWalkedOnItsScheduleAndItsPathStands) {
  ObedientWorker worker("w");
  Controller controller({.server_id = "s", .address = "http://s"}, Parts());
  controller.set_port(&worker);
  Watch watch(events);
  controller.Start();
  AwaitLead(controller);
  worker.AttachTo(controller);
  Apply(
      "kind: Scenario\nname: s\nsteps: [{id: w, action: wait, with: {for: 1ms}}]\n---\n"
      "kind: Patrol\nname: p\nscenario: s\ntriggers: [{every: 1s}]\n");
  controller.OnDefinitions();
  ASSERT_TRUE(watch.Await("patrol", R"("state":"passing")"));
  ASSERT_TRUE(watch.Await("run", R"("state":"succeeded")"));
  controller.Stop();
  std::vector<store::PatrolStateRow> paths;
  ASSERT_TRUE(database
                  ->Read([&](store::Transaction& t) -> base::Status {
                    ASSIGN_OR_RETURN(paths, store::PatrolStates(t));
                    return base::Ok();
                  })
                  .ok());
  ASSERT_EQ(paths.size(), 1u);
  EXPECT_EQ(paths[0].scenario, "s");
  EXPECT_GE(worker.assigned, 1);
}

TEST_F(ControllerTest, AnEventStartsThePatrolsWhoseConditionItMeets) {
  ObedientWorker worker("w");
  Controller controller({.server_id = "s", .address = {}}, Parts());
  controller.set_port(&worker);
  Watch watch(events);
  Apply(
      "kind: Scenario\nname: s\nsteps: [{id: w, action: wait, with: {for: 1ms}}]\n---\n"
      "kind: Patrol\nname: order\nscenario: s\n"
      "triggers: [{event: release.finished, where: \"service == 'order'\"}]\n---\n"
      "kind: Patrol\nname: cart\nscenario: s\n"
      "triggers: [{event: release.finished, where: \"service == 'cart'\"}]\n");
  controller.Start();
  AwaitLead(controller);
  worker.AttachTo(controller);
  // Both are there once they can be started by hand.
  for (const char* name : {"order", "cart"}) {
    for (;;) {
      const auto found = controller.Ask<bool>([&](Controller::Turn& turn) -> base::Result<bool> {
        return turn.planner.Find(name) != nullptr;
      });
      ASSERT_TRUE(found.ok()) << found.status().ToString();
      if (*found) break;
    }
  }
  ASSERT_TRUE(database
                  ->Write([&](store::Transaction& t) {
                    return store::InsertEvent(t, {.dedup = "r1",
                                                  .type = "release.finished",
                                                  .payload = R"({"service": "order"})",
                                                  .received_ns = 1})
                        .status();
                  })
                  .ok());
  controller.OnEvents();
  ASSERT_TRUE(watch.Await("run", R"("name":"order")"));
  controller.Stop();
  EXPECT_EQ(worker.assigned, 1) << "cart's condition is not met";
}

TEST_F(ControllerTest, OneOfTwoServersLeadsAndTheOtherTakesOverWhenItStops) {
  ObedientWorker worker("w"), other("w");
  Controller first({.server_id = "a", .address = "http://a"}, Parts());
  Controller second({.server_id = "b", .address = "http://b"}, Parts());
  first.set_port(&worker);
  second.set_port(&other);
  first.Start();
  AwaitLead(first);
  second.Start();
  const auto asked = [&](Controller& controller) {
    return controller.Ask<int>([](Controller::Turn&) -> base::Result<int> { return 1; });
  };
  EXPECT_TRUE(asked(first).ok());
  for (;;) {
    const auto refused = asked(second);
    ASSERT_EQ(refused.status().code(), base::Code::kUnavailable);
    if (refused.status().message().find("http://a") != std::string::npos) break;
  }
  other.AttachTo(second);
  while (!other.refused) std::this_thread::yield();
  first.Stop();
  AwaitLead(second);
  EXPECT_TRUE(asked(second).ok());
  second.Stop();
}

}  // namespace
}  // namespace ronda::control
