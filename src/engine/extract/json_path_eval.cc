#include <re2/re2.h>

#include <algorithm>
#include <cmath>

#include "engine/extract/json_path.h"
#include "engine/extract/reader_impl.h"

namespace ronda::engine::extract {
namespace {

using json_path::Filter;
using json_path::Operand;
using json_path::Query;
using json_path::Segment;
using json_path::Selector;
using simdjson::dom::element;
using simdjson::dom::element_type;

// What bounds an evaluation, whatever path and document: nodes looked at.
constexpr std::size_t kMostWork = 2'000'000;

// A value in a comparison (RFC 9535, 2.3.5.2.2): nothing, a literal, or a node.
struct Comparand {
  enum class Kind { kNothing, kNull, kBool, kNumber, kString, kNode };
  Kind kind = Kind::kNothing;
  bool boolean = false;
  double number = 0;
  std::string_view text;
  element node;
};

std::size_t Utf8Length(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

Comparand FromNode(element node) {
  Comparand c;
  c.node = node;
  switch (node.type()) {
    case element_type::NULL_VALUE: c.kind = Comparand::Kind::kNull; break;
    case element_type::BOOL:
      c.kind = Comparand::Kind::kBool;
      c.boolean = node.get_bool().value_unsafe();
      break;
    case element_type::INT64:
    case element_type::UINT64:
    case element_type::DOUBLE:
      c.kind = Comparand::Kind::kNumber;
      c.number = node.get_double().value_unsafe();
      break;
    case element_type::STRING:
      c.kind = Comparand::Kind::kString;
      c.text = node.get_string().value_unsafe();
      break;
    case element_type::ARRAY:
    case element_type::OBJECT: c.kind = Comparand::Kind::kNode; break;
  }
  return c;
}

// Evaluates queries over one document.
class Evaluator {
 public:
  explicit Evaluator(element root) : root_(root) {}

  [[nodiscard]] bool exhausted() const { return work_ > kMostWork; }

  std::vector<element> Run(const Query& query, element start) {
    std::vector<element> nodes{start};
    for (const Segment& segment : query.segments) {
      std::vector<element> next;
      for (const element node : nodes) Apply(segment, node, next);
      nodes = std::move(next);
    }
    return nodes;
  }

 private:
  bool Spend() { return ++work_ <= kMostWork; }

  void Apply(const Segment& segment, element node, std::vector<element>& out) {
    for (const Selector& selector : segment.selectors) Select(selector, node, out);
    if (!segment.descendant) return;
    ForEachChild(node, [&](element child) { Apply(segment, child, out); });
  }

  template <typename F>
  void ForEachChild(element node, F&& f) {
    if (node.is_array()) {
      for (const element child : ArrayOf(node)) {
        if (!Spend()) return;
        f(child);
      }
    } else if (node.is_object()) {
      for (const auto field : ObjectOf(node)) {
        if (!Spend()) return;
        f(field.value);
      }
    }
  }

  void Select(const Selector& selector, element node, std::vector<element>& out) {
    if (!Spend()) return;
    switch (selector.kind) {
      case Selector::Kind::kName: {
        element child;
        if (node.is_object() &&
            ObjectOf(node).at_key(selector.name).get(child) == simdjson::SUCCESS)
          out.push_back(child);
        return;
      }
      case Selector::Kind::kIndex: Index(selector.index, node, out); return;
      case Selector::Kind::kWildcard:
        ForEachChild(node, [&](element child) { out.push_back(child); });
        return;
      case Selector::Kind::kSlice: Slice(selector, node, out); return;
      case Selector::Kind::kFilter:
        ForEachChild(node, [&](element child) {
          if (Holds(*selector.filter, child)) out.push_back(child);
        });
        return;
    }
  }

  std::vector<element> Items(element node) {
    std::vector<element> items;
    ForEachChild(node, [&](element child) { items.push_back(child); });
    return items;
  }

  void Index(std::int64_t index, element node, std::vector<element>& out) {
    if (!node.is_array()) return;
    if (index >= 0) {
      element child;
      if (ArrayOf(node).at(static_cast<std::size_t>(index)).get(child) == simdjson::SUCCESS)
        out.push_back(child);
      return;
    }
    const std::vector<element> items = Items(node);
    const std::int64_t at = index + static_cast<std::int64_t>(items.size());
    if (at >= 0) out.push_back(items[static_cast<std::size_t>(at)]);
  }

  // RFC 9535, 2.3.4.2.2.
  void Slice(const Selector& s, element node, std::vector<element>& out) {
    if (!node.is_array() || s.step == 0) return;
    const std::vector<element> items = Items(node);
    const auto size = static_cast<std::int64_t>(items.size());
    const auto normal = [size](std::int64_t i) { return i >= 0 ? i : size + i; };
    if (s.step > 0) {
      const std::int64_t lower = std::clamp<std::int64_t>(normal(s.start.value_or(0)), 0, size);
      const std::int64_t upper = std::clamp<std::int64_t>(normal(s.end.value_or(size)), 0, size);
      for (std::int64_t i = lower; i < upper; i += std::min(s.step, size))
        out.push_back(items[static_cast<std::size_t>(i)]);
    } else {
      const std::int64_t upper =
          std::clamp<std::int64_t>(s.start ? normal(*s.start) : size - 1, -1, size - 1);
      const std::int64_t lower =
          std::clamp<std::int64_t>(s.end ? normal(*s.end) : -1, -1, size - 1);
      for (std::int64_t i = upper; i > lower; i += std::max(s.step, -size))
        out.push_back(items[static_cast<std::size_t>(i)]);
    }
  }

  bool Holds(const Filter& filter, element node) {
    if (!Spend()) return false;
    switch (filter.kind) {
      case Filter::Kind::kOr:
        return std::ranges::any_of(filter.parts, [&](const auto& p) { return Holds(*p, node); });
      case Filter::Kind::kAnd:
        return std::ranges::all_of(filter.parts, [&](const auto& p) { return Holds(*p, node); });
      case Filter::Kind::kNot: return !Holds(*filter.parts.front(), node);
      case Filter::Kind::kCompare:
        return Compare(filter.compare, Read(filter.left, node), Read(filter.right, node));
      case Filter::Kind::kTest:
        if (filter.left.kind == Operand::Kind::kQuery) return !Nodes(filter.left, node).empty();
        return Matches(filter.left, node);
    }
    return false;
  }

  std::vector<element> Nodes(const Operand& operand, element node) {
    return Run(operand.query, operand.query.relative ? node : root_);
  }

  bool Matches(const Operand& call, element node) {
    const Comparand text = Read(call.arguments[0], node);
    if (text.kind != Comparand::Kind::kString) return false;
    if (call.pattern != nullptr)
      return re2::RE2::PartialMatch(re2::StringPiece(text.text.data(), text.text.size()),
                                    *call.pattern);
    if (call.arguments[1].kind == Operand::Kind::kString) return false;  // no valid pattern
    const Comparand pattern = Read(call.arguments[1], node);
    if (pattern.kind != Comparand::Kind::kString) return false;
    const auto anchor = call.function == Operand::Function::kMatch ? json_path::Anchor::kWhole
                                                                   : json_path::Anchor::kAnywhere;
    const auto compiled = json_path::CompilePattern(std::string(pattern.text), anchor);
    return compiled != nullptr &&
           re2::RE2::PartialMatch(re2::StringPiece(text.text.data(), text.text.size()), *compiled);
  }

  Comparand Read(const Operand& operand, element node) {
    Comparand c;
    switch (operand.kind) {
      case Operand::Kind::kNull: c.kind = Comparand::Kind::kNull; return c;
      case Operand::Kind::kBool:
        c.kind = Comparand::Kind::kBool;
        c.boolean = operand.boolean;
        return c;
      case Operand::Kind::kNumber:
        c.kind = Comparand::Kind::kNumber;
        c.number = operand.number;
        return c;
      case Operand::Kind::kString:
        c.kind = Comparand::Kind::kString;
        c.text = operand.text;
        return c;
      case Operand::Kind::kQuery: {
        const std::vector<element> nodes = Nodes(operand, node);
        return nodes.size() == 1 ? FromNode(nodes.front()) : c;
      }
      case Operand::Kind::kFunction: return Call(operand, node);
    }
    return c;
  }

  Comparand Call(const Operand& call, element node) {
    Comparand c;
    const auto number = [&](std::size_t n) {
      c.kind = Comparand::Kind::kNumber;
      c.number = static_cast<double>(n);
      return c;
    };
    switch (call.function) {
      case Operand::Function::kCount: return number(Nodes(call.arguments[0], node).size());
      case Operand::Function::kValue: {
        const std::vector<element> nodes = Nodes(call.arguments[0], node);
        return nodes.size() == 1 ? FromNode(nodes.front()) : c;
      }
      case Operand::Function::kLength: {
        const Comparand value = Read(call.arguments[0], node);
        if (value.kind == Comparand::Kind::kString) return number(Utf8Length(value.text));
        if (value.kind == Comparand::Kind::kNode) return number(Items(value.node).size());
        return c;
      }
      case Operand::Function::kMatch:
      case Operand::Function::kSearch: break;
    }
    return c;
  }

  bool Same(element a, element b) {
    if (!Spend()) return false;
    if (a.is_array() && b.is_array()) {
      const std::vector<element> x = Items(a);
      const std::vector<element> y = Items(b);
      return x.size() == y.size() && std::equal(x.begin(), x.end(), y.begin(),
                                                [&](element p, element q) { return Same(p, q); });
    }
    if (a.is_object() && b.is_object()) {
      if (Items(a).size() != Items(b).size()) return false;
      for (const auto field : ObjectOf(a)) {
        element other;
        if (ObjectOf(b).at_key(field.key).get(other) != simdjson::SUCCESS ||
            !Same(field.value, other))
          return false;
      }
      return true;
    }
    return Equal(FromNode(a), FromNode(b));
  }

  bool Equal(const Comparand& a, const Comparand& b) {
    if (a.kind != b.kind) return false;
    switch (a.kind) {
      case Comparand::Kind::kNothing:
      case Comparand::Kind::kNull: return true;
      case Comparand::Kind::kBool: return a.boolean == b.boolean;
      case Comparand::Kind::kNumber: return a.number == b.number;
      case Comparand::Kind::kString: return a.text == b.text;
      case Comparand::Kind::kNode: return a.node.type() == b.node.type() && Same(a.node, b.node);
    }
    return false;
  }

  bool Compare(Filter::Compare compare, const Comparand& a, const Comparand& b) {
    const auto less = [](const Comparand& x, const Comparand& y) {
      if (x.kind == Comparand::Kind::kNumber && y.kind == x.kind) return x.number < y.number;
      return x.kind == Comparand::Kind::kString && y.kind == x.kind && x.text < y.text;
    };
    switch (compare) {
      case Filter::Compare::kEq: return Equal(a, b);
      case Filter::Compare::kNe: return !Equal(a, b);
      case Filter::Compare::kLt: return less(a, b);
      case Filter::Compare::kLe: return less(a, b) || Equal(a, b);
      case Filter::Compare::kGt: return less(b, a);
      case Filter::Compare::kGe: return less(b, a) || Equal(a, b);
    }
    return false;
  }

  const element root_;
  std::size_t work_ = 0;
};

class CompiledPath : public JsonPath {
 public:
  explicit CompiledPath(Query query) : query_(std::move(query)), singular_(query_.singular()) {}

  bool Read(Reader& reader, model::Arena& arena, model::Value& result,
            std::string_view& error) const override {
    Reader::Impl& impl = reader.impl();
    result = {};
    if (!impl.ParseJson()) {
      error = impl.json_error;
      return false;
    }
    if (singular_) {
      element node = impl.root;
      if (Walk(node)) result = ToValue(node, arena);
      return true;
    }
    Evaluator evaluator(impl.root);
    const std::vector<element> nodes = evaluator.Run(query_, impl.root);
    if (evaluator.exhausted()) {
      error = "the JSONPath looks at too many nodes of this document";
      return false;
    }
    if (nodes.empty()) return true;
    if (nodes.size() == 1) {
      result = ToValue(nodes.front(), arena);
      return true;
    }
    const auto items = arena.AllocateArray<model::Value>(nodes.size());
    for (std::size_t i = 0; i < items.size(); ++i) items[i] = ToValue(nodes[i], arena);
    result = model::Value::List(items);
    return true;
  }

 private:
  // Names and indexes only: no list of nodes is made.
  bool Walk(element& node) const {
    for (const Segment& segment : query_.segments) {
      const Selector& s = segment.selectors.front();
      element next;
      if (s.kind == Selector::Kind::kName) {
        if (!node.is_object() || ObjectOf(node).at_key(s.name).get(next) != simdjson::SUCCESS)
          return false;
      } else {
        if (!node.is_array()) return false;
        const simdjson::dom::array array = ArrayOf(node);
        std::int64_t index = s.index;
        if (index < 0) {
          for ([[maybe_unused]] const auto item : array) ++index;
        }
        if (index < 0 || array.at(static_cast<std::size_t>(index)).get(next) != simdjson::SUCCESS)
          return false;
      }
      node = next;
    }
    return true;
  }

  const Query query_;
  const bool singular_;
};

}  // namespace

std::unique_ptr<const JsonPath> JsonPath::Compile(std::string_view text, model::LoadError& error) {
  auto query = json_path::Parse(text, error);
  if (!query.has_value()) return nullptr;
  return std::make_unique<CompiledPath>(*std::move(query));
}

std::unique_ptr<const JsonPath> JsonPath::FromSegments(std::span<const std::string_view> segments) {
  Query query;
  for (const std::string_view text : segments) {
    Selector selector;
    selector.name = text;
    const bool index = !text.empty() && text.size() < 16 &&
                       text.find_first_not_of("0123456789") == std::string_view::npos;
    if (index) {
      selector.kind = Selector::Kind::kIndex;
      for (const char c : text) selector.index = selector.index * 10 + (c - '0');
    }
    Segment segment;
    segment.selectors.push_back(std::move(selector));
    query.segments.push_back(std::move(segment));
  }
  return std::make_unique<CompiledPath>(std::move(query));
}

}  // namespace ronda::engine::extract
