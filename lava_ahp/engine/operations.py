"""What a run cost and did, in counts: spikes, synaptic events, updates, saturations."""

import operator
from dataclasses import asdict, dataclass, fields

from lava_ahp.errors import ParameterError


@dataclass(frozen=True)
class Operations:
    """Counts of one or more runs of a network; those of two runs add up with `+`.

    Layers go by their names, connections as in the file (`hidden.weight` from the layer
    before, `hidden.weight_rec` from itself), groups of neurons by the labels of
    :meth:`lava_ahp.network.NetworkSpec.labelled_groups`.

    Attributes
    ----------
    n_samples : int
        Samples, each run from rest.
    n_steps : int
        Steps over all samples: two samples of 840 steps are 1,680. Means per sample are
        counts over `n_samples`, means per step counts over `n_steps`.
    input_spikes : int
        Values that came in and were not 0.
    spikes : dict of int
        Spikes by layer.
    synaptic_events : dict of int
        By connection: for each spike that was sent into it, the synapses that the spike
        has there. A synapse is a weight that is not 0 as the hardware counts it
        (`Connection.effective_weight`). Spikes of a sample's last steps count, although
        the sample ends before they arrive.
    neuron_updates : dict of int
        By layer: neurons times steps.
    wraps : dict of int
        By group: how often a synaptic current left its 24 bits and came in again at the
        other end.
    saturations : dict of int
        By group: how often an AHP current, or a voltage that was not held at 0, was cut
        to 24 bits.
    v_min, v_max : dict of int
        By group: lowest and highest voltage before the threshold resets it, in units of
        the state (a threshold is `vth << 6`), the 0 at rest included.
    """

    n_samples: int
    n_steps: int
    input_spikes: int
    spikes: dict
    synaptic_events: dict
    neuron_updates: dict
    wraps: dict
    saturations: dict
    v_min: dict
    v_max: dict

    def __add__(self, other):
        """Counts of both; ParameterError if they are of different networks."""
        if not isinstance(other, Operations):
            return NotImplemented
        return Operations(
            **{
                name: _merged(name, getattr(self, name), getattr(other, name))
                for name in (field.name for field in fields(self))
            }
        )

    def to_dict(self):
        """Plain numbers and dicts by the names of the attributes, fit for JSON."""
        return asdict(self)


_MERGE = {"v_min": min, "v_max": max}
"""How two values become one where they are not added."""


def _merged(name, one, other):
    merge = _MERGE.get(name, operator.add)
    if not isinstance(one, dict):
        return merge(one, other)
    if one.keys() != other.keys():
        raise ParameterError(
            f"operations: {name}: found counts of {sorted(one)} and of {sorted(other)}, "
            f"expected those of one network"
        )
    return {key: merge(one[key], other[key]) for key in one}
