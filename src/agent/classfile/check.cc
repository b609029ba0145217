#include "agent/classfile/check.h"

#include <string>

#include "agent/classfile/attribute_forms.h"
#include "agent/classfile/code.h"
#include "agent/classfile/descriptor.h"
#include "agent/classfile/frames.h"

namespace ronda::agent::classfile {
namespace {

constexpr int kMostDepth = 64;  // of annotations in annotations, attributes in attributes
constexpr std::size_t kMostTypes = 1 << 20;

class Checker {
 public:
  Checker(const ClassFile& file, CheckCounts& counts) : file_(file), counts_(counts) {}

  base::Status Run() {
    RETURN_IF_ERROR(file_.pool().CheckConstants(file_.major()));
    for (std::size_t i = 0; i < file_.interface_count(); ++i) {
      if (file_.pool().ClassName(file_.interface_at(i)).empty()) {
        return Bad("an interface that is no class", file_.bytes());
      }
    }
    for (const Member& field : file_.fields()) {
      if (!ParseType(file_.DescriptorOf(field))) return Bad("a field's descriptor", field.whole);
      RETURN_IF_ERROR(CheckList(field.attributes, nullptr, 0));
    }
    for (const Member& method : file_.methods()) {
      if (!ParseMethodType(file_.DescriptorOf(method))) {
        return Bad("a method's descriptor", method.whole);
      }
      RETURN_IF_ERROR(CheckList(method.attributes, &method, 0));
    }
    return CheckList(file_.attributes(), nullptr, 0);
  }

 private:
  [[nodiscard]] base::Status Bad(std::string_view what, ByteSpan where) const {
    std::string text("wrong: ");
    text.append(what);
    return Malformed(text, static_cast<std::size_t>(where.data() - file_.bytes().data()));
  }

  base::Status CheckList(const AttributeList& list, const Member* method, int depth) {
    for (const Attribute attribute : list) {
      const std::string_view name = file_.pool().Utf8(attribute.name);
      if (file_.pool().TagOf(attribute.name) != Tag::kUtf8) {
        return Bad("an attribute without a name", attribute.whole);
      }
      const AttributeForm form = FormOf(name);
      ++(form.known ? counts_.known_attributes : counts_.unknown_attributes);
      if (!form.known) continue;
      if (form.form == "C") {
        if (method != nullptr) RETURN_IF_ERROR(CheckCode(attribute.body, *method));
        continue;
      }
      if (form.form == "S") continue;  // with its Code
      Cursor cursor(attribute.body);
      base::Status nested;
      const bool fits = Walk(form.form, attribute.body, cursor, depth, nested);
      RETURN_IF_ERROR(nested);
      if (!fits || !cursor.ok() || cursor.left() != 0) return Bad(name, attribute.whole);
    }
    return base::Ok();
  }

  bool Index(char kind, std::uint16_t index) const {
    const Tag tag = file_.pool().TagOf(index);
    switch (kind) {
      case 'u': return tag == Tag::kUtf8;
      case 'c': return tag == Tag::kClass;
      case 'h': return tag == Tag::kMethodHandle;
      case 'm': return tag == Tag::kModule;
      case 'p': return tag == Tag::kPackage;
      case 'n': return tag == Tag::kNameAndType;
      default: return tag != Tag::kNone;
    }
  }

  // The form's characters up to the bracket that closes the one before `form`.
  static std::string_view Inside(std::string_view form) {
    int open = 1;
    for (std::size_t i = 0; i < form.size(); ++i) {
      open += form[i] == '[' ? 1 : form[i] == ']' ? -1 : 0;
      if (open == 0) return form.substr(0, i);
    }
    return form;
  }

  // Reads one `form`; false when the bytes do not have it.
  bool Walk(std::string_view form, ByteSpan body, Cursor& cursor, int depth, base::Status& nested) {
    while (!form.empty() && cursor.ok()) {
      const char kind = form[0];
      form.remove_prefix(1);
      switch (kind) {
        case '1': cursor.Skip(1); break;
        case '2': cursor.Skip(2); break;
        case '4': cursor.Skip(4); break;
        case '*':
        case '#': {
          const std::uint16_t count = kind == '*' ? cursor.U2() : cursor.U1();
          const std::string_view inside = Inside(form.substr(1));
          form.remove_prefix(inside.size() + 2);
          for (std::uint16_t i = 0; i < count; ++i) {
            if (!cursor.ok() || !Walk(inside, body, cursor, depth, nested)) return false;
          }
          break;
        }
        case 'A': {
          const AttributeList list = AttributeList::Read(body, cursor);
          if (depth >= kMostDepth || !cursor.ok()) return false;
          nested = CheckList(list, nullptr, depth + 1);
          if (!nested.ok()) return false;
          break;
        }
        case '@':
          if (!Annotation(body, cursor, depth, nested)) return false;
          break;
        case 'V':
          if (!ElementValue(body, cursor, depth, nested)) return false;
          break;
        case 'T':
          if (!TypeAnnotation(body, cursor, depth, nested)) return false;
          break;
        default: {
          const std::uint16_t index = cursor.U2();
          const bool optional = form.starts_with('?');
          if (optional) form.remove_prefix(1);
          if (!(optional && index == 0) && !Index(kind, index)) return false;
        }
      }
    }
    return cursor.ok();
  }

  bool Annotation(ByteSpan body, Cursor& cursor, int depth, base::Status& nested) {
    if (depth >= kMostDepth || !Index('u', cursor.U2())) return false;
    const std::uint16_t pairs = cursor.U2();
    for (std::uint16_t i = 0; i < pairs; ++i) {
      if (!Index('u', cursor.U2()) || !ElementValue(body, cursor, depth + 1, nested)) return false;
    }
    return cursor.ok();
  }

