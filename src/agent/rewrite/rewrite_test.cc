#include "agent/rewrite/rewriter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "agent/classfile/check.h"
#include "agent/classfile/class_builder_test_util.h"
#include "agent/rewrite/allocation_failure_test_util.h"

// The JVM is the judge of these rooms (tests/jvm); here are the laws that it does not see.
namespace ronda::agent::rewrite {
namespace {

namespace cf = classfile;
using cf::Bytes;
using cf::ClassBuilder;
using ::testing::ElementsAre;

Plan CountPlan() {
  Plan plan;
  plan.Method({})
      .OnEntry({"P", "enter", "(I)J", {Value::Int(7)}}, Take::kToken)
      .OnReturn({"P", "exit", "(J)V", {Value::Token()}})
      .OnThrow({"P", "thrown", "(Ljava/lang/Throwable;J)V", {Value::Thrown(), Value::Token()}});
  return plan;
}

struct Out {
  Rewritten rewritten;
  std::optional<cf::ClassFile> file;  // of the new bytes, or of the old where nothing changed
  cf::CodeView code;  // of the first method with one
};

// Rewrites and reads the result again, which must be sound.
void RewriteInto(const Bytes& bytes, const Plan& plan, Out& out,
                 Schema schema = Schema::kBodiesOnly, const Limits& limits = {}) {
  const auto file = cf::ClassFile::Parse(bytes);
  ASSERT_TRUE(file.ok()) << file.status().message();
  auto rewritten = Rewrite(*file, plan, schema, limits);
  ASSERT_TRUE(rewritten.ok());
  out.rewritten = *std::move(rewritten);
  auto again = cf::ClassFile::Parse(out.rewritten.bytes.empty() ? bytes : out.rewritten.bytes);
  ASSERT_TRUE(again.ok()) << again.status().message();
  cf::CheckCounts counts;
  if (!out.rewritten.bytes.empty()) {
    ASSERT_TRUE(cf::Check(*again, counts).ok()) << cf::Check(*again, counts).message();
  }
  out.file = *std::move(again);
  for (const cf::Member& method : out.file->methods()) {
    const cf::Attribute code = method.attributes.Find(out.file->pool(), "Code");
    if (code.whole.empty()) continue;
    const auto view = cf::ReadCode(code.body, cf::CodeSizes::kWide);
    ASSERT_TRUE(view.ok());
    out.code = *view;
    return;
  }
}

Bytes OneMethod(const ClassBuilder::Code& code, std::string_view descriptor = "()V",
                std::string_view name = "m", std::uint16_t access = cf::kAccStatic,
                std::uint16_t major = 61) {
  ClassBuilder builder(major);
  builder.Method(access, name, descriptor, code);
  return builder.Build();
}

std::vector<cf::Frame> FramesOf(const Out& out) {
  std::vector<cf::Frame> frames;
  const cf::Attribute table = out.code.attributes.Find(out.file->pool(), "StackMapTable");
  EXPECT_EQ(cf::ReadFrames(table.body, {}, 1 << 18, frames), cf::FrameError::kNone);
  return frames;
}

// Whether a class of `code` is left as it is for this reason.
void ExpectSkipped(const Bytes& bytes, Skip skip, const Plan& plan = CountPlan()) {
  Out out;
  RewriteInto(bytes, plan, out);
  EXPECT_TRUE(out.rewritten.bytes.empty());
  EXPECT_EQ(out.rewritten.report.matched, 1u);
  EXPECT_EQ(out.rewritten.report.skips(skip), 1u) << NameOf(skip);
}

TEST(RewriteTest, AClassThatNothingMatchesIsLeftAlone) {
  Plan plan;
  plan.Method({.name = "other", .descriptor = {}, .annotation = {}})
      .OnEntry({"P", "enter", "()V", {}});
  Out out;
  RewriteInto(OneMethod({.code = {0xb1}, .handlers = {}, .attributes = {}}), plan, out);
  EXPECT_TRUE(out.rewritten.bytes.empty());
  EXPECT_EQ(out.rewritten.report, Report());
}

TEST(RewriteTest, ABranchToTheFirstInstructionLandsBehindTheEntry) {
  // goto 0, with a frame at 0
  Bytes frames = {0, 1, 0};
  Out out;
  RewriteInto(
      OneMethod({.code = {0xa7, 0, 0}, .handlers = {}, .attributes = {{"StackMapTable", frames}}}),
      CountPlan(), out);
  const auto all = FramesOf(out);
  ASSERT_GE(all.size(), 2u);
  const std::uint32_t body = all[1].pc;  // behind the handler of the entry call
  EXPECT_EQ(out.code.code[body], 0xa7);
  EXPECT_EQ(cf::LoadU2(out.code.code.data() + body + 1), 0) << "to itself";
  EXPECT_EQ(all[1].locals.size(), 5u) << "the method's four and the token";
}

TEST(RewriteTest, OurCallsAreOutsideTheMethodsHandlersAndAfterThemInTheTable) {
  ClassBuilder builder;
  const std::uint16_t type = builder.Class("java/lang/Exception");
  Bytes frames = {0, 1, 64 + 1, 7};
  cf::PutU2(frames, type);
  builder.Method(cf::kAccStatic, "m", "()V",
                 {.code = {0xb1, 0x57, 0xb1},
                  .handlers = {{0, 1, 1, type}},
                  .attributes = {{"StackMapTable", frames}}});
  Out out;
  RewriteInto(builder.Build(), CountPlan(), out);
  // entry's, the method's, those of return and throw, then the one that sees all
  ASSERT_EQ(out.code.handler_count(), 5u);
  const cf::Handler own = out.code.handler(1), all = out.code.handler(4);
  EXPECT_EQ(own.catch_type, type);
  EXPECT_EQ(all.catch_type, 0);
  EXPECT_EQ(all.start, own.start);
  EXPECT_LT(out.code.handler(0).end, own.start);
  EXPECT_LE(own.end, all.end);
  for (const std::size_t i : {2u, 3u}) EXPECT_GE(out.code.handler(i).start, all.end);
}

TEST(RewriteTest, LinesAndVariablesMoveWithTheirInstructions) {
  Bytes lines, variables;
  for (const std::uint32_t v : {2u, 0u, 10u, 1u, 11u}) cf::PutU2(lines, v);
  ClassBuilder builder;
  const std::uint16_t name = builder.Utf8("x"), type = builder.Utf8("I");
  for (const std::uint32_t v : {1u, 1u, 1u, std::uint32_t{name}, std::uint32_t{type}, 0u}) {
    cf::PutU2(variables, v);
  }
  builder.Method(cf::kAccStatic, "m", "()V",
                 {.code = {0x00, 0xb1},
                  .handlers = {},
                  .attributes = {{"LineNumberTable", lines},
                                 {"LocalVariableTable", variables},
                                 {"RuntimeVisibleTypeAnnotations", Bytes{0, 0}}}});
  Out out;
  RewriteInto(builder.Build(), CountPlan(), out);
  const auto& pool = out.file->pool();
  const cf::ByteSpan moved = out.code.attributes.Find(pool, "LineNumberTable").body;
  const std::uint32_t nop = cf::LoadU2(moved.data() + 6) - 1;
  EXPECT_EQ(cf::LoadU2(moved.data() + 2), 0) << "the entry belongs to the first line";
  EXPECT_EQ(out.code.code[nop], 0x00);
  const cf::ByteSpan variable = out.code.attributes.Find(pool, "LocalVariableTable").body;
  EXPECT_EQ(cf::LoadU2(variable.data() + 2), nop + 1);
  EXPECT_EQ(cf::LoadU2(variable.data() + 4), 3) << "the return became a goto";
  EXPECT_TRUE(out.code.attributes.Find(pool, "RuntimeVisibleTypeAnnotations").whole.empty());
}

TEST(RewriteTest, ConstantsPast255AreLoadedByTheWideForm) {
  Plan plan;
  plan.Method({}).OnEntry({"P", "text", "(Ljava/lang/String;)V", {Value::Text("new")}});
  ClassBuilder small, large;
  for (ClassBuilder* builder : {&small, &large}) {
    builder->Method(cf::kAccStatic, "m", "()V", {.code = {0xb1}, .handlers = {}, .attributes = {}});
  }
  large.FillPool(300);
  Out out;
  RewriteInto(small.Build(), plan, out);
  EXPECT_EQ(out.code.code[0], cf::op::kLdc);
  Out wide;
  RewriteInto(large.Build(), plan, wide);
  EXPECT_EQ(wide.code.code[0], cf::op::kLdcW);
}

TEST(RewriteTest, SwitchesKeepTheirTargetsWhateverTheirPadding) {
  // iload_0, tableswitch 0..1 → 20 and 21, returns
  for (std::uint8_t nops = 0; nops < 4; ++nops) {
    Bytes code(nops, 0x00);
    code.insert(code.end(), {0x03, 0xaa});
    const auto pc = static_cast<std::uint32_t>(code.size() - 1);
    while (code.size() % 4 != 0) code.push_back(0);
    const auto behind = static_cast<std::uint32_t>(code.size()) + 20;
    for (const std::uint32_t v : {behind + 2 - pc, 0u, 1u, behind - pc, behind + 1 - pc}) {
      cf::PutU2(code, v >> 16);
      cf::PutU2(code, v);
    }
    code.insert(code.end(), {0xb1, 0xb1, 0xb1});
    Out out;
    RewriteInto(
        OneMethod({.code = code, .handlers = {}, .attributes = {}}, "()V", "m", cf::kAccStatic, 49),
        CountPlan(), out);
    std::vector<std::uint32_t> pcs;
    ASSERT_TRUE(cf::ReadInstructions(out.code.code, pcs));
    const auto at = std::ranges::find_if(
        pcs, [&](std::uint32_t p) { return out.code.code[p] == cf::op::kTableswitch; });
    ASSERT_NE(at, pcs.end());
    const cf::SwitchView view(out.code.code, *at);
    EXPECT_EQ(view.target(1) - view.target(0), 3) << "a goto between them";
    EXPECT_EQ(view.default_target() - view.target(1), 3);
    EXPECT_EQ(out.code.code[static_cast<std::size_t>(view.target(0))], cf::op::kGoto);
  }
}

// goto over `size` nops, then a return
Bytes FarGoto(std::size_t size) {
  Bytes code = {0xa7};
  cf::PutU2(code, static_cast<std::uint32_t>(size + 3));
  code.insert(code.end(), size, 0x00);
  code.push_back(0xb1);
  return code;
}

TEST(RewriteTest, AGotoThatNoLongerReachesBecomesWide) {
  ClassBuilder builder(49);
  Bytes code = FarGoto(32760);
  // a lookupswitch without cases in between gains padding: 0..3 bytes
  builder.Method(cf::kAccStatic, "m", "()V", {.code = code, .handlers = {}, .attributes = {}});
  Plan plan;
  plan.Method({}).OnReturn({"P", "exit", "()V", {}});
  Out out;
  RewriteInto(builder.Build(), plan, out, Schema::kBodiesOnly, {.compiled_bytes = 0});
  EXPECT_EQ(out.code.code[0], cf::op::kGoto) << "nothing came between";
  // Each of many returns grows by two bytes: now the first goto does not reach.
  Bytes many = {0xa7};
  cf::PutU2(many, 12003);
  for (int i = 0; i < 12000; ++i) many.push_back(0xb1);
  many.push_back(0xb1);
  Out grown;
  RewriteInto(
      OneMethod({.code = many, .handlers = {}, .attributes = {}}, "()V", "m", cf::kAccStatic, 49),
      plan, grown, Schema::kBodiesOnly, {.compiled_bytes = 0});
  ASSERT_FALSE(grown.rewritten.bytes.empty());
  EXPECT_EQ(grown.code.code[0], cf::op::kGotoW);
}

TEST(RewriteTest, AConditionThatNoLongerReachesIsInvertedInOldClassesAndRefusedInOthers) {
  Bytes code = {0x03, 0x99};
  cf::PutU2(code, 12002);
  for (int i = 0; i < 12000; ++i) code.push_back(0xb1);
  Plan plan;
  plan.Method({}).OnReturn({"P", "exit", "()V", {}});
  const Limits limits{.compiled_bytes = 0};
  Out old;
  RewriteInto(
      OneMethod({.code = code, .handlers = {}, .attributes = {}}, "()V", "m", cf::kAccStatic, 49),
      plan, old, Schema::kBodiesOnly, limits);
  EXPECT_EQ(old.code.code[1], 0x9a) << "ifne";
  EXPECT_EQ(cf::LoadU2(old.code.code.data() + 2), 8);
  EXPECT_EQ(old.code.code[4], cf::op::kGotoW);
  Out other;
  RewriteInto(OneMethod({.code = code, .handlers = {}, .attributes = {}}), plan, other,
              Schema::kBodiesOnly, limits);
  EXPECT_EQ(other.rewritten.report.skips(Skip::kFarBranch), 1u);
}

TEST(RewriteTest, WhatMustNotBeTouchedIsCounted) {
  const ClassBuilder::Code empty{.code = {0xb1}, .handlers = {}, .attributes = {}};
  ClassBuilder object(61, "java/lang/Object", "");
  object.Method(cf::kAccPublic, "<init>", "()V", empty);
  ExpectSkipped(object.Build(), Skip::kObjectInit);
  ExpectSkipped(OneMethod(empty, "()V", "finalize", cf::kAccPublic), Skip::kFinalizer);
  ClassBuilder native;
  native.Method(cf::kAccNative, "m", "()V");
  ExpectSkipped(native.Build(), Skip::kNoCode);
  // a result below the one that is returned
  ExpectSkipped(OneMethod({.code = {0x04, 0x04, 0xac}, .handlers = {}, .attributes = {}}, "()I"),
                Skip::kStackAtReturn);
  ExpectSkipped(OneMethod({.code = {0x57, 0xb1}, .handlers = {}, .attributes = {}}),
                Skip::kMalformed);
  ExpectSkipped(
      OneMethod(
          {.code = {0xb1}, .handlers = {}, .attributes = {{"StackMapTable", Bytes{0, 1, 246}}}}),
      Skip::kUnknownFrame);
  ClassBuilder::Code locals = empty;
  locals.locals = 65534;
  ExpectSkipped(OneMethod(locals), Skip::kTooManyLocals);
}

TEST(RewriteTest, AMethodThatTheJitWouldDropOrTheFormatRefusesStaysAsItIs) {
  const auto nops = [](std::size_t size) {
    Bytes code(size - 1, 0x00);
    code.push_back(0xb1);
    return OneMethod({.code = code, .handlers = {}, .attributes = {}});
  };
  ExpectSkipped(nops(7990), Skip::kNotCompiled);
  ExpectSkipped(nops(65530), Skip::kCodeTooLong);
  Out out;
  RewriteInto(nops(8001), CountPlan(), out);  // is not compiled anyway
  EXPECT_EQ(out.rewritten.report.changed, 1u);
}

TEST(RewriteTest, AFullPoolLeavesTheClassAsItIsAndIsCounted) {
  ClassBuilder builder;
  builder.Method(cf::kAccStatic, "m", "()V", {.code = {0xb1}, .handlers = {}, .attributes = {}});
  builder.FillPool(65530);
  ExpectSkipped(builder.Build(), Skip::kPoolFull);
}

TEST(RewriteTest, AdviceThatDoesNotFitAMethodLeavesThatMethodAlone) {
  Plan plan;
  plan.Method({}).OnEntry({"P", "enter", "(J)V", {Value::Argument(0)}});
  ClassBuilder builder;
  const ClassBuilder::Code empty{.code = {0xb1}, .handlers = {}, .attributes = {}};
  builder.Method(cf::kAccStatic, "fits", "(J)V", empty);
  builder.Method(cf::kAccStatic, "none", "()V", empty);
  builder.Method(cf::kAccStatic, "text", "(Ljava/lang/String;)V", empty);
  Out out;
  RewriteInto(builder.Build(), plan, out);
  EXPECT_EQ(out.rewritten.report.changed, 1u);
  EXPECT_EQ(out.rewritten.report.skips(Skip::kAdviceMisfit), 2u);
}

TEST(RewriteTest, ACallBecomesAStaticOneWithTheSameEffectOnTheStack) {
  ClassBuilder builder;
  const std::uint16_t ref = builder.Ref(11, "java/lang/Runnable", "run", "()V");
  Bytes code = {0x2a, 0xb9};
  cf::PutU2(code, ref);
  code.insert(code.end(), {1, 0, 0xb1});
  const ClassBuilder::Code body{.code = code, .handlers = {}, .attributes = {}};
  builder.Method(cf::kAccStatic, "m", "(Ljava/lang/Runnable;)V", body);
  builder.Method(cf::kAccStatic, "other", "()V",
                 {.code = {0xb1}, .handlers = {}, .attributes = {}});
  Plan plan;
  plan.ReplaceCall({{}, "java/lang/Runnable", "run", "()V", "P", "runIt", {}});
  Out out;
  RewriteInto(builder.Build(), plan, out);
  EXPECT_EQ(out.rewritten.report.calls_replaced, 1u);
  EXPECT_EQ(out.rewritten.report.matched, 1u) << "a method without the call is not matched";
  ASSERT_EQ(out.code.code.size(), 5u);
  EXPECT_EQ(out.code.code[1], cf::op::kInvokestatic);
  const cf::MemberRef target = out.file->pool().RefAt(cf::LoadU2(out.code.code.data() + 2));
  EXPECT_EQ(target.member, (cf::NameAndType{"runIt", "(Ljava/lang/Runnable;)V"}));
  EXPECT_EQ(out.code.max_locals, 4u);
}

TEST(RewriteTest, TheSchemaChangesAtTheFirstLoadOnly) {
  Plan plan;
  plan.AddField({"ronda$span", "J", "ronda$get", "ronda$set"}).AddInterface("ronda/Holder");
  const Bytes bytes = OneMethod({.code = {0xb1}, .handlers = {}, .attributes = {}});
  Out later;
  RewriteInto(bytes, plan, later);
  EXPECT_TRUE(later.rewritten.bytes.empty());
  EXPECT_EQ(later.rewritten.report.schema_refused, 2u);
  Out first;
  RewriteInto(bytes, plan, first, Schema::kFirstLoad);
  EXPECT_EQ(first.file->fields().size(), 1u);
  EXPECT_EQ(first.file->methods().size(), 3u);
  EXPECT_EQ(first.file->interface_count(), 1u);
  Out again;
  RewriteInto(first.rewritten.bytes, plan, again, Schema::kFirstLoad);
  EXPECT_TRUE(again.rewritten.bytes.empty()) << "what is there is not added twice";
  EXPECT_EQ(again.rewritten.report.schema_refused, 2u);
}

// invokespecial Object.<init> of aload_0 at the start of a constructor's code.
Bytes CallSuper(ClassBuilder& builder) {
  Bytes code = {0x2a, 0xb7};
  cf::PutU2(code, builder.Ref(10, "java/lang/Object", "<init>", "()V"));
  return code;
}

TEST(RewriteTest, AConstructorsExceptionsAreSeenAfterSuperOnly) {
  ClassBuilder builder;
  Bytes code = CallSuper(builder);
  code.push_back(0xb1);
  builder.Method(cf::kAccPublic, "<init>", "()V", {.code = code, .handlers = {}, .attributes = {}});
  Out out;
  RewriteInto(builder.Build(), CountPlan(), out);
  const cf::Handler all = out.code.handler(out.code.handler_count() - 1);
  EXPECT_EQ(out.code.code[all.start - 3], 0xb7) << "right behind super()";
  EXPECT_EQ(FramesOf(out).front().locals.front().kind, cf::VerificationType::kUninitializedThis);
}

TEST(RewriteTest, AConstructorWithoutASurePlaceBehindSuperIsSeenToReturnOnly) {
  ClassBuilder builder;
  Bytes code = CallSuper(builder);
  code.insert(code.end(), {0xb1, 0x2a, 0xbf});  // code that may run before super(), by its frame
  builder.Method(cf::kAccPublic, "<init>", "()V",
                 {.code = code,
                  .handlers = {},
                  .attributes = {{"StackMapTable", Bytes{0, 1, 255, 0, 5, 0, 1, 6, 0, 0}}}});
  Out out;
  RewriteInto(builder.Build(), CountPlan(), out);
  EXPECT_EQ(out.rewritten.report.changed, 1u);
  EXPECT_EQ(out.rewritten.report.constructors_without_throw, 1u);
}

TEST(RewriteTest, AFailedAllocationAnywhereIsAnAnswer) {
  ClassBuilder builder;
  Bytes code = CallSuper(builder);
  code.push_back(0xb1);
  builder.Method(cf::kAccPublic, "<init>", "()V", {.code = code, .handlers = {}, .attributes = {}});
  const Bytes bytes = builder.Build();
  const Plan plan = CountPlan();
  if (!CanFailAllocations()) GTEST_SKIP() << "the sanitizers have allocators of their own";
  long failures = 0;
  for (bool done = false; !done; ++failures) {
    FailAllocation(failures);
    const auto file = cf::ClassFile::Parse(bytes);
    const auto result = file.ok() ? Rewrite(*file, plan) : base::Result<Rewritten>(file.status());
    done = !StopFailing();
    EXPECT_EQ(result.ok(), done);
    if (!done) {
      EXPECT_EQ(result.status().message(), "out of memory");
    }
  }
  EXPECT_GT(failures, 20) << "the test reached the allocations";
}

}  // namespace
}  // namespace ronda::agent::rewrite
