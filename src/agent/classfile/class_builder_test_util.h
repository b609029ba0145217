#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/classfile/class_file.h"
#include "agent/classfile/code.h"
#include "agent/classfile/frames.h"
#include "agent/classfile/pool_builder.h"

// Classes written by hand for the tests of these rooms.
namespace ronda::agent::classfile {

using Bytes = std::vector<std::uint8_t>;

// A class "T" that extends java/lang/Object, method by method.
class ClassBuilder {
 public:
  explicit ClassBuilder(std::uint16_t major = 61, std::string_view name = "T",
                        std::string_view super = "java/lang/Object")
      : major_(major),
        this_(Class(name)),
        super_(super.empty() ? std::uint16_t{0} : Class(super)) {}

  std::uint16_t Utf8(std::string_view text) {
    pool_.U1(1);
    pool_.U2(static_cast<std::uint32_t>(text.size()));
    pool_.Raw(text);
    return count_++;
  }
  std::uint16_t Class(std::string_view name) { return Refer(7, Utf8(name)); }
  std::uint16_t Ref(std::uint8_t tag, std::string_view owner, std::string_view name,
                    std::string_view descriptor) {
    const std::uint16_t o = Class(owner), n = Utf8(name), d = Utf8(descriptor);
    return Refer(tag, o, Refer(12, n, d));
  }
  std::uint16_t Refer(std::uint8_t tag, std::uint16_t first) {
    pool_.U1(tag);
    pool_.U2(first);
    return count_++;
  }
  std::uint16_t Refer(std::uint8_t tag, std::uint16_t first, std::uint16_t second) {
    (void)Refer(tag, first);
    pool_.U2(second);
    return static_cast<std::uint16_t>(count_ - 1);
  }
  // Integers until the pool has `count` indices.
  void FillPool(std::uint32_t count) {
    for (std::uint32_t i = 0; count_ < count; ++i) {
      pool_.U1(3);
      pool_.U4(0x40000000 + i);
      ++count_;
    }
  }

  struct Code {
    Bytes code;
    std::uint16_t stack = 4;
    std::uint16_t locals = 4;
    std::vector<Handler> handlers;
    std::vector<std::pair<std::string, Bytes>> attributes;
  };
  void Method(std::uint16_t access, std::string_view name, std::string_view descriptor,
              const Code& code) {
    ByteWriter body;
    body.U2(code.stack);
    body.U2(code.locals);
    body.U4(static_cast<std::uint32_t>(code.code.size()));
    body.Raw(code.code);
    body.U2(static_cast<std::uint32_t>(code.handlers.size()));
    for (const Handler& h : code.handlers) {
      for (const std::uint32_t v : {h.start, h.end, h.target, std::uint32_t{h.catch_type}}) {
        body.U2(v);
      }
    }
    body.U2(static_cast<std::uint32_t>(code.attributes.size()));
    for (const auto& [attribute, bytes] : code.attributes) {
      body.U2(Utf8(attribute));
      body.U4(static_cast<std::uint32_t>(bytes.size()));
      body.Raw(bytes);
    }
    Method(access, name, descriptor, "Code", body.bytes());
  }
  void Method(std::uint16_t access, std::string_view name, std::string_view descriptor) {
    MethodHead(access, name, descriptor, 0);
  }
  void Method(std::uint16_t access, std::string_view name, std::string_view descriptor,
              std::string_view attribute, ByteSpan body) {
    MethodHead(access, name, descriptor, 1);
    methods_.U2(Utf8(attribute));
    methods_.U4(static_cast<std::uint32_t>(body.size()));
    methods_.Raw(body);
  }
  void Attribute(std::string_view name, ByteSpan body) {
    attributes_.U2(Utf8(name));
    attributes_.U4(static_cast<std::uint32_t>(body.size()));
    attributes_.Raw(body);
    ++attribute_count_;
  }

  [[nodiscard]] Bytes Build() const {
    ByteWriter out;
    out.U4(0xcafebabe);
    out.U2(0);
    out.U2(major_);
    out.U2(count_);
    out.Raw(pool_.bytes());
    out.U2(0x21);
    out.U2(this_);
    out.U2(super_);
    out.U2(0);
    out.U2(0);
    out.U2(method_count_);
    out.Raw(methods_.bytes());
    out.U2(attribute_count_);
    out.Raw(attributes_.bytes());
    return out.Release();
  }

 private:
  void MethodHead(std::uint16_t access, std::string_view name, std::string_view descriptor,
                  std::uint16_t attributes) {
    methods_.U2(access);
    methods_.U2(Utf8(name));
    methods_.U2(Utf8(descriptor));
    methods_.U2(attributes);
    ++method_count_;
  }

  std::uint16_t major_;
  std::uint16_t count_ = 1;
  ByteWriter pool_;
  std::uint16_t this_;
  std::uint16_t super_;
  ByteWriter methods_;
  std::uint16_t method_count_ = 0;
  ByteWriter attributes_;
  std::uint16_t attribute_count_ = 0;
};

inline void PutU2(Bytes& bytes, std::uint32_t value) {
  bytes.push_back(static_cast<std::uint8_t>(value >> 8));
  bytes.push_back(static_cast<std::uint8_t>(value));
}

}  // namespace ronda::agent::classfile
