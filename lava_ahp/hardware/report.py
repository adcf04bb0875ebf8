"""Prints placements and energies as tables."""

from collections import Counter

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lava_ahp.hardware import figures
from lava_ahp.hardware.energy import ESTIMATED, WITH_POWER, WITH_TIME
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


def print_energy(report, console=None):
    """Print what a sample takes on Loihi 1, and what an LSTM takes on the CPU.

    Parameters
    ----------
    report : lava_ahp.cost.EnergyReport
    console : rich.console.Console, optional
        By default standard output.
    """
    console = console or Console()
    n = report.operations.n_samples
    placement = report.placement
    console.print(
        escape(
            f"{report.network} on {placement.chip.name}: cores {placement.n_cores}, chips "
            f"{placement.n_chips}; one sample of {report.n_steps} steps, mean of {n}"
        )
    )
    sources = _Sources()
    for table in (
        _operation_table(report, sources),
        _energy_table(report.energy, sources),
        _lstm_table(report, sources),
        _neurobench_table(report.neurobench),
    ):
        console.print(table)
    sources.print(console)


def _operation_table(report, sources):
    """Counts of one sample with what each takes."""
    placement, n_steps = report.placement, report.n_steps
    compartments = int(placement.use["compartments"].sum())
    spikes = placement.spikes.sum()
    table = _table("operations of a sample")
    table.add_column("")
    for name in ("count", "energy of one", "source"):
        table.add_column(name, justify="right")
    for name, count, figure in (
        ("synaptic events", placement.synaptic_events.sum(), figures.SYNAPTIC_EVENT),
        ("updates of compartments that spike", spikes, figures.ACTIVE_UPDATE),
        ("updates of the others", compartments - spikes, figures.INACTIVE_UPDATE),
        ("spikes to a core", placement.traffic.sum() + placement.input_traffic.sum(), figures.SPIKE),
    ):
        table.add_row(
            name,
            f"{count * n_steps:,.0f}",
            _si(figure.value, figure.unit),
            sources.mark(figure.source),
        )
    return table


def _energy_table(energy, sources):
    table = _table("energy and time of a sample")
    table.add_column("")
    for name in ("estimate", "low", "high", "measured", "basis"):
        table.add_column(name, justify="right")
    for name, quantity in energy.to_dict().items():
        what, _, unit = name.rpartition("_") if "_" in name else ("time", "", "s")
        table.add_row(
            what.replace("_", " "),
            *(_si(quantity[key], unit) for key in ("estimate", "low", "high")),
            _si(quantity["measured"], unit) if "measured" in quantity else "-",
            sources.mark(_BASES[quantity["basis"]]),
        )
    return table


def _lstm_table(report, sources):
    table = _table(f"an LSTM of {report.lstm[0].n_units} units on this CPU, and this network")
    table.add_column("")
    for name in ("operations", "energy", "time", "edp", "source"):
        table.add_column(name, justify="right")
    energy = report.energy
    events = sum(report.operations.synaptic_events.values()) / report.operations.n_samples
    total, edp = energy.total_J.estimate, energy.edp_Js.estimate
    for cost in report.lstm:
        table.add_row(
            f"LSTM, {cost.batch} at a time",
            f"{cost.macs:,} MAC",
            _si(cost.joules, "J"),
            _si(cost.seconds, "s"),
            _si(cost.edp_Js, "Js"),
            sources.mark(cost.basis),
        )
    table.add_row(
        "this network, estimated",
        f"{events:,.0f} AC",
        _si(total, "J"),
        _si(energy.seconds.estimate, "s"),
        _si(edp, "Js"),
        sources.mark(_BASES[energy.total_J.basis]),
    )
    for cost in report.lstm:
        table.add_row(
            f"  LSTM, {cost.batch} at a time, over it",
            f"{cost.macs / events:,.3g}" if events else "-",
            f"{cost.joules / total:,.3g}",
            f"{cost.seconds / energy.seconds.estimate:,.3g}",
            f"{cost.edp_Js / edp:,.3g}",
        )
    return table


def _neurobench_table(metrics):
    table = _table("NeuroBench metrics")
    table.add_column("")
    table.add_column("", justify="right")
    table.add_row("footprint", f"{metrics['footprint']:,} bytes")
    for name in ("connection_sparsity", "activation_sparsity"):
        table.add_row(name, f"{metrics[name]:.4f}")
    for name, value in metrics["synaptic_operations"].items():
        table.add_row(f"synaptic_operations {name}", f"{value:,.0f}")
    return table


_BASES = {
    ESTIMATED: "estimated from published figures per operation; the interval allows a factor of "
    f"{figures.SPREAD} for figures that were simulated before the silicon",
    WITH_TIME: f"uses the time of a step of Intel's sequential-MNIST network, and for that very "
    f"network is no estimate: {figures.RAO_2022}",
    WITH_POWER: f"uses the powers and the time of a step of Intel's sequential-MNIST network, and "
    f"for that very network is no estimate: {figures.RAO_2022}",
}


def _si(value, unit):
    """A number with its unit and the prefix that suits it."""
    for prefix, factor in (("", 1.0), ("m", 1e-3), ("u", 1e-6), ("n", 1e-9), ("p", 1e-12)):
        if abs(value) >= factor:
            break
    return f"{value / factor:.3g} {prefix}{unit}"


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
