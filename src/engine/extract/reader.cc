#include <libxml/HTMLparser.h>

#include <limits>

#include "engine/extract/reader_impl.h"

namespace ronda::engine::extract {
namespace {

constexpr int kDeepest = 1024;  // simdjson's own bound: a deeper document does not parse

}  // namespace

Reader::Reader() : impl_(std::make_unique<Impl>()) {}
Reader::~Reader() = default;

void Reader::Load(const Response& response) {
  impl_->response = response;
  impl_->json = Impl::State::kNotParsed;
  impl_->html.reset();
}

const Response& Reader::response() const { return impl_->response; }

bool Reader::Impl::ParseJson() {
  if (json != State::kNotParsed) return json == State::kParsed;
  json = State::kFailed;
  if (parser.max_depth() != kDeepest && parser.allocate(64 * 1024, kDeepest) != simdjson::SUCCESS) {
    json_error = "out of memory";
    return false;
  }
  // The body is followed by 64 readable bytes, so it need not be copied.
  const auto error = parser.parse(response.body.data(), response.body.size(), false).get(root);
  if (error != simdjson::SUCCESS) {
    json_error = response.body.empty() ? "the body is empty, not JSON" : "the body is no JSON";
    return false;
  }
  json = State::kParsed;
  return true;
}

xmlDoc* Reader::Impl::ParseHtml() {
  if (html == nullptr && !response.body.empty() &&
      response.body.size() < static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    constexpr int kOptions = HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |
                             HTML_PARSE_NONET | HTML_PARSE_COMPACT;
    html.reset(htmlReadMemory(response.body.data(), static_cast<int>(response.body.size()), nullptr,
                              "utf-8", kOptions));
  }
  return html.get();
}

model::Value ToValue(simdjson::dom::element element, model::Arena& arena) {
  switch (element.type()) {
    case simdjson::dom::element_type::NULL_VALUE: return {};
    case simdjson::dom::element_type::BOOL:
      return model::Value::Bool(element.get_bool().value_unsafe());
    case simdjson::dom::element_type::INT64:
      return model::Value::Int(element.get_int64().value_unsafe());
    case simdjson::dom::element_type::UINT64:
      return model::Value::Float(static_cast<double>(element.get_uint64().value_unsafe()));
    case simdjson::dom::element_type::DOUBLE:
      return model::Value::Float(element.get_double().value_unsafe());
    case simdjson::dom::element_type::STRING:
      return model::Value::String(element.get_string().value_unsafe());
    case simdjson::dom::element_type::ARRAY: {
      const simdjson::dom::array array = ArrayOf(element);
      std::size_t count = 0;
      for ([[maybe_unused]] const auto item : array) ++count;  // size() saturates at 2^24
      const auto items = arena.AllocateArray<model::Value>(count);
      std::size_t i = 0;
      for (const simdjson::dom::element item : array) items[i++] = ToValue(item, arena);
      return model::Value::List(items);
    }
    case simdjson::dom::element_type::OBJECT: {
      const simdjson::dom::object object = ObjectOf(element);
      std::size_t count = 0;
      for ([[maybe_unused]] const auto field : object) ++count;
      const auto members = arena.AllocateArray<model::Member>(count);
      std::size_t i = 0;
      for (const auto field : object) members[i++] = {field.key, ToValue(field.value, arena)};
      return model::Value::Map(members);
    }
  }
  return {};
}

}  // namespace ronda::engine::extract
