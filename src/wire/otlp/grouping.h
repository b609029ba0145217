#pragma once

#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "wire/otlp/model.h"

namespace ronda::wire::otlp {

// A batch's scopes by resource, and its items (spans or records) by scope, each in the batch's order.
class Grouping {
 public:
  template <typename Items>
  Grouping(const BatchParts& batch, const Items& items)
      : scopes_(batch.scopes.size(), batch.resources.size(),
                [&](std::size_t i) { return batch.scopes[i].resource; }),
        items_(items.size(), batch.scopes.size(), [&](std::size_t i) { return items[i].scope; }) {}

  [[nodiscard]] std::span<const std::uint32_t> ScopesOf(std::size_t resource) const {
    return scopes_.Of(resource);
  }
  [[nodiscard]] std::span<const std::uint32_t> ItemsOf(std::size_t scope) const {
    return items_.Of(scope);
  }

 private:
  // Indices below `count` by their group, which is below `groups`: a counting sort.
  struct Order {
    template <typename GroupOf>
    Order(std::size_t count, std::size_t groups, const GroupOf& group_of)
        : begins(groups + 1, 0), order(count) {
      for (std::size_t i = 0; i < count; ++i) ++begins[group_of(i) + 1];
      std::partial_sum(begins.begin(), begins.end(), begins.begin());
      std::vector<std::uint32_t> next(begins.begin(), begins.end() - 1);
      for (std::size_t i = 0; i < count; ++i) {
        order[next[group_of(i)]++] = static_cast<std::uint32_t>(i);
      }
    }
    [[nodiscard]] std::span<const std::uint32_t> Of(std::size_t group) const {
      return {order.data() + begins[group], begins[group + 1] - begins[group]};
    }
    std::vector<std::uint32_t> begins;
    std::vector<std::uint32_t> order;
  };

  Order scopes_;
  Order items_;
};

}  // namespace ronda::wire::otlp
