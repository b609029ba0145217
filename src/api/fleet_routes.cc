
#include <charconv>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "api/control_routes.h"
#include "api/time_text.h"
#include "base/json_writer.h"
#include "http/stream.h"
#include "store/servers.h"

namespace ronda::api {
namespace {

using base::JsonWriter;
using control::Controller;

struct WorkerView {
  std::string id, zone, version;
  std::map<std::string, std::string> labels;
  bool attached = false;
  std::uint32_t cores = 0, capacity = 0, parts = 0;
  double cpu = 0;
  std::uint64_t memory_bytes = 0;
  std::int64_t clock_offset_ns = 0, last_seen_ns = 0;
};

base::Result<http::Response> Workers(const ControlParts& parts) {
  ASSIGN_OR_RETURN(
      const std::vector<WorkerView> views,
      parts.controller->Ask<std::vector<WorkerView>>(
          [](Controller::Turn& turn) -> base::Result<std::vector<WorkerView>> {
            std::vector<WorkerView> all;
            for (const auto& [id, worker] : turn.fleet.workers()) {
              all.push_back({worker.id, worker.zone, worker.version, worker.labels,
                             worker.attached(), worker.cores, worker.capacity,
                             static_cast<std::uint32_t>(worker.parts.size()), worker.cpu,
                             worker.used_memory_bytes, worker.clock_offset_ns,
                             static_cast<std::int64_t>(worker.last_seen_wall_ns)});
            }
            return all;
          }));
  JsonWriter json;
  json.Object().Key("workers").List();
  for (const WorkerView& worker : views) {
    json.Object().Field("id", worker.id).Field("zone", worker.zone);
    json.Field("version", worker.version).Field("attached", worker.attached);
    json.Field("cores", worker.cores).Field("capacity", worker.capacity);
    json.Field("parts", worker.parts).Field("cpu", worker.cpu);
    json.Field("memory_bytes", worker.memory_bytes);
    json.Field("clock_offset_ns", worker.clock_offset_ns);
    json.Field("last_seen_at", TimeText(worker.last_seen_ns)).Key("labels").Object();
    for (const auto& [key, value] : worker.labels) json.Field(key, value);
    json.EndObject().EndObject();
  }
  json.EndList().EndObject();
  return http::Response{.body = std::move(json.out)};
}

// Events as they happen. `Last-Event-ID` goes on behind that one; a first event "gap" tells a client that
// some were let go meanwhile.
http::Response Follow(control::EventBus& bus, const Call& call) {
  std::uint64_t after = 0;
  const std::string_view last = call.request.Header("Last-Event-ID");
  std::from_chars(last.data(), last.data() + last.size(), after);
  http::Response response{.content_type = "text/event-stream", .body = ""};
  response.headers = {{"Cache-Control", "no-store"}};
  response.stream = [&bus, after](http::Stream stream) {
    // Something at once, so that the client knows that it is connected.
    stream.Write(": ronda\n\n");
    if (after > 0 && after + 1 < bus.oldest()) {
      stream.Write(http::TextOf({.data = "{}", .type = "gap"}));
    }
    const std::uint64_t handle =
        bus.Subscribe(after, [stream](const control::Event& event) mutable {
          const std::string id = std::to_string(event.id);
          // One that reads too slowly is cut off; it comes back with the last id that it has.
          if (stream.Write(http::TextOf({.data = event.json, .type = event.type, .id = id})) ==
              http::Stream::Written::kFull) {
            stream.End();
          }
        });
    stream.OnGone([&bus, handle] { bus.Unsubscribe(handle); });
  };
  return response;
}

}  // namespace

void AddFleetRoutes(const ControlParts& parts, Router& router) {
  using namespace schema;
  router.Add({.pattern = "/api/v1/workers",
              .summary = "The workers that this server knows",
              .name = "listWorkers",
              .access = {Role::kViewer, Area::kFleet},
              .answers = {{.description = "By id",
                           .schema = Object(
                               {{"workers",
                                 ListOf(Named("Worker", Object({{"id", Text()},
                                                                {"zone", Text()},
                                                                {"version", Text()},
                                                                {"attached", Bool()},
                                                                {"cores", Integer()},
                                                                {"capacity", Integer()},
                                                                {"parts", Integer()},
                                                                {"cpu", Number()},
                                                                {"memory_bytes", Integer()},
                                                                {"clock_offset_ns", Integer()},
                                                                {"last_seen_at", Text()},
                                                                {"labels", MapOf(Text())}})))}})}},
              .errors = {503},
              .answer = [parts](const Call&) { return Workers(parts); }});
  router.Add({.pattern = "/api/v1/stream",
              .summary = "What happens, as it happens (server-sent events)",
              .name = "follow",
              .access = {Role::kViewer, Area::kRuns},
              .answers = {{.description = "run, patrol, worker events; gap: some were let go",
                           .content = "text/event-stream"}},
              .answer = [parts](const Call& call) -> base::Result<http::Response> {
                return Follow(*parts.events, call);
              }});
}

}  // namespace ronda::api
