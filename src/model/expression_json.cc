#include "model/expression_json.h"

#include "model/expression_json_dom.h"

namespace ronda::model {
namespace {

Value ListOf(simdjson::dom::array array, Arena& arena) {
  // size() saturates at 0xFFFFFF, so it is no more than a first guess.
  std::size_t size = 0;
  for ([[maybe_unused]] auto item : array) ++size;
  const auto items = arena.AllocateArray<Value>(size);
  std::size_t i = 0;
  for (const auto item : array) items[i++] = ValueOf(item, arena);
  return Value::List(items);
}

Value MapOf(simdjson::dom::object object, Arena& arena) {
  std::size_t size = 0;
  for ([[maybe_unused]] auto field : object) ++size;
  const auto members = arena.AllocateArray<Member>(size);
  std::size_t i = 0;
  for (const auto field : object) {
    members[i].key = arena.Copy(field.key);
    members[i++].value = ValueOf(field.value, arena);
  }
  return Value::Map(members);
}

}  // namespace

Value ValueOf(simdjson::dom::element element, Arena& arena) {
  using simdjson::dom::element_type;
  switch (element.type()) {
    case element_type::ARRAY: return ListOf(element.get_array().value_unsafe(), arena);
    case element_type::OBJECT: return MapOf(element.get_object().value_unsafe(), arena);
    case element_type::INT64: return Value::Int(element.get_int64().value_unsafe());
    case element_type::UINT64:
      return Value::Float(static_cast<double>(element.get_uint64().value_unsafe()));
    case element_type::DOUBLE: return Value::Float(element.get_double().value_unsafe());
    case element_type::STRING:
      return Value::String(arena.Copy(element.get_string().value_unsafe()));
    case element_type::BOOL: return Value::Bool(element.get_bool().value_unsafe());
    case element_type::NULL_VALUE: return {};
  }
  return {};
}

bool ParseJson(std::string_view text, Arena& arena, Value& out, std::string_view& why) {
  thread_local simdjson::dom::parser parser;
  if (parser.capacity() < text.size() || parser.max_depth() != kMaxJsonDepth) {
    if (parser.allocate(std::max<std::size_t>(text.size(), 4096), kMaxJsonDepth) !=
        simdjson::SUCCESS) {
      why = "the JSON text is too long";
      return false;
    }
  }
  simdjson::dom::element root;
  const auto code = parser.parse(text.data(), text.size()).get(root);
  if (code != simdjson::SUCCESS) {
    why = simdjson::error_message(code);
    return false;
  }
  out = ValueOf(root, arena);
  return true;
}

}  // namespace ronda::model
