#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/core/status.h"

namespace ronda::base {

enum class OptionType : std::uint8_t {
  kSwitch,    // true or false; as a flag it needs no value: --json
  kInt,
  kFloat,
  kDuration,  // "800ms", "1h30m"; nanoseconds
  kSize,      // "64KiB", "1MB"; bytes
  kString,
  kChoice,    // one of OptionSpec::choices
  kList,      // strings: a flag given several times, comma-separated in the environment
};
// "int", "duration", ... as help and the reference pages name them.
[[nodiscard]] std::string_view NameOf(OptionType type);

// Where an option may come from. What is about a single call only (--once, FILE) is kFlagOnly.
enum class OptionScope : std::uint8_t { kEverywhere, kFlagOnly };
enum class NeedsRestart : std::uint8_t { kNo, kYes };
enum class Secrecy : std::uint8_t { kPublic, kSecret };

// One row of an option table: the flag, the file's key, the environment variable, help, the reference
// page and completion all come from it. A plain value over static strings; limits and default are
// written as a user would write them.
struct OptionSpec {
  std::string_view name;  // "connect-timeout": --connect-timeout, the key in the file
  char letter = 0;  // 'c' for -c; 0: none
  OptionType type = OptionType::kString;
  std::string_view value_name = {};  // "N", "FILE" in help; empty: the type's name
  std::string_view default_text = {};  // empty: no default, the option is absent unless set
  std::string_view min = {};  // inclusive; empty: unbounded
  std::string_view max = {};
  std::string_view unit = {};  // "requests/s"; empty where the type says it
  std::vector<std::string_view> choices = {};  // kChoice
  std::string_view env = {};  // empty: RONDA_ and the name, "RONDA_CONNECT_TIMEOUT"
  OptionScope scope = OptionScope::kEverywhere;
  NeedsRestart needs_restart = NeedsRestart::kNo;
  Secrecy secrecy = Secrecy::kPublic;
  std::string_view description = {};  // one sentence or two
  std::string_view example = {};  // a value
};
// The variable that `spec` reads.
[[nodiscard]] std::string EnvironmentNameOf(const OptionSpec& spec);

// From the weakest to the strongest: a stronger source hides a weaker one, in whatever order they
// were set.
enum class OptionSource : std::uint8_t { kDefault, kFile, kEnvironment, kFlag };
[[nodiscard]] std::string_view NameOf(OptionSource source);

// Where a value came from, for messages and `ronda config explain`.
struct OptionOrigin {
  OptionSource source = OptionSource::kDefault;
  std::string place;  // "ronda.yaml:3:1", "RONDA_THREADS", "--threads"
};

// Option values by table, each with its origin. Owned by one thread; a value, cheap enough to copy.
class Options {
 public:
  // A table that is wrong in itself (a name twice, a default out of its bounds) is a bug: CHECK.
  explicit Options(std::vector<OptionSpec> table);

  // Reads `text` for the option. NotFound: no such option. InvalidArgument, with the origin and what
  // would be right: the wrong type, out of bounds, no such choice. A second value from the same source
  // replaces the first; of a kList it is added.
  [[nodiscard]] Status Set(std::string_view name, std::string_view text, OptionOrigin origin);

  // Reads every variable that the table names. `get` returns nullptr for one that is not set; an empty
  // one counts as not set.
  [[nodiscard]] Status ReadEnvironment(const std::function<const char*(const char*)>& get);

  // True when it has a value, by default or set.
  [[nodiscard]] bool Has(std::string_view name) const;
  // True when something stronger than the default gave it.
  [[nodiscard]] bool IsSet(std::string_view name) const;
  // Only after Has; without a value or with another type it is a bug: CHECK. A kSwitch without a
  // value is false, a kList without one empty.
  [[nodiscard]] bool Switch(std::string_view name) const;
  [[nodiscard]] std::int64_t Int(std::string_view name) const;
  [[nodiscard]] double Float(std::string_view name) const;
  [[nodiscard]] std::int64_t DurationNs(std::string_view name) const;
  [[nodiscard]] std::int64_t SizeBytes(std::string_view name) const;
  [[nodiscard]] const std::string& String(std::string_view name) const;  // kString, kChoice
  [[nodiscard]] const std::vector<std::string>& List(std::string_view name) const;
  // The origin of the value that counts.
  [[nodiscard]] const OptionOrigin& OriginOf(std::string_view name) const;

  // One value of one source; texts of secrets are "***".
  struct Layer {
    OptionOrigin origin;
    std::string text;
  };
  // What an option has from each source, the one that counts first.
  struct Explained {
    const OptionSpec* spec;
    std::vector<Layer> layers;  // empty: it has no value
  };
  // In the table's order.
  [[nodiscard]] std::vector<Explained> Explain() const;

  [[nodiscard]] std::span<const OptionSpec> table() const { return table_; }
  [[nodiscard]] const OptionSpec* Find(std::string_view name) const;

 private:
  using Value = std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>>;
  struct Given {
    OptionOrigin origin;
    Value value;
    std::string text;
  };
  [[nodiscard]] static Result<Value> Parse(const OptionSpec& spec, std::string_view text);
  [[nodiscard]] std::size_t IndexOf(std::string_view name) const;  // npos when unknown
  [[nodiscard]] const Given* Strongest(std::string_view name) const;
  [[nodiscard]] const Given& Need(std::string_view name, OptionType type) const;
  template <typename T>
  [[nodiscard]] const T& Get(std::string_view name, OptionType type) const;

  std::vector<OptionSpec> table_;
  std::vector<std::vector<Given>> given_;  // by table_ index; one a source, weakest first
};

}  // namespace ronda::base
