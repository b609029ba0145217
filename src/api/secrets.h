#pragma once

#include <string>
#include <string_view>

#include "base/core/status.h"

// Passwords and credentials, by libsodium. Any thread.
namespace ronda::api {

// 256 random bits after `prefix`, as text of letters, digits, '-' and '_'.
[[nodiscard]] std::string NewSecret(std::string_view prefix);
// 80 random bits, 16 letters and digits: no secret.
[[nodiscard]] std::string NewId();
// BLAKE2b-256, 64 hex digits. What is kept of a secret, and of a state for the audit.
[[nodiscard]] std::string DigestOf(std::string_view text);
// Compares in a time that does not tell where they differ.
[[nodiscard]] bool SameSecret(std::string_view a, std::string_view b);

// argon2id with 64 MiB (libsodium's "interactive"), as text that holds its parameters and salt.
// ResourceExhausted: no memory for it.
[[nodiscard]] base::Result<std::string> HashPassword(std::string_view password);
// False too for a hash that is none; takes as long.
[[nodiscard]] bool IsPassword(std::string_view hash, std::string_view password);

}  // namespace ronda::api
