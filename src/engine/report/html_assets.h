#pragma once

#include <string_view>

// assets/report.css and assets/report.js, embedded by the build. Private to this room.
namespace ronda::engine::report {

extern const std::string_view kReportStyle;
extern const std::string_view kReportScript;

}  // namespace ronda::engine::report
