#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/router.h"
#include "base/core/status.h"

// What watches the server itself: /healthz, /readyz, /metrics.
namespace ronda::api {

// A part of the server that can be asked whether it could work now. Returns ok, or why not.
struct ReadyCheck {
  std::string name;  // "database"
  std::function<base::Status()> check;  // any thread; quick
};

// A page of figures in Prometheus' text format (version 0.0.4). Owned by one thread.
class MetricsPage {
 public:
  using Labels = std::vector<std::pair<std::string_view, std::string_view>>;
  enum class Type : std::uint8_t { kCounter, kGauge };

  // Begins a family: "ronda_runs_active". Values follow; a family begins once a page.
  void Family(std::string_view name, Type type, std::string_view help);
  void Value(double value, const Labels& labels = {});

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string name_;
  std::string text_;
};
// A room's figures: writes its families. Any thread; quick.
using MetricsSource = std::function<void(MetricsPage&)>;

// Outlives the router. Add everything before the first request; then any thread.
class HealthRoutes {
 public:
  void Add(ReadyCheck check) { checks_.push_back(std::move(check)); }
  void Add(MetricsSource source) { sources_.push_back(std::move(source)); }
  void AddTo(Router& router);

 private:
  [[nodiscard]] http::Response Ready() const;
  std::vector<ReadyCheck> checks_;
  std::vector<MetricsSource> sources_;
};

}  // namespace ronda::api
