#include "worker/journal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "disk/simulated_file_system.h"

namespace ronda::worker {
namespace {

using wire::worker::Done;
using wire::worker::PartId;

PartId PartOf(const std::string& run, std::uint32_t attempt = 1) {
  PartId id;
  id.set_run_id(run);
  id.set_attempt(attempt);
  id.set_epoch(3);
  return id;
}

Done DoneOf(const std::string& run) {
  Done done;
  *done.mutable_part() = PartOf(run);
  done.set_reason("because of " + run);
  return done;
}

std::vector<std::string> Interrupted(const Journal& journal) {
  std::vector<std::string> runs;
  for (const PartId& id : journal.interrupted()) runs.push_back(id.run_id());
  return runs;
}

std::vector<std::string> Finished(const Journal& journal) {
  std::vector<std::string> runs;
  for (const Done& done : journal.Finished()) runs.push_back(done.part().run_id());
  return runs;
}

using Runs = std::vector<std::string>;

TEST(Journal, ALaterLifeKnowsWhatWasExecutedAndWhatIsToBeTold) {
  disk::SimulatedFileSystem files;
  {
    const auto journal = *Journal::Open(files);
    ASSERT_TRUE(journal->Begin(std::vector{PartOf("a"), PartOf("b"), PartOf("c")}).ok());
    ASSERT_TRUE(journal->Finish(DoneOf("b")).ok());
    ASSERT_TRUE(journal->Finish(DoneOf("c")).ok());
    ASSERT_TRUE(journal->Forget(PartOf("c")).ok());
  }
  {
    const auto journal = *Journal::Open(files);
    EXPECT_EQ(Interrupted(*journal), Runs{"a"});
    EXPECT_EQ(Finished(*journal), Runs{"b"});
    EXPECT_EQ(journal->Finished()[0].reason(), "because of b");
    EXPECT_EQ(journal->interrupted()[0].epoch(), 3U);
    ASSERT_TRUE(journal->Forget(PartOf("a")).ok());
    ASSERT_TRUE(journal->Forget(PartOf("b")).ok());
  }
  const auto journal = *Journal::Open(files);
  EXPECT_TRUE(Interrupted(*journal).empty());
  EXPECT_TRUE(Finished(*journal).empty());
}

TEST(Journal, WhatIsTornAtTheEndIsLeftOutAndNothingElse) {
  disk::SimulatedFileSystem files;
  {
    const auto journal = *Journal::Open(files);
    ASSERT_TRUE(journal->Begin(std::vector{PartOf("a")}).ok());
    ASSERT_TRUE(journal->Begin(std::vector{PartOf("b")}).ok());
  }
  const auto names = *files.List();
  ASSERT_EQ(names.size(), 1U);
  const std::string whole = *disk::ReadWhole(files, names[0]);
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    disk::SimulatedFileSystem cut;
    ASSERT_TRUE(disk::WriteWhole(cut, names[0], whole.substr(0, size)).ok());
    const auto journal = Journal::Open(cut);
    ASSERT_TRUE(journal.ok());
    const Runs runs = Interrupted(**journal);
    const Runs wanted = size == whole.size()       ? Runs{"a", "b"}
                        : size >= whole.size() / 2 ? Runs{"a"}
                                                   : Runs{};
    EXPECT_EQ(runs, wanted) << size;
  }
}

TEST(Journal, ItDoesNotGrowForEver) {
  disk::SimulatedFileSystem files;
  const auto journal = *Journal::Open(files);
  Done done = DoneOf("a");
  done.set_result(std::string(1u << 20, 'x'));
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(journal->Begin(std::vector{PartOf("a")}).ok());
    ASSERT_TRUE(journal->Finish(done).ok());
    ASSERT_TRUE(journal->Forget(PartOf("a")).ok());
  }
  std::uint64_t bytes = 0;
  const auto names = *files.List();
  for (const std::string& name : names) bytes += (*files.Open(name))->size();
  EXPECT_LT(bytes, 12u << 20);
}

}  // namespace
}  // namespace ronda::worker
