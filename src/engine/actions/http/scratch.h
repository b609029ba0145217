#pragma once

#include <memory>
#include <vector>

namespace ronda::engine {

class HttpCall;

// What the HTTP action keeps for a thread: exchanges that are not in use, so that a steady load makes
// none.
class HttpScratch {
 public:
  HttpScratch();
  ~HttpScratch();
  [[nodiscard]] HttpCall& Take();
  void Give(HttpCall& call);

 private:
  std::vector<std::unique_ptr<HttpCall>> all_;
  std::vector<HttpCall*> free_;
};

}  // namespace ronda::engine
