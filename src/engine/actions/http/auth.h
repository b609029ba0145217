#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/codec/auth.h"

namespace ronda::engine {

// The digest challenges that a user has answered: one an origin and name.
struct UserAuth {
  struct Entry {
    std::string key;  // user@host:port
    std::unique_ptr<net::DigestAuth> digest;
  };
  std::vector<Entry> entries;
};

}  // namespace ronda::engine
