#include "trace/segment/wal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "disk/simulated_file_system.h"
#include "trace/segment/compression.h"

namespace ronda::trace::segment {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class WalTest : public ::testing::Test {
 protected:
  // Three records, numbers 10 to 12.
  void SetUp() override {
    auto wal = WalWriter::Create(files_, "wal", 10);
    ASSERT_TRUE(wal.ok());
    for (const char* body : {"one", "two", "three"}) {
      ends_.push_back((*wal)->uncommitted_bytes());
      (*wal)->Append(
          {.received_ns = 7, .encoding = BodyEncoding::kGzip, .raw_size = 99, .body = body});
    }
    ASSERT_TRUE((*wal)->Commit().ok());
    bytes_ = *files_.Bytes("wal");
  }

  std::vector<std::string> Read(const std::string& bytes) {
    std::vector<std::string> bodies;
    const base::Status status = ReadWal(bytes, damage_, [&](std::uint64_t n, const WalRecord& r) {
      bodies.push_back(std::to_string(n) + ":" + std::string(r.body));
      EXPECT_EQ(r.received_ns, 7u);
      EXPECT_EQ(r.encoding, BodyEncoding::kGzip);
      EXPECT_EQ(r.raw_size, 99u);
      return base::Ok();
    });
    EXPECT_TRUE(status.ok()) << status.ToString();
    return bodies;
  }

  disk::SimulatedFileSystem files_;
  std::string bytes_;
  std::vector<std::size_t> ends_;  // of the header, the first and the second record
  WalDamage damage_;
};

TEST_F(WalTest, WhatWasCommittedIsRead) {
  EXPECT_THAT(Read(bytes_), ElementsAre("10:one", "11:two", "12:three"));
  EXPECT_EQ(damage_.torn_bytes + damage_.damaged_bytes + damage_.lost_records, 0u);
  EXPECT_EQ(*FirstOfWal(bytes_), 10u);
}

TEST_F(WalTest, ANoteComesBackWithItsRecord) {
  auto wal = WalWriter::Create(files_, "noted", 1);
  ASSERT_TRUE(wal.ok());
  (*wal)->Append({.note = std::string_view("n\0te", 4), .body = "body"});
  ASSERT_TRUE((*wal)->Commit().ok());
  ASSERT_TRUE(ReadWal(*files_.Bytes("noted"), damage_, [](std::uint64_t, const WalRecord& record) {
                EXPECT_EQ(record.note, std::string_view("n\0te", 4));
                EXPECT_EQ(record.body, "body");
                return base::Ok();
              }).ok());
}

// Header and record as version 1 wrote them: no note.
TEST_F(WalTest, AFileOfVersion1IsRead) {
  std::string bytes = "RNDAWAL1";
  PutFixed32(1, bytes);
  PutFixed32(0, bytes);
  PutFixed64(5, bytes);
  PutFixed64(Hash(bytes), bytes);
  const std::string payload = std::string("\7\0\2\x63", 4) + "old";
  std::string head = "RWR1";
  PutFixed32(static_cast<std::uint32_t>(payload.size()), head);
  PutFixed64(5, head);
  bytes += head;
  PutFixed64(Hash(payload, Hash(head)), bytes);
  EXPECT_THAT(Read(bytes + payload), ElementsAre("5:old"));
}

TEST_F(WalTest, ATornTailIsLeftOutAndWhatIsBeforeItStays) {
  for (std::size_t size = ends_[2]; size < bytes_.size(); ++size) {
    EXPECT_THAT(Read(bytes_.substr(0, size)), ElementsAre("10:one", "11:two"));
    EXPECT_EQ(damage_.torn_bytes, size - ends_[2]);
    EXPECT_EQ(damage_.damaged_bytes, 0u);
  }
}

TEST_F(WalTest, DamageInTheMiddleCostsItsRecordOnlyAndIsCounted) {
  for (std::size_t i = ends_[1]; i < ends_[2]; ++i) {
    std::string bad = bytes_;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    EXPECT_THAT(Read(bad), ElementsAre("10:one", "12:three"));
    EXPECT_EQ(damage_.damaged_bytes, ends_[2] - ends_[1]);
    EXPECT_EQ(damage_.lost_records, 1u);
    EXPECT_EQ(damage_.torn_bytes, 0u);
  }
}

TEST_F(WalTest, ADamagedHeaderCostsNoRecord) {
  std::string bad = bytes_;
  bad[3] = 'x';
  EXPECT_THAT(Read(bad), ElementsAre("10:one", "11:two", "12:three"));
  EXPECT_EQ(damage_.damaged_bytes, 32u);
  EXPECT_FALSE(FirstOfWal(bad).ok());
}

TEST_F(WalTest, ANewerFormatIsNotRead) {
  std::string newer = bytes_.substr(0, 24);
  newer[8] = 9;
  PutFixed64(Hash(newer), newer);
  const base::Status status = ReadWal(newer, damage_, [](auto, const auto&) { return base::Ok(); });
  EXPECT_EQ(status.code(), base::Code::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr("newer Ronda (format 9)"));
}

}  // namespace
}  // namespace ronda::trace::segment
