#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/definitions.h"
#include "model/expression.h"
#include "model/value.h"

namespace ronda::engine::extract {

struct HeaderField {
  std::string_view name;
  std::string_view value;
};

// What extractors read. Borrowed.
struct Response {
  std::string_view body;                   // decoded; at least 64 readable bytes follow it
  std::span<const HeaderField> headers;
};

// The response at hand, parsed at most once however many extractors read it (JSON by simdjson, HTML by
// libxml2). One a reactor thread, reused; Load forgets the last response.
class Reader {
 public:
  Reader();
  ~Reader();
  void Load(const Response& response);
  [[nodiscard]] const Response& response() const;
  struct Impl;
  [[nodiscard]] Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

// A JSONPath (RFC 9535), compiled. Immutable; thread-safe.
class JsonPath {
 public:
  [[nodiscard]] static std::unique_ptr<const JsonPath> Compile(std::string_view text,
                                                               model::LoadError& error);
  // `json.items[0].price` of an expression: member names and indexes ("0") in order.
  [[nodiscard]] static std::unique_ptr<const JsonPath> FromSegments(
      std::span<const std::string_view> segments);
  virtual ~JsonPath() = default;

  // One node: its value; several: a list of them; none: null. Strings may point into the reader's
  // parse, valid until its next Load; lists and maps lie in `arena`. False, with `error` set (static or
  // in the arena), when the body is no JSON.
  [[nodiscard]] virtual bool Read(Reader& reader, model::Arena& arena, model::Value& result,
                                  std::string_view& error) const = 0;
};

// One extraction of a step (docs/formats/scenario.md, `extract`): JSONPath, RE2 regex, header, cookie
// (of this response's Set-Cookie), XPath, CSS. Not kExpression, which is the engine's. Immutable.
class Extractor {
 public:
  // Returns null and fills `error`, whose offset counts within spec.pattern.
  [[nodiscard]] static std::unique_ptr<const Extractor> Compile(const model::Extract& spec,
                                                                model::LoadError& error);
  virtual ~Extractor() = default;
  // As JsonPath::Read, with `index` applied; null when nothing matched. `random` serves `index: random`.
  [[nodiscard]] virtual bool Read(Reader& reader, model::Arena& arena, base::Random& random,
                                  model::Value& result, std::string_view& error) const = 0;
};

}  // namespace ronda::engine::extract
