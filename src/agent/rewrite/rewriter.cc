#include "agent/rewrite/rewriter.h"

#include <deque>

#include "agent/classfile/class_writer.h"
#include "agent/classfile/pool_builder.h"
#include "agent/rewrite/method_rewriter.h"
#include "agent/rewrite/schema.h"

namespace ronda::agent::rewrite {
namespace {

namespace cf = classfile;

struct NewMethod {
  std::size_t index;
  std::size_t begin;  // in the bytes of all of them
  std::size_t end;
};

base::Result<Rewritten> RewriteClass(const cf::ClassFile& file, const Plan& plan, Schema schema,
                                     const Limits& limits) {
  Rewritten result;
  Report& report = result.report;
  cf::PoolBuilder pool(file.pool());
  MethodRewriter rewriter(file, pool, plan, limits);
  cf::ByteWriter bytes;
  std::vector<NewMethod> changed;
  for (std::size_t i = 0; i < file.methods().size(); ++i) {
    const cf::Member& method = file.methods()[i];
    if (!rewriter.Match(method)) continue;
    const std::size_t begin = bytes.size();
    bool unchanged = false;
    const std::optional<Skip> skip = rewriter.Rewrite(method, bytes, report, unchanged);
    if (unchanged) continue;
    ++report.matched;
    if (skip) {
      ++report.skipped[static_cast<std::size_t>(*skip)];
    } else {
      changed.push_back({i, begin, bytes.size()});
    }
  }
  report.changed = changed.size();

  cf::ClassWriter writer(file, pool);
  for (const NewMethod& method : changed) {
    writer.ReplaceMethod(method.index,
                         bytes.bytes().subspan(method.begin, method.end - method.begin));
  }
  SchemaChanges schema_changes(file, pool);
  bool schema_changed = false;
  if (schema == Schema::kFirstLoad) {
    schema_changed = schema_changes.Apply(plan, writer, report);
  } else {
    report.schema_refused += plan.fields().size() + plan.interfaces().size();
  }
  if (changed.empty() && !schema_changed) return result;
  if (!writer.Write(result.bytes)) return base::ResourceExhausted("members past 65535");
  return result;
}

}  // namespace

base::Result<Rewritten> Rewrite(const cf::ClassFile& file, const Plan& plan, Schema schema,
                                const Limits& limits) noexcept {
  return cf::Contained(
      [&]() -> base::Result<Rewritten> { return RewriteClass(file, plan, schema, limits); });
}

}  // namespace ronda::agent::rewrite
