#include "agent/classfile/class_writer.h"

#include <numeric>

namespace ronda::agent::classfile {
namespace {

std::size_t SizeOf(const std::vector<ByteSpan>& parts) {
  return std::accumulate(parts.begin(), parts.end(), std::size_t{0},
                         [](std::size_t sum, ByteSpan part) { return sum + part.size(); });
}

}  // namespace

bool ClassWriter::Write(std::vector<std::uint8_t>& out) const {
  const std::size_t interfaces = file_.interface_count() + interfaces_.size();
  const std::size_t fields = file_.fields().size() + new_fields_.size();
  const std::size_t methods = file_.methods().size() + new_methods_.size();
  if (interfaces > 65535 || fields > 65535 || methods > 65535) return false;

  std::size_t size = file_.bytes().size() + pool_.added().size() + 2 * interfaces_.size() +
                     SizeOf(new_fields_) + SizeOf(new_methods_);
  for (const Replacement& method : methods_) size += method.whole.size();
  ByteWriter writer;
  writer.Reserve(size);
  writer.Raw(file_.bytes().first(8));
  writer.U2(pool_.count());
  writer.Raw(file_.pool().entries());
  writer.Raw(pool_.added());
  writer.U2(file_.access());
  writer.U2(file_.this_class());
  writer.U2(file_.super_class());
  writer.U2(static_cast<std::uint32_t>(interfaces));
  for (std::size_t i = 0; i < file_.interface_count(); ++i) writer.U2(file_.interface_at(i));
  for (const std::uint16_t added : interfaces_) writer.U2(added);
  writer.U2(static_cast<std::uint32_t>(fields));
  for (const Member& field : file_.fields()) writer.Raw(field.whole);
  for (const ByteSpan field : new_fields_) writer.Raw(field);
  writer.U2(static_cast<std::uint32_t>(methods));
  auto replacement = methods_.begin();
  for (std::size_t i = 0; i < file_.methods().size(); ++i) {
    if (replacement != methods_.end() && replacement->index == i) {
      writer.Raw(replacement++->whole);
    } else {
      writer.Raw(file_.methods()[i].whole);
    }
  }
  for (const ByteSpan method : new_methods_) writer.Raw(method);
  writer.U2(file_.attributes().count());
  writer.Raw(file_.attributes().bytes());
  out = writer.Release();
  return true;
}

}  // namespace ronda::agent::classfile