  // JVMS 4.7.16.1.
  bool ElementValue(ByteSpan body, Cursor& cursor, int depth, base::Status& nested) {
    if (depth >= kMostDepth) return false;
    switch (cursor.U1()) {
      case 'B':
      case 'C':
      case 'I':
      case 'S':
      case 'Z': return file_.pool().TagOf(cursor.U2()) == Tag::kInteger;
      case 'D': return file_.pool().TagOf(cursor.U2()) == Tag::kDouble;
      case 'F': return file_.pool().TagOf(cursor.U2()) == Tag::kFloat;
      case 'J': return file_.pool().TagOf(cursor.U2()) == Tag::kLong;
      case 's':
      case 'c': return Index('u', cursor.U2());
      case 'e': return Walk("uu", body, cursor, depth, nested);
      case '@': return Annotation(body, cursor, depth + 1, nested);
      case '[': {
        const std::uint16_t count = cursor.U2();
        for (std::uint16_t i = 0; i < count; ++i) {
          if (!cursor.ok() || !ElementValue(body, cursor, depth + 1, nested)) return false;
        }
        return cursor.ok();
      }
      default: return false;
    }
  }

  // JVMS 4.7.20: a target, a path, an annotation.
  bool TypeAnnotation(ByteSpan body, Cursor& cursor, int depth, base::Status& nested) {
    const std::uint8_t target = cursor.U1();
    if (target <= 0x01 || target == 0x16) {
      cursor.Skip(1);
    } else if (target == 0x10 || target == 0x17 || (target >= 0x42 && target <= 0x46) ||
               target == 0x11 || target == 0x12) {
      cursor.Skip(2);
    } else if (target == 0x40 || target == 0x41) {
      cursor.Skip(std::size_t{6} * cursor.U2());
    } else if (target >= 0x47 && target <= 0x4b) {
      cursor.Skip(3);
    } else if (target < 0x13 || target > 0x15) {
      return false;
    }
    cursor.Skip(std::size_t{2} * cursor.U1());
    return cursor.ok() && Annotation(body, cursor, depth, nested);
  }

  base::Status CheckCode(ByteSpan body, const Member& method) {
    ASSIGN_OR_RETURN(const CodeView code, ReadCode(body, CodeSizesOf(file_)));
    if (!ReadInstructions(code.code, pcs_)) return Bad("no instruction in Code", body);
    counts_.instructions += pcs_.size();
    starts_.assign(code.code.size() + 1, false);
    for (const std::uint32_t pc : pcs_) starts_[pc] = true;
    for (const std::uint32_t pc : pcs_) {
      if (!BranchesFit(code.code, pc)) return Bad("a branch to no instruction in Code", body);
    }
    for (std::size_t i = 0; i < code.handler_count(); ++i) {
      const Handler h = code.handler(i);
      const bool end_ok = h.end == code.code.size() || (h.end < starts_.size() && starts_[h.end]);
      if (h.start >= h.end || !end_ok || !starts_[h.start] || h.target >= code.code.size() ||
          !starts_[h.target] || (h.catch_type != 0 && !Index('c', h.catch_type))) {
        return Bad("an exception table's row in Code", body);
      }
    }
    RETURN_IF_ERROR(CheckFrames(code, body, method));
    return CheckList(code.attributes, nullptr, 1);
  }

  bool BranchesFit(ByteSpan code, std::uint32_t pc) const {
    const auto fits = [&](std::int64_t target) {
      return target >= 0 && target < static_cast<std::int64_t>(code.size()) &&
             starts_[static_cast<std::size_t>(target)];
    };
    if (op::IsShortBranch(code[pc])) {
      return fits(std::int64_t{pc} + static_cast<std::int16_t>(LoadU2(code.data() + pc + 1)));
    }
    if (code[pc] == op::kGotoW || code[pc] == op::kJsrW) {
      return fits(std::int64_t{pc} + static_cast<std::int32_t>(LoadU4(code.data() + pc + 1)));
    }
    if (!op::IsSwitch(code[pc])) return true;
    const SwitchView view(code, pc);
    if (!fits(view.default_target())) return false;
    for (std::uint32_t i = 0; i < view.count(); ++i) {
      if (!fits(view.target(i))) return false;
    }
    return true;
  }

  // The frames' places and forms; the locals at the start matter only for their number.
  base::Status CheckFrames(const CodeView& code, ByteSpan body, const Member& method) {
    const Attribute table = code.attributes.Find(file_.pool(), "StackMapTable");
    if (table.whole.empty()) return base::Ok();
    std::vector<VerificationType> initial;
    if ((method.access & kAccStatic) == 0) initial.push_back({});
    const auto type = ParseMethodType(file_.DescriptorOf(method));
    if (type) initial.resize(initial.size() + type->arguments.size());
    std::vector<Frame> frames;
    if (ReadFrames(table.body, initial, kMostTypes, frames) != FrameError::kNone) {
      return Bad("StackMapTable", body);
    }
    counts_.frames += frames.size();
    for (const Frame& frame : frames) {
      if (frame.pc >= code.code.size() || !starts_[frame.pc]) {
        return Bad("a frame at no instruction", body);
      }
    }
    return base::Ok();
  }

  const ClassFile& file_;
  CheckCounts& counts_;
  std::vector<std::uint32_t> pcs_;
  std::vector<bool> starts_;
};

}  // namespace

base::Status Check(const ClassFile& file, CheckCounts& counts) noexcept {
  return Contained([&]() -> base::Status { return Checker(file, counts).Run(); });
}

}  // namespace ronda::agent::classfile
