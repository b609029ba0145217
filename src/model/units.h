#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/core/status.h"
#include "model/types.h"

namespace ronda::model {

// "64KiB", "1.5MB", "512": bytes. KB, MB, GB are powers of 1000; KiB, MiB, GiB of 1024.
[[nodiscard]] base::Result<Size> ParseSize(std::string_view text);
// "5%", "0.5%"; not negative.
[[nodiscard]] base::Result<Percent> ParsePercent(std::string_view text);
// "100/s", "600/m", "5/h", "1/ms"; a bare number is taken per `unit`. Not negative.
[[nodiscard]] base::Result<Rate> ParseRate(std::string_view text, Duration unit);
// "3 per 1h": 1 to 1,000,000 per 1s to 31 days.
[[nodiscard]] base::Result<Quota> ParseQuota(std::string_view text);
// "2 of 3": 1 of 1 to 100 of 100.
[[nodiscard]] base::Result<Share> ParseShare(std::string_view text);
// "name" or "name@version", version from 1.
[[nodiscard]] base::Result<Ref> ParseRef(std::string_view text);
// A number as JSON writes it, not negative.
[[nodiscard]] std::optional<double> ParseNumber(std::string_view text);

// A letter or "_", then letters, digits and "_"; at most 64: what expressions can name.
[[nodiscard]] bool IsIdentifier(std::string_view text);
// Letters, digits, ".", "_", "-", the first one a letter or a digit; at most 100.
[[nodiscard]] bool IsDefinitionName(std::string_view text);
// The text has a `${` that is not escaped as `$${`.
[[nodiscard]] bool HasTemplate(std::string_view text);

}  // namespace ronda::model
