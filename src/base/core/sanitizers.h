#pragma once

// RONDA_ASAN and RONDA_TSAN: 1 when built with that sanitizer, else 0. GCC tells by a macro of its own,
// clang by __has_feature.
#if defined(__has_feature)
#define RONDA_HAS_FEATURE(x) __has_feature(x)
#else
#define RONDA_HAS_FEATURE(x) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || RONDA_HAS_FEATURE(address_sanitizer)
#define RONDA_ASAN 1
#else
#define RONDA_ASAN 0
#endif

#if defined(__SANITIZE_THREAD__) || RONDA_HAS_FEATURE(thread_sanitizer)
#define RONDA_TSAN 1
#else
#define RONDA_TSAN 0
#endif
