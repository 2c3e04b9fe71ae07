"""The plan of a partition: where each layer runs, and what else was decided."""

from __future__ import annotations

from collections import Counter

import msgspec


class PartitionPlan(msgspec.Struct, frozen=True, tag="partition"):
    """Where each layer runs: layer name -> place.

    Parameters
    ----------
    assignment
        Layer -> place. With exits, the layers that are switched on.
    exit
        The layer at which every request leaves; None where the network has no exits, or samples leave by confidence.
    bits
        Tensor -> bits with which it crosses; tensors without a choice are left out.
    thresholds
        Layer of each exit that is switched on -> confidence from which samples leave there. The last exit takes the
        others, and has none.
    """

    assignment: dict[str, str]
    exit: str | None = None
    bits: dict[str, int] = {}
    thresholds: dict[str, float] = {}

    def at(self, place: str) -> list[str]:
        """The layers that run at `place`, in the plan's order."""
        return [layer for layer, where in self.assignment.items() if where == place]

    def rows(self) -> list[tuple[str, str]]:
        """What a reader sees of it: layers at each place, the exit, the bits of what crosses."""
        counts = Counter(self.assignment.values())
        rows = [("layers", ", ".join(f"{place} {count}" for place, count in counts.items()))]
        if self.exit is not None:
            rows.append(("exit", self.exit))
        if self.thresholds:
            rows.append(("exits", ", ".join(f"{layer} from {at:g}" for layer, at in self.thresholds.items())))
        if self.bits:
            rows.append(("bits", ", ".join(f"{tensor} {bits}" for tensor, bits in self.bits.items())))
        return rows
