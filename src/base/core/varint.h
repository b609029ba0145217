#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ronda::base {

// Integers of variable length as protocol buffers write them: seven bits a byte, least significant
// first (protobuf.dev, "Encoding").
inline void PutVarint(std::uint64_t v, std::string& out) {
  for (; v >= 0x80; v >>= 7) out.push_back(static_cast<char>(v | 0x80));
  out.push_back(static_cast<char>(v));
}

// Its length as a varint, then the bytes.
inline void PutBytes(std::string_view bytes, std::string& out) {
  PutVarint(bytes.size(), out);
  out.append(bytes);
}

// Reads foreign bytes front to back. Every call is false when the bytes end or are wrong.
class VarintReader {
 public:
  explicit VarintReader(std::string_view bytes) : bytes_(bytes) {}

  [[nodiscard]] bool Next(std::uint64_t& value) {
    value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (bytes_.empty()) return false;
      const auto byte = static_cast<std::uint8_t>(bytes_.front());
      bytes_.remove_prefix(1);
      if (shift == 63 && byte > 1) return false;
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }
  // The same, and no more than `most`.
  [[nodiscard]] bool NextUpTo(std::uint64_t most, std::uint64_t& value) {
    return Next(value) && value <= most;
  }
  // What PutBytes wrote; borrowed from the bytes read.
  [[nodiscard]] bool NextBytes(std::string_view& bytes) {
    std::uint64_t size = 0;
    if (!Next(size) || size > bytes_.size()) return false;
    bytes = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return true;
  }
  // The next `size` bytes as they are; borrowed.
  [[nodiscard]] bool NextRaw(std::size_t size, std::string_view& bytes) {
    if (size > bytes_.size()) return false;
    bytes = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return true;
  }
  [[nodiscard]] bool at_end() const { return bytes_.empty(); }
  [[nodiscard]] std::size_t left() const { return bytes_.size(); }

 private:
  std::string_view bytes_;
};

}  // namespace ronda::base
