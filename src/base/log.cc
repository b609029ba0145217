#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace ronda::base {
namespace {

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return spdlog::level::debug;
    case LogLevel::kInfo: return spdlog::level::info;
    case LogLevel::kWarning: return spdlog::level::warn;
    case LogLevel::kError: return spdlog::level::err;
  }
  return spdlog::level::info;
}

}  // namespace

struct Log::Impl {
  spdlog::logger logger{"ronda", std::make_shared<spdlog::sinks::stderr_sink_mt>()};
};

Log::Log(LogLevel least) : impl_(std::make_unique<Impl>()) {
  impl_->logger.set_level(ToSpdlog(least));
  impl_->logger.set_pattern("%l: %v");
}

Log::~Log() = default;

void Log::SetLevel(LogLevel least) { impl_->logger.set_level(ToSpdlog(least)); }

void Log::Write(LogLevel level, std::string_view text) {
  impl_->logger.log(ToSpdlog(level), "{}", text);
}

}  // namespace ronda::base
