"""Paired runs: peers before, ours, peers after; one pair gives one ratio for each peer."""
from dataclasses import dataclass, field

from .clients import ClientFailed
from .machine import tell

IDLE_LIMIT = 0.03          # a core that idles more was waiting for the server
LIMIT_SHARE_OF_WRK = 0.80  # a limit client that costs more is no limit
TRIES = 4                  # of a run whose client had to wait


@dataclass
class Family:
    """What one server offers, who is ours and whom we are compared with."""
    ours: object
    peers: list
    ratios: dict = field(default_factory=dict)   # peer name -> [peer cost / our cost]
    costs: dict = field(default_factory=dict)    # client name -> [us a request]
    speeds: dict = field(default_factory=dict)   # client name -> [requests a second]
    voids: list = field(default_factory=list)


def counted(client, server, seconds, core):
    """One run, with the server's count of the same requests beside the client's own."""
    before = server.requests()
    outcome = client.run(server, seconds, core)
    served = server.requests() - before
    slack = 2 * client.connections * client.streams + 16  # in flight at the end, and a first try
    if not -16 <= served - outcome.requests <= slack:
        raise ClientFailed(f"{outcome.client} counts {outcome.requests} requests, "
                           f"the server {served}")
    return outcome


def busy(client, server, seconds, core):
    """A run whose client did not wait for the server, if one of TRIES is: a client that is as quick as
    the server waits every other time."""
    for _ in range(TRIES):
        outcome = counted(client, server, seconds, core)
        if outcome.idle_share <= IDLE_LIMIT:
            break
    return outcome


def run_pairs(family, server, core, pairs, seconds):
    """Fills the family until every peer has `pairs` valid ones, or after twice as many attempts."""
    for _ in range(2 * pairs):
        try:
            one_pair(family, server, core, seconds)
        except ClientFailed as failure:
            family.voids.append(str(failure))
            tell(f"  void: {failure}")
        if all(len(family.ratios.get(peer.name, [])) >= pairs for peer in family.peers):
            return


def one_pair(family, server, core, seconds):
    before = [busy(peer, server, seconds, core) for peer in family.peers]
    ours = busy(family.ours, server, seconds, core)
    after = [busy(peer, server, seconds, core) for peer in reversed(family.peers)][::-1]
    tell("  " + ", ".join(f"{o.client} {o.cpu_us:.2f} us {o.per_second:,.0f}/s "
                          f"idle {100 * o.idle_share:.1f}%" for o in before + [ours] + after))
    for peer, first, second in zip(family.peers, before, after):
        waiting = {o.client for o in (first, ours, second) if o.idle_share > IDLE_LIMIT}
        if waiting:
            family.voids.append(f"the client's core idled more than {100 * IDLE_LIMIT:.0f} % under "
                                f"{', '.join(sorted(waiting))}: the server is the slower side")
            continue
        cost = (first.cpu_us + second.cpu_us) / 2
        family.ratios.setdefault(peer.name, []).append(cost / ours.cpu_us)
        family.costs.setdefault(peer.name, []).append(cost)
        family.speeds.setdefault(peer.name, []).append((first.per_second + second.per_second) / 2)
    family.costs.setdefault(family.ours.name, []).append(ours.cpu_us)
    family.speeds.setdefault(family.ours.name, []).append(ours.per_second)
