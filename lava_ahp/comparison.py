"""Compares two results of the same samples value by value."""

from dataclasses import dataclass

import numpy as np

COMPARED = ("u", "a", "v", "spikes")
"""What is compared of every neuron and step, in the order in which a step works it out."""


@dataclass(frozen=True)
class Difference:
    """Where two results differ first.

    Attributes
    ----------
    sample : int
    step : int or None
        None for an output, which is one for all steps.
    layer : str
    variable : str
        One of :data:`COMPARED`, or `output`.
    neuron : int
    values : tuple of int
        Of the one and of the other.
    """

    sample: int
    step: int | None
    layer: str
    variable: str
    neuron: int
    values: tuple[int, int]

    def __str__(self):
        step = "" if self.step is None else f"step {self.step}, "
        return (
            f"{self.variable} of {self.layer}, sample {self.sample}, {step}"
            f"neuron {self.neuron}: {self.values[0]} and {self.values[1]}"
        )


@dataclass(frozen=True, eq=False)
class Comparison:
    """Whether two runs of a network are the same in every bit.

    Attributes
    ----------
    n_values : int
        Values compared.
    n_differences : int
        Values that differ.
    first : Difference or None
        The one of the earliest sample and step; within a step, the one that a step works out
        first.
    """

    n_values: int
    n_differences: int
    first: Difference | None = None


def compare(one, other, what=COMPARED):
    """Compare two results of the same samples value by value.

    Parameters
    ----------
    one, other : Result
    what : iterable of {"u", "a", "v", "spikes"}, optional
        Recorded quantities to compare; outputs are compared always.

    Returns
    -------
    Comparison
    """
    n_values = n_differences = 0
    first = None
    layers = list(one.spike_counts)
    places = [(layer, variable) for layer in layers for variable in what]
    for layer, variable in [*places, (layers[-1], "output")]:
        if variable == "output":
            a, b = (np.expand_dims(result.output, 1) for result in (one, other))
        else:
            a, b = (getattr(result, variable)[layer] for result in (one, other))
        a, b = a.astype(np.int64), b.astype(np.int64)
        different = a != b
        n_values += different.size
        n_differences += int(np.count_nonzero(different))
        if different.any():
            sample, step, neuron = (int(i) for i in np.argwhere(different)[0])
            found = Difference(
                sample=sample,
                step=None if variable == "output" else step,
                layer=layer,
                variable=variable,
                neuron=neuron,
                values=(int(a[sample, step, neuron]), int(b[sample, step, neuron])),
            )
            if first is None or _when(found) < _when(first):
                first = found
    return Comparison(n_values, n_differences, first)


def _when(difference):
    return difference.sample, np.inf if difference.step is None else difference.step
