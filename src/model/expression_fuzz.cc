#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/core/check.h"
#include "model/expression.h"
#include "model/expression_testing.h"

namespace {

using namespace ronda::model;

// Everything an expression can read: each type once, and a value whose type load does not know.
class World {
 public:
  World() {
    names_.Set("status", Value::Int(200), Type::kInt);
    names_.Set("ratio", Value::Float(0.25), Type::kFloat);
    names_.Set("latency", Value::DurationNs(120'000'000), Type::kDuration);
    names_.Set("body", Value::String("h\xc3\xa9llo \xff world"), Type::kString);
    names_.Set("ok", Value::Bool(true), Type::kBool);
    names_.Set("gone", Value(), Type::kInt);
    names_.Set("env.shop", Value::String("http://shop"), Type::kString);
    names_.Set("words", maker_.List({Value::String("x"), Value::String("y")}), Type::kList);
    names_.Set("json",
               maker_.Map({{"items", maker_.List({maker_.Map({{"price", Value::Float(1.5)}}),
                                                  Value::Int(INT64_MIN), Value()})},
                           {"a b", Value::Int(7)},
                           {"text", Value::String("{\"a\":[1,2]}")}}));
  }

  TestNames& names() { return names_; }

  // The same arena and dice each time, so that the same text gives the same value.
  template <typename Call>
  std::string Run(const Call& call) {
    arena_.Reset();
    ronda::base::Random random(7);
    EvalContext context{names_.values(), &arena_, &random, 1'700'000'000'123'000'000, {}};
    return call(context);
  }

 private:
  ValueMaker maker_;
  TestNames names_;
  Arena arena_;
};

std::string Text(const Expression& expression, EvalContext& context) {
  Value value;
  if (!expression.Evaluate(context, value)) {
    CHECK(!context.error.empty());
    return "error: " + std::string(context.error);
  }
  if (expression.type().has_value() && value.type() != Type::kNull) {
    CHECK(*expression.type() == value.type());
  }
  std::string text;
  AppendText(value, text);
  return text;
}

void CheckError(const LoadError& error, std::string_view text) {
  CHECK(!error.message.empty());
  CHECK(error.offset <= text.size());
}

}  // namespace

// Any text as an expression and as a template: it is refused with a place inside it, or evaluates
// to the same value of its static type each time, or fails with a reason.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  World world;
  LoadError error;
  if (const auto expression = Expression::Compile(text, world.names(), error)) {
    const auto evaluate = [&](EvalContext& context) { return Text(*expression, context); };
    const std::string first = world.Run(evaluate);
    CHECK(first == world.Run(evaluate));
    if (const auto constant = expression->constant()) {
      std::string folded;
      AppendText(*constant, folded);
      CHECK(folded == first);
    }
  } else {
    CheckError(error, text);
  }

  error = {};
  if (const auto whole = Template::Compile(text, world.names(), error)) {
    const auto render = [&](EvalContext& context) {
      std::string out;
      if (whole->Render(context, out)) return "text: " + out;
      CHECK(!context.error.empty());
      return "error: " + std::string(context.error);
    };
    const std::string first = world.Run(render);
    CHECK(first == world.Run(render));
    if (const auto literal = whole->literal()) CHECK(first == "text: " + std::string(*literal));
  } else {
    CheckError(error, text);
  }
  return 0;
}
