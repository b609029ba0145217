#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/core/status.h"
#include "store/database.h"

namespace ronda::control {

// What one turn of the control thread decides: changes, which are written in one transaction, and
// effects, which happen only once they are. Owned by the control thread.
//
// The write is fenced: it holds only while the lead has this epoch (store::KeepLead), and it prolongs
// the lead.
class Journal {
 public:
  using Change = std::function<base::Status(store::Transaction&)>;
  using Effect = std::function<void()>;

  explicit Journal(store::Database& database) : database_(database) {}

  // Nothing is written before the lead is there.
  void SetLead(std::string role, std::int64_t epoch) {
    role_ = std::move(role);
    epoch_ = epoch;
  }

  // In order. A change may be called several times, so it has what it writes by value.
  void Write(Change change) { changes_.push_back(std::move(change)); }
  // After the commit of everything written before.
  void Then(Effect effect) { effects_.push_back(std::move(effect)); }

  [[nodiscard]] bool empty() const { return changes_.empty() && effects_.empty(); }

  // Writes all and then lets the effects happen, which may write anew. On an error nothing happened and
  // everything is kept for the next call; Aborted: the lead is lost, and so is the right to write.
  [[nodiscard]] base::Status Commit(std::int64_t lead_until_ns);
  // Forgets what was not written: somebody else leads.
  void Discard();

 private:
  store::Database& database_;
  std::string role_;
  std::int64_t epoch_ = 0;
  std::vector<Change> changes_;
  std::vector<Effect> effects_;
};

}  // namespace ronda::control
