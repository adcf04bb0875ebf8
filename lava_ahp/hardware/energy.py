"""Energy and time of a network on Loihi 1: counted operations times published figures.

Nothing is fitted. An estimate says whether it rests on published figures per operation alone
or also on a power or a time that was measured on a network of Intel's; its interval goes from the
most favourable reading of the figures to the least.
"""

from dataclasses import asdict, dataclass, fields

import numpy as np

from lava_ahp.errors import ParameterError, check_count
from lava_ahp.hardware import figures as f
from lava_ahp.hardware.limits import LOIHI1

ESTIMATED = "published figures per operation"
WITH_TIME = "a measured time of a step"
WITH_POWER = "measured powers and a measured time of a step"
"""What an estimate may rest on. Times and powers were measured on Intel's sequential-MNIST
network, so for that network they are no estimates."""


@dataclass(frozen=True)
class Quantity:
    """An estimate, the interval in which the truth should lie, and a measurement of it.

    Attributes
    ----------
    estimate, low, high : float
        In the unit that the quantity's name ends in.
    basis : str
        What the estimate rests on.
    measured : float or None
        What was measured for this very network, where it was.
    """

    estimate: float
    low: float
    high: float
    basis: str
    measured: float | None = None

    def to_dict(self):
        """Plain dict, without `measured` where nothing was measured."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Energy:
    """Energy and time of one sample.

    Attributes
    ----------
    core_dynamic_J : Quantity
        What the neurocores' operations take.
    core_static_J : Quantity
        What the neurocores take for being there.
    core_J : Quantity
        Both.
    total_J : Quantity
        With the chip's x86 cores, which feed spikes in and keep the steps.
    seconds : Quantity
    edp_Js : Quantity
        Energy-delay product, `total_J * seconds`.
    """

    core_dynamic_J: Quantity
    core_static_J: Quantity
    core_J: Quantity
    total_J: Quantity
    seconds: Quantity
    edp_Js: Quantity

    def to_dict(self):
        """Plain dicts by the names of the attributes, fit for JSON."""
        return {field.name: getattr(self, field.name).to_dict() for field in fields(self)}


def estimate(placement, n_steps, measured=None):
    """Energy and time that a sample takes.

    Parameters
    ----------
    placement : Placement
        On Loihi 1, with the activity that the network has.
    n_steps : int
        Steps of a sample.
    measured : mapping of float, optional
        What was measured, by the names of :class:`Energy`.

    Returns
    -------
    Energy

    Raises
    ------
    ParameterError
        If the placement is on another chip: no figures per operation are published for it.
    """
    if placement.chip.name != LOIHI1.name:
        raise ParameterError(
            f"target: found {placement.chip.name!r}, expected {LOIHI1.name!r}: for no other "
            f"chip is the energy of an operation published"
        )
    check_count("n_steps", n_steps)
    n_chips = placement.n_chips
    dynamic = _dynamic(placement) * n_steps
    dynamic *= (1, 1 / f.SPREAD, f.SPREAD)
    seconds = _step_seconds(placement) * n_steps
    # Three numbers each: estimate, low, high.
    static_power = np.array([1, 1 / f.SPREAD, f.CORES_POWER_OF_22.value / f.STATIC_POWER.value])
    static = static_power * f.STATIC_POWER.value * n_chips * seconds
    x86_power = np.array([f.X86_POWER.value, f.X86_POWER_OF_22.value, f.X86_POWER.value])
    core = dynamic + static
    total = core + x86_power * n_chips * seconds
    measured = measured or {}
    return Energy(
        **{
            name: Quantity(*map(float, values), basis, measured.get(name))
            for name, values, basis in (
                ("core_dynamic_J", dynamic, ESTIMATED),
                ("core_static_J", static, WITH_POWER),
                ("core_J", core, WITH_POWER),
                ("total_J", total, WITH_POWER),
                ("seconds", seconds, WITH_TIME),
                ("edp_Js", total * seconds, WITH_POWER),
            )
        }
    )


def _dynamic(placement):
    """Energy of the operations of one step in J: estimate, low, high.

    Whether a compartment is active is read as whether it spikes; at the least none is, at the
    most all are. Spikes to other cores travel between two tiles that lie as far apart as two
    do on average, as near as they can, or as far.
    """
    events = placement.synaptic_events.sum()
    compartments = placement.use["compartments"].sum()
    spikes = placement.spikes.sum()
    to_others = placement.spikes_between_cores
    messages = placement.traffic.sum() + placement.input_traffic.sum()
    wide, high = f.TILES
    # mean distance of two places drawn from a row of n: (n^2 - 1) / 3n
    mean_hops = ((wide**2 - 1) / (3 * wide), (high**2 - 1) / (3 * high))
    hops = np.array([mean_hops, (0, 0), (wide - 1, high - 1)])
    per_hop = (f.HOP_EAST_WEST.value, f.HOP_NORTH_SOUTH.value)
    active = np.array([spikes, 0, compartments])
    return (
        events * f.SYNAPTIC_EVENT.value
        + active * f.ACTIVE_UPDATE.value
        + (compartments - active) * f.INACTIVE_UPDATE.value
        + messages * f.SPIKE.value
        + to_others * (hops @ per_hop)
    )


def _step_seconds(placement):
    """Time of one step in s: estimate, low, high.

    At the least the busiest core and the barrier; in practice what a step was measured to
    take, where the network is small enough for that; at the most as if all work lay on one
    core.
    """
    events = placement.synaptic_events * f.SYNAPTIC_EVENT_TIME.value
    compartments = placement.use["compartments"]
    least = events + compartments * f.INACTIVE_UPDATE_TIME.value
    most = events + compartments * f.ACTIVE_UPDATE_TIME.value
    barrier_low, barrier_high = (barrier.value for barrier in f.BARRIER_TIME)
    busiest = most.max() + barrier_high
    return np.array(
        [
            max(f.STEP_TIME.value, busiest),
            least.max() + barrier_low,
            f.SPREAD * max(f.STEP_TIME.value, most.sum() + barrier_high),
        ]
    )
