"""Prints placements and energies as tables."""

from collections import Counter

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lava_ahp.hardware.limits import RESOURCES

CORES_SHOWN = 32
"""Cores that a table lists; the others are summed up in one line."""

_HEADS = {
    "compartments": "comp.",
    "profiles": "decays",
    "thresholds": "thres.",
    "formats": "formats",
    "input_axons": "in",
    "output_axons": "out",
    "synapse_bytes": "syn.",
    "state_bytes": "state",
}
"""Heads of narrow columns, by resource."""


def print_placement(placement, network, activity, console=None):
    """Print where a network lies and what that takes of each core.

    Parameters
    ----------
    placement : Placement
    network : str
        What to call the network.
    activity : str
        Where the spikes per step come from.
    console : rich.console.Console, optional
        By default standard output.
    """
    console = console or Console()
    chip = placement.chip
    facts = Table(box=None, show_header=False, padding=(0, 2, 0, 1))
    for name, value in {
        "network": str(network),
        "target": chip.name,
        "cores": f"{placement.n_cores:,}",
        "chips": f"{placement.n_chips:,} of {chip.cores.value} cores",
        "what binds": RESOURCES[placement.binding],
        "activity": activity,
        "spikes a step": f"{placement.input_traffic.sum():,.4g} from the input, "
        f"{placement.spikes_between_cores:,.4g} between cores, "
        f"{placement.spikes_between_chips:,.4g} between chips",
    }.items():
        facts.add_row(name, escape(value))
    console.print(facts)
    console.print(_core_table(placement))
    sources = _Sources()
    console.print(_resource_table(placement, sources))
    sources.print(console)


def _core_table(placement):
    table = _table("use of each core")
    for name in ("chip", "core", "neurons"):
        table.add_column(name, justify="left" if name == "neurons" else "right")
    for name in placement.use:
        table.add_column(_HEADS[name], justify="right", no_wrap=True)
    table.add_column("full", no_wrap=True)
    held = [Counter() for _ in range(placement.n_cores)]
    for block in placement.blocks:
        held[block.core][block.layer] += len(block.neurons)
    for core in range(min(placement.n_cores, CORES_SHOWN)):
        table.add_row(
            str(placement.chip_of[core]),
            str(core),
            escape("\n".join(f"{n} {layer}" for layer, n in held[core].items())),
            *(f"{fraction[core]:.0%}" for fraction in placement.fractions.values()),
            _HEADS.get(placement.stopped_by[core], "-"),
        )
    if placement.n_cores > CORES_SHOWN:
        table.add_row("", "", f"and {placement.n_cores - CORES_SHOWN:,} cores more")
    return table


def _resource_table(placement, sources):
    chip = placement.chip
    table = _table(f"limits of a core of {chip.name}")
    table.add_column("")
    for name in ("limit", "mean use", "largest", "cores needed", "source"):
        table.add_column(name, justify="right")
    for name, limit in chip.core.items():
        fraction = placement.fractions[name]
        table.add_row(
            f"{RESOURCES[name]} ({_HEADS[name]})",
            f"{limit.value:,}",
            f"{fraction.mean():.0%}",
            f"{fraction.max():.0%}",
            f"{placement.cores_needed[name]:,}",
            sources.mark(limit.source, limit.assumed),
        )
    return table


class _Sources:
    """Sources under a table, numbered in the order in which they are named."""

    def __init__(self):
        self.numbers = {}

    def mark(self, source, assumed=False):
        """The number of a source, for a cell of a table."""
        text = f"assumed: {source}" if assumed else source
        return escape(f"[{self.numbers.setdefault(text, len(self.numbers) + 1)}]")

    def print(self, console):
        for text, number in self.numbers.items():
            console.print(escape(f" [{number}] {text}"))


def _table(title):
    return Table(
        title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
