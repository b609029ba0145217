#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What to change in a class, as plain values: made once by whoever knows the rules, used for every class
// that they match. Names are those of class files: "java/lang/String", "(I)V", modified UTF-8.
namespace ronda::agent::rewrite {

// One value handed to a static method. It is converted to the parameter's type: a primitive is boxed for
// java/lang/Object and its own box, a reference is cast. A value that cannot be had (`this` of a static
// method, or before super(); the result of a void method) is null.
struct Value {
  enum Kind : std::uint8_t {
    kInt,
    kLong,
    kText,  // a String constant
    kThis,
    kArgument,  // as it came in, whatever the method did to it since
    kArguments,  // all of them, boxed, as Object[]; at entry only
    kToken,  // what the entry call gave back; at return and throw
    kReturned,  // at return
    kThrown,  // at throw, and of OnFailure
  };
  Kind kind = kInt;
  std::int64_t number = 0;  // of kInt and kLong; of kArgument its index
  std::string text;

  [[nodiscard]] static Value Int(std::int32_t v) { return {kInt, v, {}}; }
  [[nodiscard]] static Value Long(std::int64_t v) { return {kLong, v, {}}; }
  [[nodiscard]] static Value Text(std::string_view v) { return {kText, 0, std::string(v)}; }
  [[nodiscard]] static Value This() { return {kThis, 0, {}}; }
  [[nodiscard]] static Value Argument(std::uint8_t i) { return {kArgument, i, {}}; }
  [[nodiscard]] static Value Arguments() { return {kArguments, 0, {}}; }
  [[nodiscard]] static Value Token() { return {kToken, 0, {}}; }
  [[nodiscard]] static Value Returned() { return {kReturned, 0, {}}; }
  [[nodiscard]] static Value Thrown() { return {kThrown, 0, {}}; }
};

// A call of a static method, Java or native, of a class that the changed class's loader can see. It has
// one value for each parameter of the descriptor. Whatever it throws, an Error too, stays inside.
struct Call {
  std::string owner;
  std::string name;
  std::string descriptor;
  std::vector<Value> values;
};

// Which methods; an empty text matches all. The annotation is a descriptor: "Lorg/junit/Test;".
struct MethodMatcher {
  std::string name;
  std::string descriptor;
  std::string annotation;
};

// What becomes of a call's result; nothing: it is dropped.
enum class Take : std::uint8_t {
  kNothing,
  kToken,  // OnEntry: kept for return and throw. Zero or null if the call failed
  kArgument,  // OnEntry: replaces an argument, unless the call failed
  kReturned,  // OnReturn: is returned instead, unless the call failed
};

// Calls around the body of the methods that match. At entry they run in the order of the plan, at return
// and throw in the reverse. A method's own exception goes on unchanged after OnThrow; none of these calls
// is inside the method's own exception handlers.
class Advice {
 public:
  explicit Advice(MethodMatcher where) : where_(std::move(where)) {}

  // Before the first instruction; in a constructor, before super().
  Advice& OnEntry(Call call, Take take = Take::kNothing, std::uint8_t argument = 0) {
    entry_ = std::move(call);
    take_ = take;
    argument_ = argument;
    return *this;
  }
  // Before each return.
  Advice& OnReturn(Call call, Take take = Take::kNothing) {
    return_ = std::move(call);
    return_take_ = take;
    return *this;
  }
  // When an exception leaves the method; of a constructor, after super() only.
  Advice& OnThrow(Call call) {
    throw_ = std::move(call);
    return *this;
  }

  [[nodiscard]] const MethodMatcher& where() const { return where_; }
  [[nodiscard]] const std::optional<Call>& entry() const { return entry_; }
  [[nodiscard]] Take entry_take() const { return take_; }
  [[nodiscard]] std::uint8_t argument() const { return argument_; }
  [[nodiscard]] const std::optional<Call>& on_return() const { return return_; }
  [[nodiscard]] Take return_take() const { return return_take_; }
  [[nodiscard]] const std::optional<Call>& on_throw() const { return throw_; }

 private:
  MethodMatcher where_;
  std::optional<Call> entry_;
  Take take_ = Take::kNothing;
  std::uint8_t argument_ = 0;
  std::optional<Call> return_;
  Take return_take_ = Take::kNothing;
  std::optional<Call> throw_;
};

// Calls of owner.name:descriptor, by whatever invoke but of a constructor, become calls of a static method
// with the same effect on the stack: its descriptor has the receiver first unless the call was static.
// `owner` is the class that the call names, not the one that declares the method.
struct CallReplacement {
  MethodMatcher where;  // the methods to look in
  std::string owner;
  std::string name;
  std::string descriptor;
  std::string new_owner;
  std::string new_name;
  // The type of the receiver parameter; empty: `owner`. java/lang/Object takes any.
  std::string receiver;
};

// An instance field, private, synthetic and transient, with public methods to get and set it where they
// are named: so that an added interface can be implemented.
struct FieldAddition {
  std::string name;
  std::string descriptor;
  std::string getter;
  std::string setter;
};

// Owned by one thread while it is made; then const and shared.
class Plan {
 public:
  Advice& Method(MethodMatcher where) { return advice_.emplace_back(std::move(where)); }
  // Called with what a call of the plan threw; the values are constants and kThrown. Throws nothing out
  // either.
  Plan& OnFailure(Call call) {
    failure_ = std::move(call);
    return *this;
  }
  Plan& ReplaceCall(CallReplacement replacement) {
    replacements_.push_back(std::move(replacement));
    return *this;
  }
  // These two change the class's schema: of a class at its first load only (Schema).
  Plan& AddField(FieldAddition field) {
    fields_.push_back(std::move(field));
    return *this;
  }
  Plan& AddInterface(std::string name) {
    interfaces_.push_back(std::move(name));
    return *this;
  }

  [[nodiscard]] const std::deque<Advice>& advice() const { return advice_; }
  [[nodiscard]] const std::optional<Call>& failure() const { return failure_; }
  [[nodiscard]] const std::vector<CallReplacement>& replacements() const { return replacements_; }
  [[nodiscard]] const std::vector<FieldAddition>& fields() const { return fields_; }
  [[nodiscard]] const std::vector<std::string>& interfaces() const { return interfaces_; }

 private:
  std::deque<Advice> advice_;
  std::optional<Call> failure_;
  std::vector<CallReplacement> replacements_;
  std::vector<FieldAddition> fields_;
  std::vector<std::string> interfaces_;
};

}  // namespace ronda::agent::rewrite
