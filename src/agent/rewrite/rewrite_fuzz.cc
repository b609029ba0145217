#include <cstddef>
#include <cstdint>

#include "agent/classfile/check.h"
#include "agent/rewrite/rewriter.h"
#include "base/core/check.h"

namespace {

namespace cf = ronda::agent::classfile;
namespace rw = ronda::agent::rewrite;
using rw::Take;
using rw::Value;

rw::Plan MakePlan() {
  rw::Plan plan;
  plan.OnFailure({"P", "failed", "(Ljava/lang/Throwable;)V", {Value::Thrown()}});
  plan.Method({})
      .OnEntry({"P",
                "enter",
                "(ILjava/lang/Object;[Ljava/lang/Object;)J",
                {Value::Int(100000), Value::This(), Value::Arguments()}},
               Take::kToken)
      .OnReturn({"P",
                 "exit",
                 "(JLjava/lang/Object;Ljava/lang/Object;)V",
                 {Value::Token(), Value::Returned(), Value::This()}})
      .OnThrow({"P", "thrown", "(Ljava/lang/Throwable;J)V", {Value::Thrown(), Value::Token()}});
  plan.Method({.name = "m", .descriptor = {}, .annotation = {}})
      .OnEntry({"P", "enter", "()Ljava/lang/Object;", {}}, Take::kToken)
      .OnReturn({"P", "exit", "(Ljava/lang/Object;)V", {Value::Argument(0)}});
  plan.ReplaceCall({{}, "java/lang/Object", "hashCode", "()I", "P", "hash", {}});
  plan.AddField({"ronda$f", "Ljava/lang/Object;", "ronda$get", "ronda$set"});
  plan.AddInterface("P$I");
  return plan;
}

}  // namespace

// What the rewriter makes of a class that Check takes, Check takes too; of any other it makes an answer.
// Rewriting the result once more ends as well.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const rw::Plan plan = MakePlan();
  const auto file = cf::ClassFile::Parse({data, size});
  if (!file.ok()) return 0;
  cf::CheckCounts counts;
  const bool sound = cf::Check(*file, counts).ok();
  const auto result = rw::Rewrite(*file, plan, rw::Schema::kFirstLoad);
  CHECK(result.ok() || result.status().code() == ronda::base::Code::kResourceExhausted);
  if (!result.ok() || result->bytes.empty()) return 0;
  const auto again = cf::ClassFile::Parse(result->bytes);
  CHECK(again.ok());
  if (sound) CHECK(cf::Check(*again, counts).ok());
  (void)rw::Rewrite(*again, plan);
  return 0;
}
