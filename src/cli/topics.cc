#include "cli/topics.h"

#include <algorithm>

namespace ronda::cli {

const Topic* FindTopic(std::string_view name) {
  const auto found = std::ranges::find(Topics(), name, &Topic::name);
  return found == Topics().end() ? nullptr : &*found;
}

std::vector<std::string> TopicNames() {
  std::vector<std::string> names;
  for (const Topic& topic : Topics()) names.emplace_back(topic.name);
  return names;
}

}  // namespace ronda::cli
