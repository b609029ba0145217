#include <benchmark/benchmark.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "agent/rewrite/rewriter.h"

// Class files to measure with: those of RONDA_BENCH_CLASSES, a folder, or the fuzz corpus. What a JVM's start
// pays: every class is read and matched, few are rewritten.
namespace ronda::agent::rewrite {
namespace {

namespace cf = classfile;
using Classes = std::vector<std::vector<std::uint8_t>>;

Classes ReadClasses() {
  const char* folder = std::getenv("RONDA_BENCH_CLASSES");
  Classes classes;
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator
           i(folder == nullptr ? "fuzz/corpus/rewrite_fuzz" : folder, error),
       end;
       !error && i != end; i.increment(error)) {
    if (!i->is_regular_file()) continue;
    std::ifstream in(i->path(), std::ios::binary);
    std::vector<std::uint8_t> bytes((std::istreambuf_iterator<char>(in)),
                                    std::istreambuf_iterator<char>());
    if (cf::ClassFile::Parse(bytes).ok()) classes.push_back(std::move(bytes));
  }
  return classes;
}

const Classes& Shared() {
  static const Classes classes = ReadClasses();
  return classes;
}

// Rewrites all classes once an iteration; the answer is how many change.
void Measure(benchmark::State& state, const Plan& plan, bool all_change) {
  const Classes& classes = Shared();
  if (classes.empty()) return state.SkipWithError("no classes: run it in the checkout");
  std::size_t bytes = 0;
  for (const auto& one : classes) bytes += one.size();
  std::uint64_t changed = 0, methods = 0;
  for (auto _ : state) {
    changed = methods = 0;
    for (const auto& one : classes) {
      const auto file = cf::ClassFile::Parse(one);
      const auto result = Rewrite(*file, plan);
      if (!result.ok()) return state.SkipWithError("refused");
      changed += result->bytes.empty() ? 0 : 1;
      methods += result->report.changed;
    }
  }
  if (all_change ? changed * 10 < classes.size() * 9 : changed != 0) {
    return state.SkipWithError("another number of classes changed");
  }
  const auto count = static_cast<double>(classes.size());
  state.counters["classes"] = count;
  state.counters["methods"] = static_cast<double>(methods);
  state.counters["per_class"] = benchmark::Counter(
      count, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes));
}

void BM_ReadAndMatchNothing(benchmark::State& state) {
  Plan plan;
  for (int i = 0; i < 3; ++i) {
    plan.Method({.name = "service", .descriptor = "(LRequest;LResponse;)V", .annotation = {}})
        .OnEntry({"P", "enter", "(I)J", {Value::Int(i)}}, Take::kToken);
  }
  Measure(state, plan, false);
}
BENCHMARK(BM_ReadAndMatchNothing);

void BM_RewriteEveryMethod(benchmark::State& state) {
  Plan plan;
  plan.Method({})
      .OnEntry({"P", "enter", "(I)J", {Value::Int(70000)}}, Take::kToken)
      .OnReturn({"P", "exit", "(J)V", {Value::Token()}})
      .OnThrow({"P", "thrown", "(Ljava/lang/Throwable;J)V", {Value::Thrown(), Value::Token()}});
  Measure(state, plan, true);
}
BENCHMARK(BM_RewriteEveryMethod);

}  // namespace
}  // namespace ronda::agent::rewrite
