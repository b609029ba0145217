#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/status.h"
#include "store/database.h"

namespace ronda::store {

// A definition as it stands: its newest version and, perhaps, a draft.
struct DefinitionHead {
  std::string kind = {}, name = {};
  std::int64_t version = 0;  // the newest published; 0: there is only a draft
  std::string digest = {};  // of that version; "" without
  std::optional<std::string> draft_text = {};
  std::string draft_digest = {};
  std::string managed_by = {};  // "git", or ""
  std::int64_t rev = 0;  // grows with each change of any definition
  bool deleted = false;
  std::int64_t updated_ns = 0;  // since 1970
  std::string updated_by = {};
};

// A published version; immutable.
struct DefinitionVersion {
  std::string kind = {}, name = {};
  std::int64_t version = 0;
  std::string digest = {};
  std::string text = {};  // one YAML document
  std::string source = {};  // the file that it came from
  std::string note = {}, author = {};
  std::int64_t created_ns = 0;
};

struct DefinitionRef {
  std::string kind = {}, name = {};
  std::int64_t version = 0;  // 0: the newest
};

// What a list of heads is narrowed by; empty: all.
struct DefinitionFilter {
  std::string kind = {};
  std::string name_part = {};
  std::int64_t after_rev = 0;  // changed since; with the deleted ones
  std::string after_kind = {}, after_name = {};  // the list goes on behind this one
  std::int64_t limit = 1'000'000;
};

// The next value of a counter, from 1.
[[nodiscard]] base::Result<std::int64_t> NextOf(Transaction& t, std::string_view counter);

[[nodiscard]] base::Result<std::optional<DefinitionHead>> FindDefinition(Transaction& t,
                                                                         std::string_view kind,
                                                                         std::string_view name);
// By kind and name, or by rev with `after_rev`; the deleted ones only with `after_rev`.
[[nodiscard]] base::Result<std::vector<DefinitionHead>> ListDefinitions(
    Transaction& t, const DefinitionFilter& filter);
// Inserts or changes the head; draws a new rev, which it returns.
[[nodiscard]] base::Result<std::int64_t> PutDefinition(Transaction& t, const DefinitionHead& head);

[[nodiscard]] base::Status InsertVersion(Transaction& t, const DefinitionVersion& version);
[[nodiscard]] base::Result<std::optional<DefinitionVersion>> FindVersion(Transaction& t,
                                                                         std::string_view kind,
                                                                         std::string_view name,
                                                                         std::int64_t version);
// Newest first, without their texts.
[[nodiscard]] base::Result<std::vector<DefinitionVersion>> ListVersions(Transaction& t,
                                                                        std::string_view kind,
                                                                        std::string_view name);

// What it names, instead of what was there.
[[nodiscard]] base::Status PutRefs(Transaction& t, std::string_view kind, std::string_view name,
                                   const std::vector<DefinitionRef>& refs);
// Who names it, `version` being the referrer's wish; deleted ones do not count.
[[nodiscard]] base::Result<std::vector<DefinitionRef>> ReferrersOf(Transaction& t,
                                                                   std::string_view kind,
                                                                   std::string_view name);

// Keeps what runs are made from; the same digest once.
[[nodiscard]] base::Status PutSnapshot(Transaction& t, const std::string& digest,
                                       const std::string& content, std::int64_t now_ns);
[[nodiscard]] base::Result<std::optional<std::string>> FindSnapshot(Transaction& t,
                                                                    const std::string& digest);

}  // namespace ronda::store
