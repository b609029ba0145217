#pragma once

#include <libxml/tree.h>
#include <simdjson.h>

#include <memory>
#include <string_view>

#include "base/core/check.h"
#include "engine/extract/extractor.h"

namespace ronda::engine::extract {

struct FreeHtml {
  void operator()(xmlDoc* document) const { xmlFreeDoc(document); }
};

// The parsers of one reader. Private to the room.
struct Reader::Impl {
  enum class State { kNotParsed, kParsed, kFailed };

  Response response;
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  State json = State::kNotParsed;
  std::string_view json_error;
  std::unique_ptr<xmlDoc, FreeHtml> html;

  // Parses the body as JSON once; false with json_error set.
  bool ParseJson();
  // Parses it as HTML once; null when there is nothing.
  xmlDoc* ParseHtml();
};

// The element as what its type says it is; the caller has looked at the type.
[[nodiscard]] inline simdjson::dom::array ArrayOf(simdjson::dom::element element) {
  simdjson::dom::array array{};
  CHECK(element.get(array) == simdjson::SUCCESS);
  return array;
}
[[nodiscard]] inline simdjson::dom::object ObjectOf(simdjson::dom::element element) {
  simdjson::dom::object object{};
  CHECK(element.get(object) == simdjson::SUCCESS);
  return object;
}

// A deep copy of a JSON value: lists and maps in the arena, strings where the parse keeps them.
[[nodiscard]] model::Value ToValue(simdjson::dom::element element, model::Arena& arena);

}  // namespace ronda::engine::extract
