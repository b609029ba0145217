#include "engine/actions/registry.h"

#include "engine/actions/assert/assert_action.h"
#include "engine/actions/http/http_action.h"
#include "engine/actions/log/log_action.h"
#include "engine/actions/wait/wait_action.h"

namespace ronda::engine {

CompileAction FindAction(std::string_view code) {
  if (code == "http.request") return CompileHttp;
  if (code == "wait") return CompileWait;
  if (code == "assert") return CompileAssert;
  if (code == "log") return CompileLog;
  return nullptr;
}

}  // namespace ronda::engine
