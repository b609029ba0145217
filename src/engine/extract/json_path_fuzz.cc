#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/extract/extractor.h"

// A path, a NUL, a document: never crashes, never runs away.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace extract = ronda::engine::extract;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t nul = input.find('\0');
  if (nul == std::string_view::npos) return 0;
  ronda::model::LoadError error;
  const auto path = extract::JsonPath::Compile(input.substr(0, nul), error);
  if (path == nullptr) return 0;
  std::string body(input.substr(nul + 1));
  body.reserve(body.size() + 64);
  static extract::Reader reader;
  reader.Load({body, {}});
  ronda::model::Arena arena;
  ronda::model::Value value;
  std::string_view why;
  if (path->Read(reader, arena, value, why)) {
    std::string out;
    ronda::model::AppendJson(value, out);
  }
  return 0;
}
