// Rewrites the classes that it is sent, for the tests that load them into a real JVM.
//
//   rewrite_classes PLAN OWNER     PLAN: count (a token through entry, return and throw), watch (this,
//                                  arguments, result and exception as objects, failures told), features
//                                  (what RunFeatures.java asks for, the schema too), check
// stdin: a class as u4 size and bytes, again and again. stdout: for each a status (0 unchanged, 1 changed,
// 2 refused), u4 size and the new bytes or the error. stderr, at the end: counts, one JSON object.
//
// Every class is also written again unchanged, which must give the same bytes, and looked into (Check).
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "agent/classfile/check.h"
#include "agent/classfile/class_writer.h"
#include "agent/rewrite/rewriter.h"

namespace {

namespace cf = ronda::agent::classfile;
namespace rw = ronda::agent::rewrite;
using rw::Take;
using rw::Value;

struct Totals {
  std::uint64_t classes = 0;
  std::uint64_t bytes = 0;
  std::uint64_t refused = 0;
  std::uint64_t not_exact = 0;
  std::uint64_t check_errors = 0;
  cf::CheckCounts checked;
  rw::Report report;
};

rw::Plan CountPlan(const std::string& owner) {
  rw::Plan plan;
  plan.Method({})
      .OnEntry({owner, "enter", "(I)J", {Value::Int(70000)}}, Take::kToken)
      .OnReturn({owner, "exit", "(J)V", {Value::Token()}})
      .OnThrow({owner, "thrown", "(Ljava/lang/Throwable;J)V", {Value::Thrown(), Value::Token()}});
  return plan;
}

rw::Plan WatchPlan(const std::string& owner) {
  rw::Plan plan;
  plan.OnFailure({owner, "failed", "(Ljava/lang/Throwable;I)V", {Value::Thrown(), Value::Int(7)}});
  plan.Method({})
      .OnEntry({owner,
                "enterWatch",
                "(Ljava/lang/String;Ljava/lang/Object;[Ljava/lang/Object;)Ljava/lang/Object;",
                {Value::Text("watch"), Value::This(), Value::Arguments()}},
               Take::kToken)
      .OnReturn({owner,
                 "exitWatch",
                 "(Ljava/lang/Object;Ljava/lang/Object;Ljava/lang/Object;)V",
                 {Value::This(), Value::Returned(), Value::Token()}})
      .OnThrow({owner,
                "thrownWatch",
                "(Ljava/lang/Object;Ljava/lang/Throwable;Ljava/lang/Object;)V",
                {Value::This(), Value::Thrown(), Value::Token()}});
  plan.Method({})
      .OnEntry({owner, "enter", "(I)J", {Value::Int(2)}}, Take::kToken)
      .OnReturn({owner, "exit", "(J)V", {Value::Token()}})
      .OnThrow({owner, "thrown", "(Ljava/lang/Throwable;J)V", {Value::Thrown(), Value::Token()}});
  return plan;
}

rw::Plan FeaturePlan(const std::string& owner) {
  rw::Plan plan;
  plan.Method({.name = "price", .descriptor = {}, .annotation = {}})
      .OnEntry({owner, "name", "(Ljava/lang/String;)Ljava/lang/String;", {Value::Argument(1)}},
               Take::kArgument, 1)
      .OnReturn({owner, "price", "(I)I", {Value::Returned()}}, Take::kReturned);
  plan.Method({.name = "greet", .descriptor = {}, .annotation = {}})
      .OnReturn({owner, "text", "(Ljava/lang/Object;)Ljava/lang/Object;", {Value::Returned()}},
                Take::kReturned);
  plan.Method({.name = "half", .descriptor = "(D)D", .annotation = {}})
      .OnReturn({owner, "twice", "(D)D", {Value::Returned()}}, Take::kReturned);
  plan.Method({.name = "total", .descriptor = {}, .annotation = {}})
      .OnReturn({owner,
                 "total",
                 "(Ljava/lang/Object;Ljava/lang/Object;JLjava/lang/Object;)V",
                 {Value::This(), Value::Argument(0), Value::Argument(1), Value::Returned()}});
  plan.ReplaceCall({{}, "java/lang/Runnable", "run", "()V", owner, "runIt", {}});
  plan.ReplaceCall({{.name = "longer", .descriptor = {}, .annotation = {}},
                    "java/lang/String",
                    "length",
                    "()I",
                    owner,
                    "length",
                    "java/lang/Object"});
  plan.ReplaceCall({{}, "java/lang/Math", "max", "(II)I", owner, "max", {}});
  plan.AddField({"ronda$value", "J", "rondaGet", "rondaSet"});
  plan.AddInterface(owner + "$Holder");
  return plan;
}

bool ReadAll(void* to, std::size_t size) { return std::fread(to, 1, size, stdin) == size; }

void Answer(std::uint8_t status, const void* bytes, std::size_t size) {
  const std::uint8_t head[5] = {
      status, static_cast<std::uint8_t>(size >> 24), static_cast<std::uint8_t>(size >> 16),
      static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size)};
  std::fwrite(head, 1, sizeof head, stdout);
  std::fwrite(bytes, 1, size, stdout);
  std::fflush(stdout);
}

