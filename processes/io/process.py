"""Source and sink of samples that follow one another in one run."""

from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.variable import Var

from lava_ahp.errors import ParameterError, check_count
from lava_ahp.processes.checks import CheckedProcess, check_shape


class SpikeSource(CheckedProcess):
    """Sends samples one after the other, each for the same number of steps.

    Sample `i` is taken from the sequence when its first step comes, so that it can be
    encoded then, and is let go after its last. After the last sample there is silence.

    Parameters
    ----------
    shape : tuple of int
        Shape of the channels.
    samples : Sequence of array_like of int or bool, shape (n_steps, *shape)
        Spikes, 0 or 1, or any integers of 32 bits where the receiver takes them.
    n_steps : int
        Steps of each sample.
    name, log_config : optional
        As in Lava.

    Attributes
    ----------
    s_out : OutPort
        Row `t` of the current sample in its step `t`.

    Raises
    ------
    ParameterError
        If the samples are no sequence or the numbers are not positive. A sample of
        another shape or type is an error in the source's own operating-system process,
        for which Lava's blocking run waits for ever;
        :func:`lava_ahp.processes.simulate_on_lava` raises it.
    """

    def __init__(self, *, shape, samples, n_steps, name=None, log_config=None):
        shape = check_shape(shape)
        if not hasattr(samples, "__len__") or not hasattr(samples, "__getitem__"):
            raise ParameterError(f"samples: found {type(samples).__name__}, expected a sequence")
        super().__init__(
            shape=shape,
            samples=samples,
            n_steps=check_count("n_steps", n_steps),
            name=name,
            log_config=log_config,
        )
        self.s_out = OutPort(shape=shape)


class SampleSink(CheckedProcess):
    """Keeps one value per neuron and sample of what arrives.

    Parameters
    ----------
    shape : tuple of int
        Shape of what arrives.
    n_samples : int
        Samples to keep; what arrives later is dropped.
    n_steps : int
        Steps of each sample.
    reduce : {"last", "sum"}, optional
        Whether to keep the value of a sample's last step or the sum over its steps.
    name, log_config : optional
        As in Lava.

    Attributes
    ----------
    a_in : InPort
        What arrives.
    data : Var
        Values kept, shape (n_samples, *shape).

    Raises
    ------
    ParameterError
        If `reduce` is something else or the numbers are not positive.
    """

    def __init__(self, *, shape, n_samples, n_steps, reduce="last", name=None, log_config=None):
        shape = check_shape(shape)
        if reduce not in ("last", "sum"):
            raise ParameterError(f"reduce: found {reduce!r}, expected 'last' or 'sum'")
        n_samples = check_count("n_samples", n_samples)
        super().__init__(
            shape=shape,
            n_steps=check_count("n_steps", n_steps),
            reduce=reduce,
            name=name,
            log_config=log_config,
        )
        self.a_in = InPort(shape=shape)
        self.data = Var(shape=(n_samples, *shape), init=0)
