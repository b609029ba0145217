#include "base/core/check.h"

#include <cstdio>
#include <cstdlib>

namespace ronda::base::internal {

void CheckFailed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: CHECK(%s) failed: this is a bug in ronda\n", file, line, condition);
  std::abort();
}

}  // namespace ronda::base::internal
