#pragma once

#include <cstdint>

// The instructions of JVMS 6.5 that these rooms name; the others are only measured (code.h).
namespace ronda::agent::classfile::op {

inline constexpr std::uint8_t kAconstNull = 0x01;
inline constexpr std::uint8_t kIconst0 = 0x03;
inline constexpr std::uint8_t kLconst0 = 0x09;
inline constexpr std::uint8_t kLconst1 = 0x0a;
inline constexpr std::uint8_t kFconst0 = 0x0b;
inline constexpr std::uint8_t kDconst0 = 0x0e;
inline constexpr std::uint8_t kBipush = 0x10;
inline constexpr std::uint8_t kSipush = 0x11;
inline constexpr std::uint8_t kLdc = 0x12;
inline constexpr std::uint8_t kLdcW = 0x13;
inline constexpr std::uint8_t kLdc2W = 0x14;
inline constexpr std::uint8_t kIload = 0x15;
inline constexpr std::uint8_t kLload = 0x16;
inline constexpr std::uint8_t kFload = 0x17;
inline constexpr std::uint8_t kDload = 0x18;
inline constexpr std::uint8_t kAload = 0x19;
inline constexpr std::uint8_t kAload0 = 0x2a;
inline constexpr std::uint8_t kIstore = 0x36;
inline constexpr std::uint8_t kLstore = 0x37;
inline constexpr std::uint8_t kFstore = 0x38;
inline constexpr std::uint8_t kDstore = 0x39;
inline constexpr std::uint8_t kAstore = 0x3a;
inline constexpr std::uint8_t kIstore0 = 0x3b;
inline constexpr std::uint8_t kAstore0 = 0x4b;
inline constexpr std::uint8_t kAstore3 = 0x4e;
inline constexpr std::uint8_t kAastore = 0x53;
inline constexpr std::uint8_t kPop = 0x57;
inline constexpr std::uint8_t kPop2 = 0x58;
inline constexpr std::uint8_t kDup = 0x59;
inline constexpr std::uint8_t kIfeq = 0x99;
inline constexpr std::uint8_t kIfAcmpne = 0xa6;
inline constexpr std::uint8_t kGoto = 0xa7;
inline constexpr std::uint8_t kJsr = 0xa8;
inline constexpr std::uint8_t kRet = 0xa9;
inline constexpr std::uint8_t kTableswitch = 0xaa;
inline constexpr std::uint8_t kLookupswitch = 0xab;
inline constexpr std::uint8_t kIreturn = 0xac;
inline constexpr std::uint8_t kLreturn = 0xad;
inline constexpr std::uint8_t kFreturn = 0xae;
inline constexpr std::uint8_t kDreturn = 0xaf;
inline constexpr std::uint8_t kAreturn = 0xb0;
inline constexpr std::uint8_t kReturn = 0xb1;
inline constexpr std::uint8_t kGetstatic = 0xb2;
inline constexpr std::uint8_t kPutstatic = 0xb3;
inline constexpr std::uint8_t kGetfield = 0xb4;
inline constexpr std::uint8_t kPutfield = 0xb5;
inline constexpr std::uint8_t kInvokevirtual = 0xb6;
inline constexpr std::uint8_t kInvokespecial = 0xb7;
inline constexpr std::uint8_t kInvokestatic = 0xb8;
inline constexpr std::uint8_t kInvokeinterface = 0xb9;
inline constexpr std::uint8_t kInvokedynamic = 0xba;
inline constexpr std::uint8_t kNew = 0xbb;
inline constexpr std::uint8_t kAnewarray = 0xbd;
inline constexpr std::uint8_t kAthrow = 0xbf;
inline constexpr std::uint8_t kCheckcast = 0xc0;
inline constexpr std::uint8_t kWide = 0xc4;
inline constexpr std::uint8_t kMultianewarray = 0xc5;
inline constexpr std::uint8_t kIfnull = 0xc6;
inline constexpr std::uint8_t kIfnonnull = 0xc7;
inline constexpr std::uint8_t kGotoW = 0xc8;
inline constexpr std::uint8_t kJsrW = 0xc9;
inline constexpr std::uint8_t kLast = kJsrW;

[[nodiscard]] inline bool IsReturn(std::uint8_t op) { return op >= kIreturn && op <= kReturn; }
// Branches on a condition: a 16-bit offset and a way on.
[[nodiscard]] inline bool IsConditional(std::uint8_t op) {
  return (op >= kIfeq && op <= kIfAcmpne) || op == kIfnull || op == kIfnonnull;
}
// With a 16-bit offset.
[[nodiscard]] inline bool IsShortBranch(std::uint8_t op) {
  return IsConditional(op) || op == kGoto || op == kJsr;
}
[[nodiscard]] inline bool IsSwitch(std::uint8_t op) {
  return op == kTableswitch || op == kLookupswitch;
}
// Control never goes on to the next instruction.
[[nodiscard]] inline bool EndsFlow(std::uint8_t op) {
  return op == kGoto || op == kGotoW || op == kRet || IsSwitch(op) || IsReturn(op) || op == kAthrow;
}

}  // namespace ronda::agent::classfile::op
