#pragma once

#include "agent/classfile/class_writer.h"
#include "agent/rewrite/plan.h"
#include "agent/rewrite/report.h"

namespace ronda::agent::rewrite {

// Adds a plan's fields, with their accessors, and interfaces to the class that `writer` writes. `members`
// holds their bytes until it has. What is there already, is no descriptor, or has no place in the pool is
// counted as refused. Owned by one thread.
class SchemaChanges {
 public:
  SchemaChanges(const classfile::ClassFile& file, classfile::PoolBuilder& pool)
      : file_(file), pool_(pool) {}

  // Returns whether anything was added. Once only.
  bool Apply(const Plan& plan, classfile::ClassWriter& writer, Report& report);

 private:
  [[nodiscard]] bool Fits(const FieldAddition& field) const;
  [[nodiscard]] bool HasMember(std::string_view name, std::string_view descriptor) const;
  [[nodiscard]] bool HasInterface(std::string_view name) const;
  void WriteField(const FieldAddition& field, classfile::ByteWriter& out);
  void WriteGetter(const FieldAddition& field, classfile::ByteWriter& out);
  void WriteSetter(const FieldAddition& field, classfile::ByteWriter& out);
  void WriteAccessor(std::string_view name, std::string_view descriptor, std::uint32_t stack,
                     std::uint32_t locals, classfile::ByteSpan code, classfile::ByteWriter& out);

  const classfile::ClassFile& file_;
  classfile::PoolBuilder& pool_;
  std::deque<classfile::ByteWriter> members_;  // stay where they are
};

}  // namespace ronda::agent::rewrite
