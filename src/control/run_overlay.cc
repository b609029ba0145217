#include "control/run_overlay.h"

#include <simdjson.h>

#include "base/json_writer.h"

namespace ronda::control {

std::string OverlayOf(const Recipe& recipe) {
  base::JsonWriter json;
  json.Object().Field("kind", recipe.root_kind).Field("name", recipe.root_name);
  json.Field("version", recipe.root_version).Field("repeatable", recipe.repeatable);
  json.Field("timeoutNs", recipe.timeout_ns).Field("retries", recipe.retries);
  json.Field("retryEveryNs", recipe.retry_every_ns).Field("keep", static_cast<int>(recipe.keep));
  json.Field("bodyBytes", recipe.body_bytes).Field("count", recipe.workers.count);
  json.Key("zones").List();
  for (const std::string& zone : recipe.workers.zones) json.Text(zone);
  json.EndList().Key("labels").Object();
  for (const auto& [key, value] : recipe.workers.labels) json.Field(key, value);
  json.EndObject().Key("set").Object();
  for (const auto& [key, value] : recipe.set) json.Field(key, value);
  json.EndObject().Key("paths").List();
  for (const std::string& path : recipe.paths) json.Text(path);
  json.EndList().EndObject();
  return std::move(json.out);
}

base::Result<std::shared_ptr<Recipe>> RecipeOfRun(const store::RunRow& run,
                                                  const std::string& snapshot_text) {
  auto recipe = std::make_shared<Recipe>();
  recipe->kind = run.kind;
  recipe->name = run.name;
  recipe->version = run.version;
  recipe->digest = run.digest;
  recipe->environment = run.environment;
  recipe->snapshot_digest = run.snapshot;
  recipe->snapshot_text = snapshot_text;
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  const auto broken = [&] {
    return base::DataLoss("run " + run.id + ": its overlay cannot be read");
  };
  if (parser.parse(run.overlay).get(object) != simdjson::SUCCESS) return broken();
  std::string_view text;
  std::int64_t number = 0;
  const auto get = [&](const char* key, auto& value) {
    return object[key].get(value) == simdjson::SUCCESS;
  };
  const auto take = [&](const char* key, auto& out) {
    if (!get(key, number)) return false;
    out = static_cast<std::decay_t<decltype(out)>>(number);
    return true;
  };
  if (!get("kind", text)) return broken();
  recipe->root_kind = text;
  if (!get("name", text)) return broken();
  recipe->root_name = text;
  if (!get("repeatable", recipe->repeatable) || !take("version", recipe->root_version) ||
      !take("timeoutNs", recipe->timeout_ns) || !take("retries", recipe->retries) ||
      !take("retryEveryNs", recipe->retry_every_ns) || !take("keep", recipe->keep) ||
      !take("bodyBytes", recipe->body_bytes) || !take("count", recipe->workers.count)) {
    return broken();
  }
  simdjson::dom::array list;
  if (!get("zones", list)) return broken();
  for (const auto each : list) recipe->workers.zones.emplace_back(each.get_string().value_unsafe());
  if (!get("paths", list)) return broken();
  for (const auto each : list) recipe->paths.emplace_back(each.get_string().value_unsafe());
  simdjson::dom::object map;
  if (!get("labels", map)) return broken();
  for (const auto [key, value] : map)
    recipe->workers.labels[std::string(key)] = value.get_string().value_unsafe();
  if (!get("set", map)) return broken();
  for (const auto [key, value] : map)
    recipe->set.emplace_back(key, value.get_string().value_unsafe());
  return recipe;
}

}  // namespace ronda::control
