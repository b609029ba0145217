#pragma once

#include <gtest/gtest.h>
#include <simdjson.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "api/router.h"

namespace ronda::api {

[[nodiscard]] inline std::vector<std::string> PathParts(std::string_view path) {
  std::vector<std::string> parts(1);
  for (const char c : path.substr(0, path.find('?'))) {
    if (c == '/')
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

// The row that takes the request, or null.
[[nodiscard]] inline const Route* RouteOf(const Router& router, const http::Request& request) {
  const auto path = PathParts(request.target);
  for (const Route& route : router.routes()) {
    const auto pattern = PathParts(route.pattern);
    const bool same_method =
        route.method == request.method || (request.method == "HEAD" && route.method == "GET");
    if (!same_method || pattern.size() != path.size()) continue;
    const auto same = [](const std::string& a, const std::string& b) {
      return a.starts_with('{') || a == b;
    };
    if (std::ranges::equal(pattern, path, same)) return &route;
  }
  return nullptr;
}

// The status is one that the row documents, and a JSON body is as its schema says.
inline void ExpectDocumented(const Router& router, const http::Request& request,
                             const http::Response& response) {
  const Route* route = RouteOf(router, request);
  if (route == nullptr) return;
  const auto statuses = StatusesOf(*route);
  EXPECT_NE(std::ranges::find(statuses, response.status), statuses.end())
      << request.method << ' ' << request.target << " answers " << response.status << ": "
      << response.body;
  for (const Answer& answer : route->answers) {
    if (answer.status != response.status) continue;
    if (answer.content.empty()) {
      EXPECT_EQ(response.body, "");
      continue;
    }
    if (answer.content != "application/json") continue;
    simdjson::dom::parser parser;
    simdjson::dom::element json;
    ASSERT_EQ(parser.parse(response.body).get(json), simdjson::SUCCESS) << response.body;
    const base::Status status = Check(answer.schema, json, "answer");
    EXPECT_TRUE(status.ok()) << request.target << ": " << status.message() << ": " << response.body;
  }
}

// A path that the pattern takes: each name is "x".
[[nodiscard]] inline std::string PathOf(const Route& route) {
  std::string path;
  bool in_name = false;
  for (const char c : route.pattern) {
    if (c == '{') path += 'x';
    in_name = c == '{' || (in_name && c != '}');
    if (!in_name && c != '}') path += c;
  }
  return path;
}

}  // namespace ronda::api
