#include "reference_set.h"

#include <protozero/pbf_writer.hpp>
#include <utility>

namespace ronda::bench {
namespace {

using protozero::pbf_writer;
using std::to_string;

constexpr std::uint32_t kSpansARequest = 512;
constexpr std::size_t kServices = 40;
constexpr int kMostDepth = 6;
constexpr std::array<const char*, 20> kNouns = {
    "order",  "payment", "cart",    "user",   "catalog", "stock",  "shipping",
    "coupon", "search",  "offer",   "price",  "review",  "login",  "ticket",
    "notice", "ledger",  "invoice", "refund", "risk",    "profile"};
constexpr std::array<const char*, 10> kVerbs = {"get",  "create",  "update", "delete", "list",
                                                "lock", "confirm", "cancel", "query",  "sync"};

enum SpanField {
  kTraceId = 1,
  kSpanId = 2,
  kParentId = 4,
  kName = 5,
  kKind = 6,
  kStart = 7,
  kEnd = 8,
  kAttributes = 9,
  kEvents = 11,
  kStatus = 15,
  kFlags = 16
};

void Put(std::string& into, protozero::pbf_tag_type field, std::string_view key,
         std::string_view value) {
  pbf_writer message(into);
  pbf_writer pair(message, field);
  pair.add_string(1, key.data(), key.size());
  pbf_writer any(pair, 2);
  any.add_string(1, value.data(), value.size());
}

void Put(std::string& into, protozero::pbf_tag_type field, std::string_view key,
         std::uint64_t value) {
  pbf_writer message(into);
  pbf_writer pair(message, field);
  pair.add_string(1, key.data(), key.size());
  pbf_writer any(pair, 2);
  any.add_int64(3, static_cast<std::int64_t>(value));
}

}  // namespace

ReferenceSet::ReferenceSet(std::uint64_t seed) : random_(seed) {
  for (int i = 0; i < 30; ++i) {
    std::string agent = "Mozilla/5.0 (Linux; Android 1";
    agent.append(Number(5)).append("; SM-G9").append(Number(100));
    agent.append(") AppleWebKit/537.36 (KHTML, like Gecko) Chrome/12").append(Number(9));
    agents_.push_back(agent.append(".0.0.0 Mobile Safari/537.36"));
  }
  for (int i = 0; i < 40; ++i) {
    std::string stack = "java.net.SocketTimeoutException: Read timed out\n";
    for (int frame = 0; frame < 12; ++frame) {
      stack.append("\tat shop.").append(Noun()).append(".Client.").append(Verb());
      stack.append("(Client.java:").append(Number(900)).append(")\n");
    }
    stacks_.push_back(std::move(stack));
  }
  MakeServices();
}

void ReferenceSet::MakeServices() {
  for (std::size_t i = 0; i < kServices; ++i) {
    Service service;
    const std::string noun = kNouns[i % kNouns.size()];
    service.name = noun + (i < kNouns.size() ? "-api" : "-core");
    service.host = service.name + ".prod.svc.cluster.local";
    service.database = noun + "_db";
    for (std::size_t k = 0; k < 25; ++k) {
      service.routes.push_back(std::string("/api/v1/") + kNouns[(i + k) % 20] + "/{id}/" +
                               kVerbs[k % 10]);
      std::string function = "shop." + noun + ".";
      service.functions.push_back(function.append(Noun()).append("Service.").append(Verb()));
    }
    for (int k = 0; k < 12; ++k) {
      std::string statement = "SELECT id, ";
      statement.append(Noun()).append("_id, status, created_at, changed_at, version FROM ");
      statement.append(noun + "_" + to_string(k)).append(" WHERE ").append(Noun());
      statement.append("_id = ? AND status IN (?, ?) ORDER BY created_at DESC LIMIT ?");
      service.statements.push_back(std::move(statement));
    }
    for (Process& process : service.processes) {
      std::string& resource = process.resource;
      Put(resource, 1, "service.name", service.name);
      Put(resource, 1, "service.version", "1." + Number(40) + ".0");
      Put(resource, 1, "service.instance.id", Hex(32));
      Put(resource, 1, "service.namespace", "shop");
      Put(resource, 1, "deployment.environment.name", "prod");
      Put(resource, 1, "host.name", "node-" + Number(50));
      Put(resource, 1, "k8s.pod.name", service.name + "-" + Hex(10));
      Put(resource, 1, "telemetry.sdk.language", "java");
      Put(resource, 1, "telemetry.sdk.name", "opentelemetry");
      Put(resource, 1, "telemetry.sdk.version", "1.45.0");
    }
    services_.push_back(std::move(service));
  }
}

ReferenceSet::Request ReferenceSet::Next() {
  while (ready_.empty()) MakeTrace();
  Request request = std::move(ready_.front());
  ready_.pop_front();
  return request;
}

std::vector<ReferenceSet::Request> ReferenceSet::Rest() {
  std::vector<Request> rest(std::make_move_iterator(ready_.begin()),
                            std::make_move_iterator(ready_.end()));
  ready_.clear();
  for (Service& service : services_) {
    for (Process& process : service.processes) {
      if (process.count > 0) rest.push_back(Take(process));
    }
  }
  return rest;
}

ReferenceSet::Request ReferenceSet::Take(Process& process) {
  Request request;
  request.spans = std::exchange(process.count, 0);
  pbf_writer message(request.bytes);
  pbf_writer resource_spans(message, 1);
  resource_spans.add_message(1, process.resource);
  std::string scope_spans;
  {
    pbf_writer writer(scope_spans);
    pbf_writer scope(writer, 1);
    scope.add_string(1, "io.opentelemetry.auto");
    scope.add_string(2, "2.11.0");
  }
  scope_spans += process.spans;
  process.spans.clear();
  resource_spans.add_message(2, scope_spans);
  return request;
}

void ReferenceSet::MakeTrace() {
  trace_ = Bytes(16);
  now_ns_ += 100'000 + random_.Below(1'000'000);
  budget_ = 3 + static_cast<int>(random_.Below(26));
  MakeSpan(Kind::kServer,
           {.service = random_.Skewed(20), .process = random_.Below(3), .start = now_ns_});
}

std::uint64_t ReferenceSet::MakeSpan(Kind kind, const Place& place) {
  const std::string id = Bytes(8);
  const std::uint64_t own_ns = 20'000 + (random_.Below(20'000) << random_.Below(10));
  Place below = place;
  below.start += own_ns / 3;
  const std::uint64_t end = MakeChildren(kind, below, id) + own_ns * 2 / 3;
  const bool failed = random_.Below(100) < 2;

  Service& service = services_[place.service];
  std::string span;
  pbf_writer writer(span);
  writer.add_bytes(kTraceId, trace_);
  writer.add_bytes(kSpanId, id);
  if (!place.parent.empty()) writer.add_bytes(kParentId, place.parent.data(), place.parent.size());
  writer.add_enum(kKind, kind == Kind::kDatabase ? 3 : static_cast<int>(kind));
  writer.add_fixed64(kStart, place.start);
  writer.add_fixed64(kEnd, end);
  PutAttributes(kind, place, failed, span);
  if (failed) {
    std::string event;
    pbf_writer exception(event);
    exception.add_fixed64(1, end - 1000);
    exception.add_string(2, "exception");
    Put(event, 3, "exception.type", "java.net.SocketTimeoutException");
    Put(event, 3, "exception.message", "Read timed out after " + Number(5000) + " ms");
    Put(event, 3, "exception.stacktrace", stacks_[random_.Below(stacks_.size())]);
    writer.add_message(kEvents, event);
    pbf_writer status(writer, kStatus);
    status.add_string(2, "Read timed out");
    status.add_enum(3, 2);
  }
  writer.add_fixed32(kFlags, 0x101);

  Process& process = service.processes[place.process];
  pbf_writer(process.spans).add_message(2, span);
  if (++process.count >= kSpansARequest) ready_.push_back(Take(process));
  return end;
}

