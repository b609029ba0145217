#include "wire/worker/part.h"

#include <gtest/gtest.h>

namespace ronda::wire::worker {
namespace {

PartId Part(const std::string& run, unsigned ordinal, unsigned attempt, unsigned epoch) {
  PartId part;
  part.set_run_id(run);
  part.set_ordinal(ordinal);
  part.set_attempt(attempt);
  part.set_epoch(epoch);
  return part;
}

TEST(Part, IsTheSameWhoeverLeads) {
  EXPECT_TRUE(SamePart(Part("r", 1, 2, 3), Part("r", 1, 2, 4)));
  EXPECT_FALSE(SamePart(Part("r", 1, 2, 3), Part("r", 1, 1, 3)));
  EXPECT_FALSE(SamePart(Part("r", 1, 2, 3), Part("s", 1, 2, 3)));
  EXPECT_EQ(KeyOf(Part("r", 1, 2, 3)), "r/1.2");
}

TEST(Messages, ReadBack) {
  FromWorker message;
  *message.mutable_done()->mutable_part() = Part("r", 1, 2, 3);
  message.mutable_done()->set_outcome(Done::LEASE_LOST);
  FromWorker again;
  ASSERT_TRUE(again.ParseFromString(message.SerializeAsString()));
  EXPECT_EQ(again.done().outcome(), Done::LEASE_LOST);
  EXPECT_TRUE(SamePart(again.done().part(), message.done().part()));
}

}  // namespace
}  // namespace ronda::wire::worker
