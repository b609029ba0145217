#pragma once

#include <string>

#include "engine/program/program.h"
#include "engine/vu/slots.h"
#include "stats/interval.h"

namespace ronda::engine {

// Takes every secret out of a text that people will see: values of secrets known at load, and what the
// user's secret slots hold now (an extracted token, a feed's password), also percent-encoded and in
// JSON's escapes. "***" stands in their place. Values shorter than 3 bytes are left: they would blot
// out half of the text.
void MaskText(const Program& program, const Slots& slots, std::string& text);

// The same for an example, whose Authorization, Proxy-Authorization, Cookie and Set-Cookie headers lose
// their values as well.
void MaskSecrets(const Program& program, const Slots& slots, stats::Example& example);

}  // namespace ronda::engine
