#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace ronda::net {

std::string TakeTlsError() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown TLS error";
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "TLS error " + std::to_string(code);
}

bool EndedWithoutNotice() {
  if (ERR_GET_REASON(ERR_peek_error()) != SSL_R_UNEXPECTED_EOF_WHILE_READING) return false;
  ERR_clear_error();
  return true;
}

}  // namespace ronda::net
