#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "agent/classfile/annotations.h"
#include "agent/classfile/check.h"
#include "agent/classfile/class_builder_test_util.h"
#include "agent/classfile/class_writer.h"
#include "agent/classfile/descriptor.h"
#include "agent/classfile/stack_depth.h"

namespace ronda::agent::classfile {
namespace {

using ::testing::HasSubstr;
using VT = VerificationType;

// static int m(int, long): a loop with a frame, a handler and a line table.
Bytes Sample(std::uint16_t major = 61) {
  ClassBuilder builder(major);
  const std::uint16_t throwable = builder.Class("java/lang/Throwable");
  ClassBuilder::Code code;
  code.code = {0x1a, 0x9a, 0x00, 0x05, 0x03, 0xac, 0x1a, 0xac, 0x57, 0x04, 0xac};
  code.handlers = {{0, 6, 8, throwable}};
  Bytes frames = {0x00, 0x02, 6, 64 + 1, 7};
  PutU2(frames, throwable);
  code.attributes.emplace_back("StackMapTable", frames);
  code.attributes.emplace_back("LineNumberTable", Bytes{0, 2, 0, 0, 0, 7, 0, 6, 0, 8});
  builder.Method(kAccStatic, "m", "(IJ)I", code);
  builder.Method(kAccAbstract, "n", "()V");
  return builder.Build();
}

TEST(ClassFileTest, EveryPrefixOfAClassIsRefusedWithItsPlace) {
  const Bytes bytes = Sample();
  ASSERT_TRUE(ClassFile::Parse(bytes).ok());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto file = ClassFile::Parse(ByteSpan(bytes).first(size));
    ASSERT_FALSE(file.ok()) << size;
    EXPECT_THAT(file.status().message(), HasSubstr(" at byte ")) << size;
  }
  Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_THAT(ClassFile::Parse(longer).status().message(), HasSubstr("bytes after its end"));
}

TEST(ClassFileTest, AByteChangedAnywhereIsAnAnswerAndWhatIsReadIsWrittenTheSame) {
  const Bytes bytes = Sample();
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (const std::uint8_t value : {0x00, 0x01, 0x7f, 0xff}) {
      Bytes changed = bytes;
      changed[at] = value;
      const auto file = ClassFile::Parse(changed);
      if (!file.ok()) continue;
      CheckCounts counts;
      (void)Check(*file, counts);
      Bytes again;
      ASSERT_TRUE(ClassWriter(*file, PoolBuilder(file->pool())).Write(again));
      ASSERT_EQ(again, changed);
    }
  }
}

TEST(ClassFileTest, AnErrorSaysWhichConstant) {
  Bytes bytes = Sample();
  bytes[10] = 99;
  EXPECT_EQ(ClassFile::Parse(bytes).status().message(),
            "class file: bad tag 99 of constant 1 at byte 10");
}

TEST(ClassFileTest, CountsThatTheBytesCannotFillCostNoMemory) {
  Bytes bytes = {0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 61, 0xff, 0xff};
  EXPECT_THAT(ClassFile::Parse(bytes).status().message(), HasSubstr("more constants than bytes"));
}

TEST(ConstantPoolTest, AConstantThatNamesAnotherKindIsFound) {
  ClassBuilder builder;
  builder.Refer(9, 1, 1);
  const Bytes bytes = builder.Build();
  const auto file = ClassFile::Parse(bytes);
  ASSERT_TRUE(file.ok());
  CheckCounts counts;
  EXPECT_THAT(Check(*file, counts).message(),
              HasSubstr("Fieldref constant 5 does not name a Class"));
  EXPECT_EQ(file->pool().RefAt(5).owner, "");
  EXPECT_EQ(file->pool().RefAt(0).tag, Tag::kNone);
  EXPECT_EQ(file->pool().Utf8(65535), "");
}

TEST(CheckTest, AttributesOfNewClassesHaveTheirForm) {
  ClassBuilder builder;
  const std::uint16_t name = builder.Utf8("x"), descriptor = builder.Utf8("I");
  const std::uint16_t host = builder.Class("Host");
  const std::uint16_t annotation = builder.Utf8("LMark;");
  Bytes record = {0, 1};
  PutU2(record, name);
  PutU2(record, descriptor);
  PutU2(record, 0);
  builder.Attribute("Record", record);
  Bytes one = {0, 1};
  PutU2(one, host);
  builder.Attribute("PermittedSubclasses", one);
  builder.Attribute("NestHost", ByteSpan(one).subspan(2));
  Bytes marks = {0, 1};
  PutU2(marks, annotation);
  PutU2(marks, 0);
  builder.Attribute("RuntimeVisibleAnnotations", marks);
  builder.Attribute("SomebodysOwn", record);
  const Bytes bytes = builder.Build();
  const auto file = ClassFile::Parse(bytes);
  ASSERT_TRUE(file.ok());
  CheckCounts counts;
  EXPECT_TRUE(Check(*file, counts).ok()) << Check(*file, counts).message();
  EXPECT_EQ(counts.known_attributes, 4u);
  EXPECT_EQ(counts.unknown_attributes, 1u);
  EXPECT_TRUE(HasAnnotation(*file, file->attributes(), "LMark;"));
  EXPECT_FALSE(HasAnnotation(*file, file->attributes(), "LOther;"));
}

