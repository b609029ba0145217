#include "engine/program/value_plan.h"

#include <charconv>
#include <optional>

#include "model/definitions.h"
#include "model/reader.h"

namespace ronda::engine {
namespace {

template <typename T>
std::optional<T> Number(const std::string& text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || rest != end) return std::nullopt;
  return value;
}

model::Value ScalarOf(const model::Node& node, model::Arena& arena) {
  const std::string& text = node.scalar;
  if (!node.quoted) {
    if (text == "null" || text == "~") return {};
    if (text == "true" || text == "false") return model::Value::Bool(text == "true");
    if (const auto whole = Number<std::int64_t>(text)) return model::Value::Int(*whole);
    const bool numeric =
        !text.empty() && text.find_first_not_of("+-.0123456789eE") == std::string::npos;
    if (const auto number = numeric ? Number<double>(text) : std::nullopt) {
      return model::Value::Float(*number);
    }
  }
  return model::Value::String(arena.Copy(text));
}

template <typename T>
std::unique_ptr<const T> CompileText(const std::string& text, const model::Location& where,
                                     model::Names& names, model::Diagnostics& diagnostics) {
  model::LoadError error;
  auto compiled = T::Compile(text, names, error);
  if (compiled == nullptr) {
    diagnostics.Error(model::LocationOf({text, where}, error.offset), error.message, error.hint,
                      static_cast<int>(error.length));
  }
  return compiled;
}

}  // namespace

model::Value LiteralOf(const model::Node& node, model::Arena& arena) {
  switch (node.kind) {
    case model::Node::Kind::kNull: return {};
    case model::Node::Kind::kScalar: return ScalarOf(node, arena);
    case model::Node::Kind::kList: {
      const auto items = arena.AllocateArray<model::Value>(node.items.size());
      for (std::size_t i = 0; i < items.size(); ++i) items[i] = LiteralOf(node.items[i], arena);
      return model::Value::List(items);
    }
    case model::Node::Kind::kMap: {
      const auto members = arena.AllocateArray<model::Member>(node.members.size());
      for (std::size_t i = 0; i < members.size(); ++i) {
        members[i] = {arena.Copy(node.members[i].first.scalar),
                      LiteralOf(node.members[i].second, arena)};
      }
      return model::Value::Map(members);
    }
  }
  return {};
}

std::unique_ptr<const model::Expression> CompileExpression(const std::string& text,
                                                           const model::Location& where,
                                                           model::Names& names,
                                                           model::Diagnostics& diagnostics) {
  return CompileText<model::Expression>(text, where, names, diagnostics);
}

std::unique_ptr<const model::Template> CompileTemplate(const std::string& text,
                                                       const model::Location& where,
                                                       model::Names& names,
                                                       model::Diagnostics& diagnostics) {
  return CompileText<model::Template>(text, where, names, diagnostics);
}

std::unique_ptr<const ValuePlan> ValuePlan::Compile(const model::Node& node, model::Names& names,
                                                    model::Diagnostics& diagnostics) {
  auto plan = std::make_unique<ValuePlan>();
  const auto literal = [&] {
    plan->kind_ = Kind::kLiteral;
    plan->literal_ = LiteralOf(node, plan->memory_);
    model::AppendJson(plan->literal_, plan->json_);
  };
  switch (node.kind) {
    case model::Node::Kind::kNull: literal(); break;
    case model::Node::Kind::kScalar: {
      if (node.scalar.find("${") == std::string::npos) {
        literal();
        break;
      }
      plan->kind_ = Kind::kTemplate;
      plan->template_ = CompileTemplate(node.scalar, model::TextOf(node).where, names, diagnostics);
      if (plan->template_ == nullptr) return nullptr;
      break;
    }
    case model::Node::Kind::kList:
    case model::Node::Kind::kMap: {
      const bool map = node.kind == model::Node::Kind::kMap;
      bool constant = true;
      const std::size_t count = map ? node.members.size() : node.items.size();
      for (std::size_t i = 0; i < count; ++i) {
        auto item = Compile(map ? node.members[i].second : node.items[i], names, diagnostics);
        if (item == nullptr) return nullptr;
        constant &= item->literal() != nullptr;
        plan->items_.push_back(std::move(item));
        if (!map) continue;
        plan->keys_.push_back(node.members[i].first.scalar);
        std::string key;
        model::AppendJson(model::Value::String(plan->keys_.back()), key);
        plan->json_keys_.push_back(key + ":");
      }
      plan->kind_ = map ? Kind::kMap : Kind::kList;
      if (constant) {
        plan->items_.clear();
        literal();
      }
      break;
    }
  }
  return plan;
}

bool ValuePlan::Evaluate(model::EvalContext& context, model::Value& result) const {
  switch (kind_) {
    case Kind::kLiteral: result = literal_; return true;
    case Kind::kTemplate: return template_->Evaluate(context, result);
    case Kind::kList: {
      const auto items = context.arena->AllocateArray<model::Value>(items_.size());
      for (std::size_t i = 0; i < items.size(); ++i) {
        if (!items_[i]->Evaluate(context, items[i])) return false;
      }
      result = model::Value::List(items);
      return true;
    }
    case Kind::kMap: {
      const auto members = context.arena->AllocateArray<model::Member>(items_.size());
      for (std::size_t i = 0; i < members.size(); ++i) {
        members[i].key = keys_[i];
        if (!items_[i]->Evaluate(context, members[i].value)) return false;
      }
      result = model::Value::Map(members);
      return true;
    }
  }
  return true;
}

bool ValuePlan::AppendJson(model::EvalContext& context, std::string& out) const {
  switch (kind_) {
    case Kind::kLiteral: out += json_; return true;
    case Kind::kTemplate: {
      model::Value value;
      if (!template_->Evaluate(context, value)) return false;
      model::AppendJson(value, out);
      return true;
    }
    case Kind::kList:
    case Kind::kMap: {
      const bool map = kind_ == Kind::kMap;
      out += map ? '{' : '[';
      for (std::size_t i = 0; i < items_.size(); ++i) {
        if (i > 0) out += ',';
        if (map) out += json_keys_[i];
        if (!items_[i]->AppendJson(context, out)) return false;
      }
      out += map ? '}' : ']';
      return true;
    }
  }
  return true;
}

bool ValuePlan::AppendText(model::EvalContext& context, std::string& out) const {
  if (kind_ == Kind::kTemplate) return template_->Render(context, out);
  model::Value value;
  if (!Evaluate(context, value)) return false;
  if (value.is_null()) {
    context.error = "the value is null where a text is wanted";
    return false;
  }
  model::AppendText(value, out);
  return true;
}

}  // namespace ronda::engine
