#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/clock.h"
#include "base/core/status.h"
#include "model/definitions.h"
#include "model/documents.h"
#include "store/database.h"
#include "store/definitions.h"

namespace ronda::control {

// Who does something, as audit and history tell it.
struct Actor {
  std::string name;  // "ann", "token:ci"
};

struct SourceFile {
  std::string name, text;
};

struct ApplyRequest {
  std::vector<SourceFile> files;  // YAML, one or several documents each
  std::string note = {};  // for the history
  enum class Into : std::uint8_t { kVersion, kDraft } into = Into::kVersion;
  enum class Run : std::uint8_t { kReal, kDry } run = Run::kReal;  // kDry: only what would be done
  std::string managed_by = {};  // "git": from now on only applies that say so change it
  bool take_over = false;  // change it although it is managed by somebody else
  // What the caller has seen, by "Kind/name": the rev that must still stand (If-Match); 0: must not be
  // there yet.
  std::map<std::string, std::int64_t> expected = {};
};

// What became of one document.
struct Applied {
  std::string kind, name;
  enum class Change : std::uint8_t { kCreated, kUpdated, kUnchanged } change = Change::kUnchanged;
  std::int64_t version = 0;  // of the published one; 0: only a draft
  std::string digest;
  std::int64_t rev = 0;
  std::string before, after;  // texts, for a diff; `before` is empty when it is new
};

// A definition together with everything that it needs, loaded.
struct Closure {
  std::unique_ptr<model::DefinitionSet> set;
  const model::Definition* root = nullptr;
  // All of it as one text, each document with its version: from this text the same set is loaded again.
  std::string text;
  std::string digest;  // of that text
};

// The definitions: immutable versions, drafts, history. Thread-safe; all state is in the database.
class Library {
 public:
  // Called in the transaction of every change, with what was changed ("Scenario/buy", digests): the
  // audit. May be empty.
  struct Changed {
    std::string action, kind, name, before_digest, after_digest;
  };
  using Audit = std::function<base::Status(store::Transaction&, const Actor&, const Changed&)>;

  Library(store::Database& database, const base::Clock& clock)
      : database_(database), clock_(clock) {}
  void set_audit(Audit audit) { audit_ = std::move(audit); }

  // All documents or none. InvalidArgument with every error's place; Aborted when an expected rev does
  // not stand; FailedPrecondition for one that is managed elsewhere.
  [[nodiscard]] base::Result<std::vector<Applied>> Apply(const ApplyRequest& request,
                                                         const Actor& actor);
  // Makes the text of an earlier version the newest version.
  [[nodiscard]] base::Result<Applied> RollBack(std::string_view kind, std::string_view name,
                                               std::int64_t version, const Actor& actor);
  // FailedPrecondition while others name it. Its history stays. `expected`: as in ApplyRequest.
  [[nodiscard]] base::Status Delete(std::string_view kind, std::string_view name,
                                    std::optional<std::int64_t> expected, const Actor& actor);

  [[nodiscard]] base::Result<std::vector<store::DefinitionHead>> List(
      const store::DefinitionFilter& filter);
  struct Found {
    store::DefinitionHead head;
    store::DefinitionVersion version;  // of the draft: version 0
  };
  // version 0: the newest; of one that is only a draft: that.
  [[nodiscard]] base::Result<Found> Get(std::string_view kind, std::string_view name,
                                        std::int64_t version);
  [[nodiscard]] base::Result<std::string> Draft(std::string_view kind, std::string_view name);
  [[nodiscard]] base::Result<std::vector<store::DefinitionVersion>> History(std::string_view kind,
                                                                            std::string_view name);

  // Loads it with all that it names, and `more` (an environment). version 0: the newest.
  [[nodiscard]] base::Result<Closure> Load(const model::NamedRef& root,
                                           const std::vector<model::NamedRef>& more);

 private:
  store::Database& database_;
  const base::Clock& clock_;
  Audit audit_;
};

// "Scenario/buy-one"
[[nodiscard]] std::string PathOf(std::string_view kind, std::string_view name);
[[nodiscard]] std::optional<model::Kind> KindOf(std::string_view name);
[[nodiscard]] std::string_view NameOf(Applied::Change change);

}  // namespace ronda::control
