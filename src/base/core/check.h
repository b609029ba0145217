#pragma once

// CHECK(condition): stops the process with file, line and condition when the condition is false.
// For bugs only, never for outside input (that gets a Status). On in every build.
#define CHECK(condition)        \
  (static_cast<bool>(condition) \
       ? static_cast<void>(0)   \
       : ::ronda::base::internal::CheckFailed(__FILE__, __LINE__, #condition))

// The same in debug and sanitizer builds; nothing where NDEBUG is set.
#ifdef NDEBUG
#define DCHECK(condition) static_cast<void>(0)
#else
#define DCHECK(condition) CHECK(condition)
#endif

namespace ronda::base::internal {

[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);

}  // namespace ronda::base::internal
