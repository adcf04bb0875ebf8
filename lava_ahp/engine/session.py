"""A network that runs on, step by step or block by block, and keeps its state."""

import numpy as np

from lava_ahp.engine.inputs import check_input
from lava_ahp.engine.layout import lay_out
from lava_ahp.engine.machine import Machine, by_layer, empty_recordings
from lava_ahp.engine.result import Result, check_record
from lava_ahp.errors import ParameterError


class Session:
    """One sample of a network that comes bit by bit, from rest.

    Steps in any division give the same bits as one whole run of
    :func:`lava_ahp.engine.simulate`.

    Parameters
    ----------
    network : NetworkSpec

    Attributes
    ----------
    n_steps : int
        Steps since the reset.

    Examples
    --------
    >>> from lava_ahp import netx
    >>> session = Session(netx.load("digits"))
    >>> session.step(np.zeros((71, 34), int)).n_steps      # a block of steps
    71
    >>> kept = session.state
    >>> result = session.step(np.ones(34, int), record=("v",))    # one step
    >>> result.output.shape, result.n_steps, result.v["readout"].shape
    ((10,), 72, (10,))
    >>> session.state = kept
    >>> session.n_steps
    71
    """

    def __init__(self, network):
        self.network = network
        self._machine = Machine(lay_out(network), 1)

    @property
    def n_steps(self):
        """Steps since the reset."""
        return self._machine.n_steps

    def step(self, spikes, record=()):
        """Take one step, or a block of steps.

        Parameters
        ----------
        spikes : array_like of int or bool, shape (n_inputs,) or (time, n_inputs)
            As for :func:`lava_ahp.engine.simulate`.
        record : iterable of {"spikes", "u", "v", "a"}, optional
            What to keep of every step of the block.

        Returns
        -------
        Result
            Of the sample so far, without an axis of samples: `output`, `spike_counts`,
            `n_steps` count since the reset; its operations are :attr:`operations`.
            Recordings are of this block, of shape (time, n_neurons), or (n_neurons,) of
            a single step.

        Raises
        ------
        ParameterError
            If the input has another shape or type, or `record` names something else.
        """
        record = check_record(record)
        single = np.ndim(spikes) == 1
        values = check_input(self.network, spikes, () if single else ("time",))
        values = values.reshape(1, -1, self.network.n_inputs)
        machine = self._machine
        recordings = empty_recordings(machine.layout, record, 1, values.shape[1])
        machine.advance(values, recordings)
        index = (0, 0) if single else (0,)
        return Result(
            output=machine.output()[0],
            spike_counts=by_layer(machine.layout, machine.counts.spikes[0].copy()),
            n_steps=machine.n_steps,
            **{
                name: by_layer(machine.layout, getattr(recordings, name)[index]) for name in record
            },
        )

    def reset(self):
        """Go back to rest: nothing is left, not even what is on its way."""
        self._machine.reset()

    @property
    def operations(self):
        """Counts since the reset, as :class:`lava_ahp.engine.Operations`."""
        return self._machine.operations()

    @property
    def state(self):
        """Everything that the session is at, as a dict of arrays; set it to go back there.

        They are copies and may be kept in a file, as by `numpy.savez(file, **state)`. A
        state belongs to the network that it is taken from.
        """
        return {name: array.copy() for name, array in self._machine.arrays().items()}

    @state.setter
    def state(self, state):
        arrays = self._machine.arrays()
        if set(state) != set(arrays):
            raise ParameterError(
                f"state: found {sorted(state)}, expected {sorted(arrays)}, as a session gives it"
            )
        values = {name: np.asarray(state[name]) for name in arrays}
        for name, value in values.items():
            found, expected = (
                f"shape {array.shape} of {array.dtype}" for array in (value, arrays[name])
            )
            if found != expected:
                raise ParameterError(f"state: {name}: found {found}, expected {expected}")
        for name, array in arrays.items():
            array[...] = values[name]
