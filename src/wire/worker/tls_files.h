#pragma once

#include <string>

namespace ronda::wire::worker {

// Where a side's certificate lies; PEM. Empty paths: none.
struct TlsFiles {
  std::string certificate = {};  // with its chain
  std::string key = {};
  // Who signed the other side's certificate. A server that names it asks every worker for one (mTLS); a
  // worker that names none trusts whom the system trusts.
  std::string ca = {};
};

}  // namespace ronda::wire::worker