TEST(CheckTest, AnAttributeThatIsTooShortIsFound) {
  ClassBuilder builder;
  builder.Attribute("NestMembers", Bytes{0, 2, 0, 2});
  const Bytes bytes = builder.Build();
  const auto file = ClassFile::Parse(bytes);
  ASSERT_TRUE(file.ok());
  CheckCounts counts;
  EXPECT_THAT(Check(*file, counts).message(), HasSubstr("NestMembers at byte"));
}

TEST(PoolBuilderTest, WhatIsThereIsUsedAgainAndNothingIsRenumbered) {
  const Bytes bytes = Sample();
  const auto file = ClassFile::Parse(bytes);
  ASSERT_TRUE(file.ok());
  PoolBuilder pool(file->pool());
  EXPECT_EQ(pool.Class("T"), file->this_class());
  EXPECT_EQ(pool.added().size(), 0u);
  const MemberRef ref{Tag::kMethodref, "Probe", {"enter", "(I)J"}};
  const std::uint16_t first = pool.Ref(ref);
  EXPECT_GE(first, file->pool().count());
  const std::uint32_t count = pool.count();
  EXPECT_EQ(pool.Ref(ref), first);
  EXPECT_EQ(pool.count(), count);
  const std::uint16_t number = pool.Long(1LL << 40);
  EXPECT_EQ(pool.count(), count + 2u);
  EXPECT_EQ(pool.Long(1LL << 40), number);
}

TEST(PoolBuilderTest, WhatIsTakenBackLeavesNothingAndCanBeAddedAnew) {
  const Bytes bytes = Sample();
  const auto file = ClassFile::Parse(bytes);
  ASSERT_TRUE(file.ok());
  PoolBuilder pool(file->pool());
  const PoolBuilder::Mark mark = pool.GetMark();
  const std::uint16_t gone = pool.String("gone");
  pool.RollBack(mark);
  EXPECT_EQ(pool.added().size(), 0u);
  EXPECT_EQ(pool.String("kept"), gone);
  EXPECT_NE(pool.String("gone"), gone);
}

TEST(PoolBuilderTest, AFullPoolRefusesUntilItIsRolledBack) {
  ClassBuilder builder;
  builder.FillPool(65534);
  const Bytes bytes = builder.Build();
  const auto file = ClassFile::Parse(bytes);
  ASSERT_TRUE(file.ok());
  PoolBuilder pool(file->pool());
  const PoolBuilder::Mark mark = pool.GetMark();
  EXPECT_NE(pool.Utf8("the last one"), 0);
  EXPECT_FALSE(pool.full());
  EXPECT_EQ(pool.Utf8("one more"), 0);
  EXPECT_TRUE(pool.full());
  pool.RollBack(mark);
  EXPECT_FALSE(pool.full());
  EXPECT_EQ(pool.Long(5), 0) << "a long takes two";
}

TEST(FramesTest, WhatIsWrittenReadsTheSame) {
  const std::vector<VT> initial = {{VT::kUninitializedThis, 0}, {VT::kInteger, 0}};
  std::vector<Frame> frames;
  frames.push_back({0, initial, {}});  // same
  frames.push_back({200, initial, {{VT::kObject, 5}}});  // same locals, one on the stack, far
  auto more = initial;
  more.insert(more.end(), {{VT::kLong, 0}, {VT::kUninitialized, 77}});
  frames.push_back({201, more, {}});  // append
  frames.push_back({300, initial, {}});  // chop
  frames.push_back({301, {}, {{VT::kNull, 0}, {VT::kDouble, 0}}});  // full
  ByteWriter out;
  WriteFrames(frames, initial, out);
  std::vector<Frame> again;
  ASSERT_EQ(ReadFrames(out.bytes(), initial, 1000, again), FrameError::kNone);
  ASSERT_EQ(again.size(), frames.size());
  for (std::size_t i = 0; i < frames.size(); ++i) {
    EXPECT_EQ(again[i].pc, frames[i].pc);
    EXPECT_TRUE(again[i].locals == frames[i].locals) << i;
    EXPECT_TRUE(again[i].stack == frames[i].stack) << i;
  }
  EXPECT_LT(out.size(), 40u) << "the short forms are used";
}

