#include "agent/rewrite/schema.h"

#include <string>

#include "agent/rewrite/emitter.h"

namespace ronda::agent::rewrite {
namespace {

namespace cf = classfile;

}  // namespace

bool SchemaChanges::HasMember(std::string_view name, std::string_view descriptor) const {
  for (const auto members : {file_.fields(), file_.methods()}) {
    for (const cf::Member& member : members) {
      if (file_.NameOf(member) == name && file_.DescriptorOf(member) == descriptor) return true;
    }
  }
  return false;
}

bool SchemaChanges::HasInterface(std::string_view name) const {
  for (std::size_t i = 0; i < file_.interface_count(); ++i) {
    if (file_.pool().ClassName(file_.interface_at(i)) == name) return true;
  }
  return false;
}

bool SchemaChanges::Fits(const FieldAddition& field) const {
  const bool plain_class = (file_.access() & (cf::kAccInterface | cf::kAccModule)) == 0;
  return plain_class && !field.name.empty() && cf::ParseType(field.descriptor).has_value() &&
         !HasMember(field.name, field.descriptor) &&
         !HasMember(field.getter, "()" + field.descriptor) &&
         !HasMember(field.setter, "(" + field.descriptor + ")V");
}

void SchemaChanges::WriteField(const FieldAddition& field, cf::ByteWriter& out) {
  out.U2(cf::kAccPrivate | cf::kAccTransient | cf::kAccSynthetic);
  out.U2(pool_.Utf8(field.name));
  out.U2(pool_.Utf8(field.descriptor));
  out.U2(0);
}

void SchemaChanges::WriteAccessor(std::string_view name, std::string_view descriptor,
                                  std::uint32_t stack, std::uint32_t locals, cf::ByteSpan code,
                                  cf::ByteWriter& out) {
  out.U2(cf::kAccPublic | cf::kAccSynthetic);
  out.U2(pool_.Utf8(name));
  out.U2(pool_.Utf8(descriptor));
  out.U2(1);
  out.U2(pool_.Utf8("Code"));
  out.U4(static_cast<std::uint32_t>(12 + code.size()));
  out.U2(stack);
  out.U2(locals);
  out.U4(static_cast<std::uint32_t>(code.size()));
  out.Raw(code);
  out.U2(0);
  out.U2(0);
}

void SchemaChanges::WriteGetter(const FieldAddition& field, cf::ByteWriter& out) {
  const cf::Type type{field.descriptor};
  Emitter code(pool_);
  code.Load(cf::Type{"Ljava/lang/Object;"}, 0);
  code.GetField({cf::Tag::kFieldref, file_.name(), {field.name, field.descriptor}});
  code.Return(type);
  WriteAccessor(field.getter, "()" + field.descriptor, code.max_stack(), 1, code.code(), out);
}

void SchemaChanges::WriteSetter(const FieldAddition& field, cf::ByteWriter& out) {
  const cf::Type type{field.descriptor};
  Emitter code(pool_);
  code.Load(cf::Type{"Ljava/lang/Object;"}, 0);
  code.Load(type, 1);
  code.PutField({cf::Tag::kFieldref, file_.name(), {field.name, field.descriptor}});
  code.Return(cf::Type{"V"});
  WriteAccessor(field.setter, "(" + field.descriptor + ")V", code.max_stack(), 1 + type.slots(),
                code.code(), out);
}

bool SchemaChanges::Apply(const Plan& plan, cf::ClassWriter& writer, Report& report) {
  bool changed = false;
  for (const FieldAddition& field : plan.fields()) {
    const cf::PoolBuilder::Mark mark = pool_.GetMark();
    cf::ByteWriter bytes, getter, setter;
    if (Fits(field)) {
      WriteField(field, bytes);
      if (!field.getter.empty()) WriteGetter(field, getter);
      if (!field.setter.empty()) WriteSetter(field, setter);
    }
    if (bytes.size() == 0 || pool_.full()) {
      pool_.RollBack(mark);
      ++report.schema_refused;
      continue;
    }
    writer.AddField(members_.emplace_back(std::move(bytes)).bytes());
    if (getter.size() > 0) writer.AddMethod(members_.emplace_back(std::move(getter)).bytes());
    if (setter.size() > 0) writer.AddMethod(members_.emplace_back(std::move(setter)).bytes());
    ++report.fields_added;
    changed = true;
  }
  for (const std::string& name : plan.interfaces()) {
    const bool fits = (file_.access() & cf::kAccModule) == 0 && !HasInterface(name);
    const std::uint16_t index = fits ? pool_.Class(name) : std::uint16_t{0};
    if (index == 0) {
      ++report.schema_refused;
      continue;
    }
    writer.AddInterface(index);
    ++report.interfaces_added;
    changed = true;
  }
  return changed;
}

}  // namespace ronda::agent::rewrite