// Returns when the last one ended.
std::uint64_t ReferenceSet::MakeChildren(Kind kind, const Place& place, std::string_view id) {
  std::uint64_t end = place.start;
  if (kind == Kind::kDatabase || place.depth >= kMostDepth) return end;
  Place child = place;
  child.parent = id;
  ++child.depth;
  if (kind == Kind::kClient) {
    if (budget_-- <= 0) return end;
    child.service = (place.service * 7 + 1 + random_.Below(4)) % services_.size();
    child.process = random_.Below(3);
    child.start += 50'000;
    return MakeSpan(Kind::kServer, child) + 50'000;
  }
  const std::uint64_t children = kind == Kind::kServer ? 1 + random_.Below(3) : random_.Below(3);
  for (std::uint64_t i = 0; i < children && budget_-- > 0; ++i) {
    const std::uint64_t which = random_.Below(10);
    child.start = end;
    end = MakeSpan(which < 3   ? Kind::kInternal
                   : which < 7 ? Kind::kDatabase
                               : Kind::kClient,
                   child);
  }
  return end;
}

void ReferenceSet::PutAttributes(Kind kind, const Place& place, bool failed, std::string& span) {
  const Service& service = services_[place.service];
  const std::string thread = "http-nio-8080-exec-" + Number(48);
  const std::string number = to_string(random_.Skewed(2'000'000));
  const std::size_t route_index = random_.Skewed(service.routes.size());
  const std::string& route = service.routes[route_index];
  const std::string method = route_index % 3 == 0 ? "POST" : "GET";
  const auto text = [&](std::string_view key, std::string_view value) {
    Put(span, kAttributes, key, value);
  };
  const auto integer = [&](std::string_view key, std::uint64_t value) {
    Put(span, kAttributes, key, value);
  };
  pbf_writer writer(span);
  switch (kind) {
    case Kind::kServer: {
      std::string path = route;
      path.replace(path.find("{id}"), 4, number);
      writer.add_string(kName, method + " " + route);
      text("http.request.method", method);
      text("http.route", route);
      text("url.path", path);
      text("url.scheme", "http");
      text("server.address", service.host);
      integer("server.port", 8080);
      text("client.address",
           std::string("10.").append(Number(4)).append(".").append(Number(256)) + ".7");
      text("user_agent.original", agents_[random_.Skewed(agents_.size())]);
      integer("http.response.status_code", failed ? 500 : 200);
      text("network.protocol.version", "1.1");
      text("enduser.id", "u" + to_string(1'000'000 + random_.Skewed(100'000)));
      break;
    }
    case Kind::kClient: {
      const Service& peer = services_[(place.service * 7 + 1) % services_.size()];
      writer.add_string(kName, method);
      text("http.request.method", method);
      text("url.full", "http://" + peer.host + ":8080/api/v1/" + number + "?src=" + service.name);
      text("server.address", peer.host);
      integer("server.port", 8080);
      integer("http.response.status_code", failed ? 503 : 200);
      text("network.protocol.version", "1.1");
      text("network.peer.address", "10.1.0." + Number(120));
      text("peer.service", peer.name);
      text("http.request.header.x-caller", service.name + "/" + route);
      break;
    }
    case Kind::kDatabase: {
      const std::size_t statement = random_.Skewed(service.statements.size());
      writer.add_string(kName, "SELECT " + service.database);
      text("db.system.name", statement % 4 == 0 ? "redis" : "mysql");
      text("db.namespace", service.database);
      text("db.query.text", service.statements[statement]);
      text("db.operation.name", "SELECT");
      text("server.address", "mysql-" + to_string(place.service % 8) + ".db.svc.cluster.local");
      integer("server.port", 3306);
      text("network.peer.address", "10.9.0." + to_string(place.service % 8));
      text("db.user", "app_rw");
      integer("db.response.returned_rows", random_.Skewed(200));
      break;
    }
    case Kind::kInternal: {
      const std::string& function = service.functions[random_.Skewed(service.functions.size())];
      writer.add_string(kName, function);
      text("code.function.name", function);
      text("code.file.path", "/app/src/main/java/" + function + ".java");
      integer("code.line.number", random_.Skewed(900));
      text("tenant.id", "t" + to_string(random_.Skewed(500)));
      text("order.id", "88000" + number);
      text("cloud.region", "north-" + Number(3));
      text("feature.flag.variant", random_.Below(2) == 0 ? "control" : "treatment");
      text("ronda.run", "run-20260821-" + Number(5));
      integer("batch.size", random_.Skewed(64));
      break;
    }
  }
  integer("thread.id", 20 + random_.Below(48));
  text("thread.name", thread);
  if (random_.Below(5) == 0) {
    text("request.id", Hex(32));
    text("session.token", Hex(24));
  }
}

// The order of random numbers must not be the compiler's choice: one call an expression, or calls of
// append one after another.
std::string ReferenceSet::Number(std::uint64_t n) { return to_string(random_.Below(n)); }
std::string ReferenceSet::Noun() { return kNouns[random_.Below(kNouns.size())]; }
std::string ReferenceSet::Verb() { return kVerbs[random_.Below(kVerbs.size())]; }

std::string ReferenceSet::Bytes(std::size_t n) {
  std::string bytes(n, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random_.Next());
  return bytes;
}

std::string ReferenceSet::Hex(std::size_t n) {
  std::string text(n, '\0');
  for (char& digit : text) digit = "0123456789abcdef"[random_.Below(16)];
  return text;
}

}  // namespace ronda::bench