TEST(FramesTest, ASmallTableThatStandsForMillionsIsRefused) {
  Bytes body;
  PutU2(body, 1001);
  body.push_back(255);
  PutU2(body, 0);
  PutU2(body, 1000);
  body.insert(body.end(), 1000, 1);
  PutU2(body, 0);
  body.insert(body.end(), 1000, 0);  // the same locals, a thousand times
  std::vector<Frame> frames;
  EXPECT_EQ(ReadFrames(body, {}, 1 << 18, frames), FrameError::kTooMany);
  EXPECT_EQ(ReadFrames(body, {}, 1 << 21, frames), FrameError::kNone);
}

TEST(FramesTest, AFrameOfAKindToComeIsToldApart) {
  std::vector<Frame> frames;
  EXPECT_EQ(ReadFrames(Bytes{0, 1, 246}, {}, 100, frames), FrameError::kUnknownFrame);
  EXPECT_EQ(ReadFrames(Bytes{0, 1, 64, 9}, {}, 100, frames), FrameError::kBadType);
  EXPECT_EQ(ReadFrames(Bytes{0, 2, 0}, {}, 100, frames), FrameError::kCutOff);
}

TEST(DescriptorTest, OnlyDescriptorsAreTaken) {
  for (const std::string_view bad :
       {"", "(", "()", "(V)V", "(L;)V", "(Ljava)V", "()VV", "([)V", "I"}) {
    EXPECT_FALSE(ParseMethodType(bad)) << bad;
  }
  const auto type = ParseMethodType("(IJ[[DLjava/lang/String;)[I");
  ASSERT_TRUE(type);
  EXPECT_EQ(type->argument_slots, 5u);
  EXPECT_EQ(type->arguments[2].class_name(), "[[D");
  EXPECT_EQ(type->arguments[3].class_name(), "java/lang/String");
  EXPECT_FALSE(ParseMethodType("(" + std::string(128, 'J') + ")V")) << "256 slots";
  EXPECT_TRUE(ParseMethodType("(" + std::string(127, 'J') + "I)V"));
}

// The depths of a static ()I method of class version 49, which needs no frames.
bool Depths(const Bytes& code, StackDepths& depths) {
  ClassBuilder builder(49);
  builder.Method(kAccStatic, "m", "()I", {.code = code, .handlers = {}, .attributes = {}});
  const Bytes bytes = builder.Build();
  const auto file = ClassFile::Parse(bytes);
  EXPECT_TRUE(file.ok());
  const auto view =
      ReadCode(file->methods()[0].attributes.Find(file->pool(), "Code").body, CodeSizes::kWide);
  EXPECT_TRUE(view.ok());
  return depths.Compute(*file, *view, {});
}

TEST(StackDepthsTest, SlotsAreCountedThroughBranchesAndSubroutines) {
  StackDepths depths;
  // lconst_0, iconst_0, ifeq +4, nop, pop2, iconst_1, ireturn
  ASSERT_TRUE(Depths({0x09, 0x03, 0x99, 0, 4, 0x00, 0x58, 0x04, 0xac}, depths));
  EXPECT_EQ(depths.At(2), 3);
  EXPECT_EQ(depths.At(6), 2);
  EXPECT_EQ(depths.At(8), 1);
  // jsr +5; iconst_1, ireturn; astore_0, ret 0
  ASSERT_TRUE(Depths({0xa8, 0, 5, 0x04, 0xac, 0x4b, 0xa9, 0}, depths));
  EXPECT_EQ(depths.At(5), 1);
  EXPECT_EQ(depths.At(4), 1);
}

TEST(StackDepthsTest, CodeThatNoVerifierTakesIsRefused) {
  StackDepths depths;
  EXPECT_FALSE(Depths({0x57, 0x04, 0xac}, depths)) << "pops from an empty stack";
  EXPECT_FALSE(Depths({0x04, 0x04}, depths)) << "runs over its end";
  // iconst_0, ifeq 5: iconst_1 at 4 comes with one more than the branch
  EXPECT_FALSE(Depths({0x03, 0x99, 0, 4, 0x04, 0x04, 0xac}, depths)) << "two depths";
}

TEST(InstructionsTest, SwitchesArePaddedAndBounded) {
  Bytes code = {0x00, 0xaa, 0, 0};  // nop, tableswitch with two bytes of padding
  for (const std::uint32_t v : {3u, 0u, 1u, 3u, 3u}) {
    PutU2(code, v >> 16);
    PutU2(code, v);
  }
  EXPECT_EQ(InstructionSize(code, 1), 23u);
  code[15] = 2;  // a case more than there are bytes
  EXPECT_EQ(InstructionSize(code, 1), 0u);
  EXPECT_EQ(InstructionSize(Bytes{0xc4}, 0), 0u);
  EXPECT_EQ(InstructionSize(Bytes{0xca}, 0), 0u);
}

}  // namespace
}  // namespace ronda::agent::classfile