void Complain(std::string_view name, std::string_view what) {
  std::fprintf(stderr, "%.*s: %.*s\n", static_cast<int>(name.size()), name.data(),
               static_cast<int>(what.size()), what.data());
}

void CheckClass(const cf::ClassFile& file, Totals& totals) {
  std::vector<std::uint8_t> again;
  const cf::PoolBuilder pool(file.pool());
  if (!cf::ClassWriter(file, pool).Write(again) || !std::ranges::equal(again, file.bytes())) {
    ++totals.not_exact;
    Complain(file.name(), "written again, it differs");
  }
  const ronda::base::Status status = cf::Check(file, totals.checked);
  if (!status.ok()) {
    ++totals.check_errors;
    Complain(file.name(), status.message());
  }
}

void HandleClass(const std::vector<std::uint8_t>& bytes, const rw::Plan& plan, rw::Schema schema,
                 Totals& totals) {
  ++totals.classes;
  totals.bytes += bytes.size();
  const auto file = cf::ClassFile::Parse(bytes);
  if (!file.ok()) {
    ++totals.refused;
    return Answer(2, file.status().message().data(), file.status().message().size());
  }
  CheckClass(*file, totals);
  const auto rewritten = rw::Rewrite(*file, plan, schema);
  if (!rewritten.ok()) {
    ++totals.refused;
    return Answer(2, rewritten.status().message().data(), rewritten.status().message().size());
  }
  totals.report.Add(rewritten->report);
  const bool changed = !rewritten->bytes.empty();
  Answer(changed ? 1 : 0, rewritten->bytes.data(), rewritten->bytes.size());
}

void Print(const Totals& totals) {
  const auto number = [](std::uint64_t v) { return static_cast<unsigned long long>(v); };
  std::fprintf(stderr,
               "{\"classes\":%llu,\"bytes\":%llu,\"refused\":%llu,\"not_exact\":%llu,"
               "\"check_errors\":%llu,\"known_attributes\":%llu,\"unknown_attributes\":%llu,"
               "\"instructions\":%llu,\"frames\":%llu,\"methods_matched\":%llu,"
               "\"methods_changed\":%llu,\"constructors_without_throw\":%llu,\"skipped\":{",
               number(totals.classes), number(totals.bytes), number(totals.refused),
               number(totals.not_exact), number(totals.check_errors),
               number(totals.checked.known_attributes), number(totals.checked.unknown_attributes),
               number(totals.checked.instructions), number(totals.checked.frames),
               number(totals.report.matched), number(totals.report.changed),
               number(totals.report.constructors_without_throw));
  for (std::size_t i = 0; i < rw::kSkips; ++i) {
    const std::string_view name = NameOf(static_cast<rw::Skip>(i));
    std::fprintf(stderr, "%s\"%.*s\":%llu", i == 0 ? "" : ",", static_cast<int>(name.size()),
                 name.data(), number(totals.report.skipped[i]));
  }
  std::fprintf(stderr, "}}\n");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: rewrite_classes count|watch|features|check OWNER\n");
    return 2;
  }
  const std::string_view kind = argv[1];
  const rw::Plan plan = kind == "count"      ? CountPlan(argv[2])
                        : kind == "watch"    ? WatchPlan(argv[2])
                        : kind == "features" ? FeaturePlan(argv[2])
                                             : rw::Plan();
  const rw::Schema schema = kind == "features" ? rw::Schema::kFirstLoad : rw::Schema::kBodiesOnly;
  Totals totals;
  std::vector<std::uint8_t> bytes;
  for (std::uint8_t size[4]; ReadAll(size, sizeof size);) {
    bytes.resize(cf::LoadU4(size));
    if (!ReadAll(bytes.data(), bytes.size())) return 1;
    HandleClass(bytes, plan, schema, totals);
  }
  Print(totals);
  return 0;
}
