#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/random.h"
#include "base/core/status.h"
#include "model/value.h"

namespace ronda::model {

// The expression language (docs/formats/expressions.md): compiled once against the names that are
// known where it stands, evaluated any number of times, with bounded cost and no side effects.

// What a name stands for at run time: a slot of EvalContext::slots.
struct Binding {
  std::uint32_t slot = 0;
  // How many segments of the path the slot covers; the rest, all of it with 0, is looked up in its
  // value (map members, list indexes) at run time, a missing one being null.
  std::uint32_t segments = 1;
  std::optional<Type> type;  // when it is known at load; then wrong use is a load error
};

// The names known where an expression stands. Implemented by whoever compiles (the engine's program,
// a guard). Called at load only.
class Names {
 public:
  virtual ~Names() = default;
  // `path`: the identifiers and constant indexes as written, "login", "token" or "json", "items", "0".
  // Returns null when the first segment or a segment of a closed name is unknown: a load error.
  [[nodiscard]] virtual std::optional<Binding> Resolve(std::span<const std::string_view> path) = 0;
  // All full names that could have been meant ("login.token", "env.shop"), for the nearest one.
  virtual void List(std::vector<std::string>& out) const = 0;
};

// What an evaluation reads. Cheap to make; lives on the stack.
struct EvalContext {
  std::span<const Value> slots;
  Arena* arena = nullptr;  // results and temporaries lie here
  base::Random* random = nullptr;
  std::uint64_t wall_ns = 0;  // what now() says, since 1970
  // Why the last evaluation failed, in a form for people; lies in the arena or is static.
  std::string_view error;
};

// Where in its source a text begins, so that a load error can point at line and column.
struct LoadError {
  std::uint32_t offset = 0;  // bytes from the beginning of the expression's text
  std::uint32_t length = 1;
  std::string message;
  std::string hint;  // the nearest valid name, or what to write instead; may be empty
};

// A compiled expression. Immutable; shared by all threads.
class Expression {
 public:
  // Returns nullptr and fills `error` when the text does not compile.
  [[nodiscard]] static std::unique_ptr<const Expression> Compile(std::string_view text,
                                                                 Names& names, LoadError& error);
  virtual ~Expression() = default;

  // False, with context.error set, on a type error or null where none is allowed.
  [[nodiscard]] virtual bool Evaluate(EvalContext& context, Value& result) const = 0;
  // The same for a condition: the result has to be a bool.
  [[nodiscard]] bool Test(EvalContext& context, bool& result) const;

  // Slots that it reads; sorted, each once.
  [[nodiscard]] virtual const std::vector<std::uint32_t>& slots() const = 0;
  // The static type, when known.
  [[nodiscard]] virtual std::optional<Type> type() const = 0;
  // Its value when it reads no slot and calls nothing impure (random(), now(), uuid()).
  [[nodiscard]] virtual std::optional<Value> constant() const = 0;
  [[nodiscard]] virtual std::string_view text() const = 0;
};

// A string with `${...}` in it ("$${" writes a literal "${"). One that is exactly one `${...}` keeps
// the type of its value; any other is a string.
class Template {
 public:
  [[nodiscard]] static std::unique_ptr<const Template> Compile(std::string_view text, Names& names,
                                                               LoadError& error);
  virtual ~Template() = default;

  // Appends the text. False, with context.error set, when a part fails or is null.
  [[nodiscard]] virtual bool Render(EvalContext& context, std::string& out) const = 0;
  // The typed value: of the one `${...}`, else a string in the context's arena. Null is a value here.
  [[nodiscard]] virtual bool Evaluate(EvalContext& context, Value& result) const = 0;

  // The text when it has no `${...}`; else nothing.
  [[nodiscard]] virtual std::optional<std::string_view> literal() const = 0;
  // True when the text is exactly one `${...}`.
  [[nodiscard]] virtual bool is_single_expression() const = 0;
  [[nodiscard]] virtual const std::vector<std::uint32_t>& slots() const = 0;
};

// A literal duration, "800ms", "1h30m", "2.5s", "0": nanoseconds.
[[nodiscard]] base::Result<std::int64_t> ParseDuration(std::string_view text);

}  // namespace ronda::model
