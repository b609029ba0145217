#include "agent/rewrite/relocation.h"

namespace ronda::agent::rewrite {
namespace {

namespace cf = classfile;
namespace op = classfile::op;

constexpr int kMostRounds = 64;

bool FitsShort(std::int64_t distance) { return distance >= -32768 && distance <= 32767; }

// ifeq and ifne, if_icmplt and if_icmpge, ifnull and ifnonnull are neighbours.
std::uint8_t Inverted(std::uint8_t op) {
  if (op >= op::kIfnull) return op == op::kIfnull ? op::kIfnonnull : op::kIfnull;
  return static_cast<std::uint8_t>(((op - op::kIfeq) ^ 1) + op::kIfeq);
}

}  // namespace

std::int64_t Relocation::BranchTarget(std::uint32_t pc) const {
  const std::uint8_t* p = code_.data() + pc + 1;
  if (op::IsShortBranch(code_[pc]))
    return pc + std::int64_t{static_cast<std::int16_t>(cf::LoadU2(p))};
  return pc + std::int64_t{static_cast<std::int32_t>(cf::LoadU4(p))};
}

bool Relocation::TargetsFit(std::uint32_t pc) const {
  const auto fits = [&](std::int64_t target) {
    return target >= 0 && target < static_cast<std::int64_t>(code_.size()) &&
           starts_[static_cast<std::size_t>(target)];
  };
  const std::uint8_t op = code_[pc];
  if (op::IsShortBranch(op) || op == op::kGotoW || op == op::kJsrW) return fits(BranchTarget(pc));
  if (!op::IsSwitch(op)) return true;
  const cf::SwitchView view(code_, pc);
  if (!fits(view.default_target())) return false;
  for (std::uint32_t i = 0; i < view.count(); ++i) {
    if (!fits(view.target(i))) return false;
  }
  return true;
}

std::uint32_t Relocation::SizeAt(std::size_t i, std::uint32_t place, std::size_t& next_call) const {
  const std::uint32_t pc = pcs_[i];
  const std::uint8_t op = code_[pc];
  if (next_call < changes_.calls.size() && changes_.calls[next_call].pc == pc) {
    ++next_call;
    return 3;
  }
  const std::uint32_t end =
      i + 1 < pcs_.size() ? pcs_[i + 1] : static_cast<std::uint32_t>(code_.size());
  const std::uint32_t size = end - pc;
  const bool wide = widths_[i] == Width::kWide;
  if (op::IsReturn(op) && changes_.leaves_by_exit) {
    return static_cast<std::uint32_t>(changes_.store_result.size()) + (wide ? 5 : 3);
  }
  if (wide) return op::IsConditional(op) ? 8 : 5;
  if (op::IsSwitch(op)) return size - (3 - (pc & 3)) + (3 - (place & 3));
  return size;
}

void Relocation::Place() {
  std::uint32_t place = changes_.begin;
  std::size_t next_call = 0;
  for (std::size_t i = 0; i < pcs_.size(); ++i) {
    const std::uint32_t end =
        i + 1 < pcs_.size() ? pcs_[i + 1] : static_cast<std::uint32_t>(code_.size());
    for (std::uint32_t pc = pcs_[i]; pc < end; ++pc) at_[pc] = place;
    place += SizeAt(i, place, next_call);
  }
  at_[code_.size()] = place;
}

Relocation::Outcome Relocation::Lay(cf::ByteSpan code, std::span<const std::uint32_t> pcs,
                                    const Changes& changes) {
  code_ = code;
  pcs_ = pcs;
  changes_ = changes;
  at_.assign(code.size() + 1, 0);
  starts_.assign(code.size() + 1, false);
  widths_.assign(pcs.size(), Width::kShort);
  for (const std::uint32_t pc : pcs) starts_[pc] = true;
  for (const std::uint32_t pc : pcs) {
    if (!TargetsFit(pc)) return Outcome::kMalformed;
  }
  // A branch that grows moves others apart: again until none grows. Code of compilers takes a round or two
  // near 32 KiB; code made to take thousands is left alone.
  bool grew = true;
  for (int round = 0; grew; ++round) {
    if (round == kMostRounds) return Outcome::kFarBranch;
    grew = false;
    Place();
    for (std::size_t i = 0; i < pcs_.size(); ++i) {
      const std::uint32_t pc = pcs_[i];
      const std::uint8_t op = code_[pc];
      if (widths_[i] == Width::kWide) continue;
      std::int64_t distance = 0;
      if (op::IsShortBranch(op)) {
        distance = std::int64_t{at_[static_cast<std::size_t>(BranchTarget(pc))]} - at_[pc];
      } else if (op::IsReturn(op) && changes_.leaves_by_exit) {
        distance = std::int64_t{end()} - at_[pc];
      }
      if (FitsShort(distance)) continue;
      if (op::IsConditional(op) && changes_.far == FarConditionals::kRefuse) {
        return Outcome::kFarBranch;
      }
      widths_[i] = Width::kWide;
      grew = true;
    }
  }
  return Outcome::kOk;
}

void Relocation::WriteBranch(std::size_t i, cf::ByteWriter& out) const {
  const std::uint32_t pc = pcs_[i];
  std::uint8_t op = code_[pc];
  const std::uint32_t target = at_[static_cast<std::size_t>(BranchTarget(pc))];
  std::uint32_t from = at_[pc];
  const bool short_form = op::IsShortBranch(op);
  if (short_form && widths_[i] == Width::kShort) {
    out.U1(op);
    out.U2(target - from);
    return;
  }
  if (op::IsConditional(op)) {
    out.U1(Inverted(op));
    out.U2(8);
    from += 3;
    op = op::kGotoW;
  } else if (short_form) {
    op = op == op::kGoto ? op::kGotoW : op::kJsrW;
  }
  out.U1(op);
  out.U4(target - from);
}

void Relocation::WriteSwitch(std::uint32_t pc, cf::ByteWriter& out) const {
  const cf::SwitchView view(code_, pc);
  const std::uint32_t from = at_[pc];
  out.U1(code_[pc]);
  for (std::uint32_t pad = 3 - (from & 3); pad > 0; --pad) out.U1(0);
  const std::size_t begin = out.size();
  out.Raw(view.operands());
  out.PatchU4(begin, at_[static_cast<std::size_t>(view.default_target())] - from);
  for (std::uint32_t i = 0; i < view.count(); ++i) {
    out.PatchU4(begin + view.offset_at(i), at_[static_cast<std::size_t>(view.target(i))] - from);
  }
}

void Relocation::WriteReturn(std::size_t i, cf::ByteWriter& out) const {
  const auto stored = static_cast<std::uint32_t>(changes_.store_result.size());
  const std::uint32_t distance = end() - (at_[pcs_[i]] + stored);
  out.Raw(changes_.store_result);
  if (widths_[i] == Width::kWide) {
    out.U1(op::kGotoW);
    out.U4(distance);
  } else {
    out.U1(op::kGoto);
    out.U2(distance);
  }
}

void Relocation::Write(cf::ByteWriter& out) const {
  std::size_t next_call = 0;
  for (std::size_t i = 0; i < pcs_.size(); ++i) {
    const std::uint32_t pc = pcs_[i];
    const std::uint8_t op = code_[pc];
    DCHECK(out.size() == at_[pc]);
    if (next_call < changes_.calls.size() && changes_.calls[next_call].pc == pc) {
      out.U1(op::kInvokestatic);
      out.U2(changes_.calls[next_call++].method);
    } else if (op::IsShortBranch(op) || op == op::kGotoW || op == op::kJsrW) {
      WriteBranch(i, out);
    } else if (op::IsSwitch(op)) {
      WriteSwitch(pc, out);
    } else if (op::IsReturn(op) && changes_.leaves_by_exit) {
      WriteReturn(i, out);
    } else {
      const std::uint32_t end =
          i + 1 < pcs_.size() ? pcs_[i + 1] : static_cast<std::uint32_t>(code_.size());
      out.Raw(code_.subspan(pc, end - pc));
    }
  }
  DCHECK(out.size() == end());
}

}  // namespace ronda::agent::rewrite
