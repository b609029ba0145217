#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/core/check.h"
#include "base/core/status.h"

// Big-endian bytes in and out. Values and borrowed views; one thread at a time.
namespace ronda::agent::classfile {

using ByteSpan = std::span<const std::uint8_t>;

[[nodiscard]] inline std::uint16_t LoadU2(const std::uint8_t* p) {
  return static_cast<std::uint16_t>(p[0] << 8 | p[1]);
}
[[nodiscard]] inline std::uint32_t LoadU4(const std::uint8_t* p) {
  return static_cast<std::uint32_t>(p[0]) << 24 | static_cast<std::uint32_t>(p[1]) << 16 |
         static_cast<std::uint32_t>(p[2]) << 8 | p[3];
}
[[nodiscard]] inline std::string_view TextOf(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Reads forward through bytes that it borrows. Reading past the end gives zeros and makes the cursor
// bad for good, so that a reader asks once, at the end of a structure, instead of at each field.
class Cursor {
 public:
  explicit Cursor(ByteSpan bytes, std::size_t at = 0) : bytes_(bytes), at_(at) {
    if (at_ > bytes_.size()) Fail();
  }

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] std::size_t left() const { return bytes_.size() - at_; }
  void Fail() {
    ok_ = false;
    at_ = bytes_.size();
  }

  std::uint8_t U1() {
    if (left() < 1) return Failed();
    return bytes_[at_++];
  }
  std::uint16_t U2() {
    if (left() < 2) return Failed();
    at_ += 2;
    return LoadU2(bytes_.data() + at_ - 2);
  }
  std::uint32_t U4() {
    if (left() < 4) return Failed();
    at_ += 4;
    return LoadU4(bytes_.data() + at_ - 4);
  }
  ByteSpan Take(std::size_t size) {
    if (left() < size) {
      Fail();
      return {};
    }
    at_ += size;
    return bytes_.subspan(at_ - size, size);
  }
  void Skip(std::size_t size) { (void)Take(size); }

 private:
  std::uint8_t Failed() {
    Fail();
    return 0;
  }

  ByteSpan bytes_;
  std::size_t at_;
  bool ok_ = true;
};

// Bytes that grow at their end. Allocation may throw std::bad_alloc; see Contained.
class ByteWriter {
 public:
  void U1(std::uint32_t value) { bytes_.push_back(static_cast<std::uint8_t>(value)); }
  void U2(std::uint32_t value) {
    U1(value >> 8);
    U1(value);
  }
  void U4(std::uint32_t value) {
    U2(value >> 16);
    U2(value);
  }
  void Raw(ByteSpan bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  void Raw(std::string_view text) {
    Raw(ByteSpan(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  }
  // Overwrites what stands at `at` already.
  void PatchU2(std::size_t at, std::uint32_t value) {
    DCHECK(at + 2 <= bytes_.size());
    bytes_[at] = static_cast<std::uint8_t>(value >> 8);
    bytes_[at + 1] = static_cast<std::uint8_t>(value);
  }
  void PatchU4(std::size_t at, std::uint32_t value) {
    PatchU2(at, value >> 16);
    PatchU2(at + 2, value);
  }
  void Reserve(std::size_t size) { bytes_.reserve(size); }
  void Clear() { bytes_.clear(); }
  // Keeps the first `size` bytes.
  void Truncate(std::size_t size) { bytes_.resize(size); }

  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] ByteSpan bytes() const { return bytes_; }
  [[nodiscard]] std::vector<std::uint8_t> Release() { return std::move(bytes_); }

 private:
  std::vector<std::uint8_t> bytes_;
};

// Runs `body`, which returns a Status or a Result, and turns a failed allocation into one: the public
// functions of these rooms run inside somebody else's process and let nothing out. The text is short
// enough to need no memory itself.
template <typename Body>
[[nodiscard]] std::invoke_result_t<Body> Contained(const Body& body) noexcept {
  try {
    return body();
  } catch (const std::exception&) {
    return base::ResourceExhausted("out of memory");
  }
}

}  // namespace ronda::agent::classfile
