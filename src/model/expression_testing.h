#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/core/random.h"
#include "model/expression.h"
#include "model/value.h"

// For tests, benches and fuzzers only.
namespace ronda::model {

// Names with values: "env.shop" covers one slot; what is longer is looked up in the value.
class TestNames : public Names {
 public:
  void Set(std::string name, Value value) { Set(std::move(name), value, std::nullopt); }
  void Set(std::string name, Value value, std::optional<Type> type) {
    const auto [entry, is_new] = bindings_.try_emplace(std::move(name));
    if (is_new) {
      entry->second.slot = static_cast<std::uint32_t>(values_.size());
      values_.emplace_back();
    }
    entry->second.type = type;
    values_[entry->second.slot] = value;
  }

  std::optional<Binding> Resolve(std::span<const std::string_view> path) override {
    std::string full;
    for (std::size_t i = 0; i < path.size(); ++i) {
      if (i > 0) full += '.';
      full += path[i];
      const auto found = bindings_.find(full);
      if (found == bindings_.end()) continue;
      Binding binding = found->second;
      binding.segments = static_cast<std::uint32_t>(i + 1);
      return binding;
    }
    return std::nullopt;
  }
  void List(std::vector<std::string>& out) const override {
    for (const auto& [name, binding] : bindings_) out.push_back(name);
  }

  [[nodiscard]] std::span<const Value> values() const { return values_; }

 private:
  std::map<std::string, Binding> bindings_;
  std::vector<Value> values_;
};

// Values that a test builds, kept until its end.
class ValueMaker {
 public:
  Value List(std::vector<Value> items) {
    return Value::List(lists_.emplace_back(std::move(items)));
  }
  Value Map(std::vector<Member> members) {
    return Value::Map(maps_.emplace_back(std::move(members)));
  }

 private:
  std::deque<std::vector<Value>> lists_;
  std::deque<std::vector<Member>> maps_;
};

}  // namespace ronda::model
