#include "control/run_state.h"

#include <gtest/gtest.h>

namespace ronda::control {
namespace {

TEST(RunState, NamesReadBack) {
  for (int i = 0; i < kRunStates; ++i) {
    const auto state = static_cast<RunState>(i);
    EXPECT_EQ(RunStateOf(NameOf(state)), state);
  }
  for (int i = 0; i < kNodeStates; ++i) {
    const auto state = static_cast<NodeState>(i);
    EXPECT_EQ(NodeStateOf(NameOf(state)), state);
  }
  for (int i = 0; i < kPartStates; ++i) {
    const auto state = static_cast<PartState>(i);
    EXPECT_EQ(PartStateOf(NameOf(state)), state);
  }
  EXPECT_EQ(RunStateOf("done"), std::nullopt);
}

TEST(RunState, AFinalStateIsNeverLeft) {
  for (int from = 0; from < kRunStates; ++from) {
    for (int to = 0; to < kRunStates; ++to) {
      const auto state = static_cast<RunState>(from);
      if (IsFinal(state)) {
        EXPECT_FALSE(MayFollow(state, static_cast<RunState>(to))) << NameOf(state);
      }
    }
  }
}

TEST(RunState, EveryStateThatIsNotFinalLeadsToAnEnd) {
  for (int from = 0; from < kRunStates; ++from) {
    if (IsFinal(static_cast<RunState>(from))) continue;
    // Walk over what can be reached.
    unsigned reached = 1u << from;
    for (int turn = 0; turn < kRunStates; ++turn) {
      for (int a = 0; a < kRunStates; ++a) {
        for (int b = 0; b < kRunStates; ++b) {
          if ((reached >> a & 1) != 0 &&
              MayFollow(static_cast<RunState>(a), static_cast<RunState>(b)))
            reached |= 1u << b;
        }
      }
    }
    EXPECT_NE(reached >> static_cast<int>(RunState::kSucceeded), 0u)
        << NameOf(static_cast<RunState>(from));
  }
}

TEST(RunState, WhatIsUnprovedIsNeverRunAgainByItself) {
  EXPECT_FALSE(MayFollow(RunState::kHalted, RunState::kQueued));
  EXPECT_FALSE(MayFollow(RunState::kHalted, RunState::kSucceeded));
  EXPECT_FALSE(MayFollow(NodeState::kUncertain, NodeState::kSkipped));
}

}  // namespace
}  // namespace ronda::control
