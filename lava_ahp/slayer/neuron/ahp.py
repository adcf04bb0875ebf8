"""AHP neuron for training, with the interface of lava-dl's CUBA neuron."""

from typing import NamedTuple

import numpy as np
import torch

from lava_ahp.dynamics import DECAY_UNITY, STATE_SHIFT, FixedCoefficients, resting_state
from lava_ahp.errors import ParameterError
from lava_ahp.network import WEIGHT_RANGES
from lava_ahp.neuron import MANTISSA_MAX, RANGES, WEIGHT_SCALE, AHPParameters
from lava_ahp.slayer.kernel import RECORDABLE, Activity, Constants, Synapses, Units, run
from lava_ahp.slayer.surrogate import Exponential, Triangular

DECAYS = "current_decay", "voltage_decay", "ahp_decay"
LEARNABLE = *DECAYS, "ahp_strength", "bias"
"""Constants of a neuron that can be trained."""

WEIGHT_STEP = 2
"""Trained weights are even: in mixed sign mode the hardware drops the lowest bit."""


class Trace(NamedTuple):
    """What a population did with its input.

    Attributes
    ----------
    spikes, potential, current, ahp : Tensor or None, shape (batch, neuron, time)
        Spikes; voltages before the reset; synaptic and AHP currents; None unless asked
        for. Gradients flow through the first two. A voltage is a multiple of
        `1 / (scale * 64)`, exactly the integer on the chip.
    sent : Tensor or None, shape (batch, target, time)
        What the spikes bring to the next population, in the step in which it arrives;
        None unless asked for. Gradients flow through it.
    activity : Activity
        Firing rates and voltages of each neuron, over all samples and steps.
    """

    spikes: torch.Tensor | None
    potential: torch.Tensor | None
    current: torch.Tensor | None
    ahp: torch.Tensor | None
    sent: torch.Tensor | None
    activity: Activity


class Neuron(torch.nn.Module):
    """A population of AHP neurons.

    The equations are those of :mod:`lava_ahp.dynamics`, in their integer form. Weights,
    thresholds and voltages that go in and out are floats, `scale` times smaller than
    the integers on the chip. With `ahp_strength` 0 it is lava-dl's CUBA neuron.

    Parameters
    ----------
    threshold : float or sequence of float
        Scalar or one value per neuron.
    current_decay, voltage_decay : float, or sequence of float
        Fraction of current and voltage that is forgotten in a step. With
        `shared_param=False` a pair is a range from which each neuron draws.
    ahp_decay : float, or sequence of float
        Likewise, for the AHP current.
    ahp_strength : float or sequence of float
        What a spike takes off the AHP current; 0 makes a regular neuron.
    in_exp : int or sequence of int
        Exponent of the weights onto the neuron; its weights have steps of
        `2 * 2**in_exp / scale`.
    refractory_period : int or sequence of int
        Steps after a spike in which the voltage is held at 0.
    bias : float or sequence of float
        Added to the voltage in every step.
    surrogate : callable, optional
        By default :class:`lava_ahp.slayer.Triangular`, or lava-dl's exponential where
        `tau_grad` or `scale_grad` is given.
    tau_grad, scale_grad : float, optional
        As in lava-dl; see :class:`lava_ahp.slayer.Exponential`.
    scale : int
        Integer weight that stands for 1.0, a power of two.
    dropout : callable, optional
        Applied to the spikes.
    shared_param : bool
        False draws decays that are given as pairs for each neuron.
    persistent_state : bool
        Whether a forward pass begins in the state in which the last one ended, unless its
        batch has another size or :meth:`reset` was called.
    requires_grad : bool or collection of str
        Whether decays are trained; or the names of what is, of :data:`LEARNABLE`. An
        `ahp_strength` of 0 stays 0.
    norm, graded_spike
        Accepted for lava-dl's sake; anything but None and False is an error, since
        the exported integer network would not have it.

    Raises
    ------
    ParameterError
        If a value is out of range or has no integer on the chip.
    """

    def __init__(
        self,
        threshold,
        current_decay,
        voltage_decay,
        ahp_decay=1 / 200,
        ahp_strength=0.0,
        in_exp=0,
        refractory_period=0,
        bias=0.0,
        surrogate=None,
        tau_grad=None,
        scale_grad=None,
        scale=WEIGHT_SCALE,
        norm=None,
        dropout=None,
        shared_param=True,
        persistent_state=False,
        requires_grad=False,
        graded_spike=False,
    ):
        super().__init__()
        if norm is not None:
            raise ParameterError("norm: found a normalisation, expected None: it has no integer form")
        if graded_spike:
            raise ParameterError("graded_spike: found True, expected False: AHP spikes are binary")
        if not np.all(np.asarray(_plain(threshold)) > 0):
            raise ParameterError(f"threshold: found {threshold}, expected more than 0")
        if scale < 1 or scale & (scale - 1):
            raise ParameterError(f"scale: found {scale}, expected a power of two")
        if surrogate is None:
            if tau_grad is None and scale_grad is None:
                surrogate = Triangular()
            else:
                surrogate = Exponential(
                    1.0 if tau_grad is None else tau_grad, 1.0 if scale_grad is None else scale_grad
                )
        self.surrogate = surrogate
        self.scale = int(scale)
        self.drop = dropout
        self.shared_param = shared_param
        self.persistent_state = persistent_state
        self.graded_spike = False
        self.shape = None
        self.num_neurons = None
        self._constants = {
            "threshold": _plain(threshold),
            "refractory_period": _plain(refractory_period),
        }
        if isinstance(requires_grad, bool):
            requires_grad = DECAYS if requires_grad else ()
        unknown = [name for name in requires_grad if name not in LEARNABLE]
        if unknown:
            raise ParameterError(
                f"requires_grad: found {unknown[0]!r}, expected a bool or names among {LEARNABLE}"
            )
        self.requires_grad = tuple(requires_grad)
        self.in_exp = _plain(in_exp)
        self._ranges = {}
        for name, value in zip(DECAYS, (current_decay, voltage_decay, ahp_decay)):
            self.register_parameter(name, self._parameter(name, self._drawn_later(name, value)))
        self.ahp_strength = self._parameter("ahp_strength", ahp_strength)
        self.bias = self._parameter("bias", bias)
        self._regular = self.ahp_strength.detach() == 0
        self._state = None
        self._coefficients = None, None
        self.fixed()

    def _parameter(self, name, value):
        data = torch.tensor(np.reshape(_plain(value), -1), dtype=torch.float32)
        return torch.nn.Parameter(data, requires_grad=name in self.requires_grad)

    def _drawn_later(self, name, value):
        """A decay out of 4096; one number to begin with where it is given as a range."""
        value = np.asarray(_plain(value), dtype=float)
        if not np.all((value >= 0) & (value <= 1)):
            raise ParameterError(f"{name}: found {value}, expected fractions from 0 to 1")
        if not self.shared_param and value.shape == (2,):
            self._ranges[name] = tuple(value)
            value = value[:1]
        return value * DECAY_UNITY

    def set_shape(self, shape):
        """Fix the population's shape and draw the decays that were given as ranges.

        Parameters
        ----------
        shape : tuple of int
            One dimension. Called by blocks, or at the first forward pass.
        """
        shape = torch.Size(shape)
        if self.shape is not None:
            if shape != self.shape:
                raise ParameterError(f"input: found neuron shape {shape}, expected {self.shape}")
            return
        n = int(np.prod(shape))
        for name, (low, high) in self._ranges.items():
            parameter = getattr(self, name)
            drawn = low + (high - low) * torch.rand(n, device=parameter.device)
            parameter.data = drawn * DECAY_UNITY
        self._ranges = {}
        self.shape, self.num_neurons = shape, n
        self.fixed().broadcast(n)

    @property
    def device(self):
        """The device on which the neuron lives."""
        return self.current_decay.device

    @property
    def threshold(self):
        """Threshold as the hardware has it, as a float or an array of floats."""
        return _plain(np.asarray(self.fixed().vth) / self.scale)

    @property
    def ref_delay(self):
        """Refractory delay as netx counts it: 1 means no dead step."""
        return self.fixed().refractory_period + 1

    def clamp(self):
        """Bring the constants back into their ranges after an update."""
        for decay in self._decays():
            decay.data.clamp_(0, DECAY_UNITY)
        unit = self.scale << STATE_SHIFT
        if self.ahp_strength.requires_grad:
            least, most = 1 / unit, (MANTISSA_MAX << STATE_SHIFT + RANGES["ahp_exp"][1]) / unit
            self.ahp_strength.data.clamp_(least, most)
            self.ahp_strength.data[self._regular.to(self.device)] = 0
        if self.bias.requires_grad:
            most = (RANGES["bias_mant"][1] << RANGES["bias_exp"][1]) / unit
            self.bias.data.clamp_(-most, most)

    def _decays(self):
        return [getattr(self, name) for name in DECAYS]

    def _learnable(self):
        return [getattr(self, name) for name in LEARNABLE]

    def fixed(self):
        """The neuron in hardware integers.

        Returns
        -------
        FixedAHPParameters
        """
        self.clamp()
        tau = {
            name: _plain(_time_constant(torch.round(decay).detach().cpu().numpy()))
            for name, decay in zip(("tau_u", "tau_v", "tau_a"), self._decays())
        }
        others = {"ahp_strength": _plain(self.ahp_strength), "bias": _plain(self.bias)}
        return AHPParameters(**tau, **others, **self._constants).quantise(self.scale, self.in_exp)

    @property
    def device_params(self):
        """Parameters as netx files hold them, by the names of lava-dl."""
        fixed = self.fixed()
        return {
            "type": "AHP",
            "iDecay": fixed.du + 1,
            "vDecay": fixed.dv,
            "vThMant": fixed.vth,
            "refDelay": fixed.refractory_period + 1,
            "gradedSpike": False,
            "aDecay": fixed.da,
            "aMant": fixed.ahp_mant,
            "aExp": fixed.ahp_exp,
            "inExp": fixed.in_exp,
        }

    def quantize_8bit(self, weight, descale=False):
        """Weights on the grid of the hardware, with the gradient of the identity.

        Parameters
        ----------
        weight : Tensor
            Shape (neuron, ...), or any shape where `in_exp` is a scalar.
        descale : bool
            Whether to return the hardware's integers in place of floats.

        Returns
        -------
        Tensor
        """
        unit = self._unit(weight).reshape((-1,) + (1,) * (weight.dim() - 1))
        quantised = _Grid.apply(weight, unit)
        return torch.round(quantised / unit).detach() if descale else quantised

    def _unit(self, like):
        """Float value of the integer weight 1, shape () or (neuron,)."""
        in_exp = torch.as_tensor(self.in_exp, dtype=like.dtype, device=like.device)
        return torch.exp2(in_exp) / self.scale

    def unroll(self, x, recurrent=None, inputs=None, onto=None, record=RECORDABLE, bias=None):
        """Run the population, with or without connections to itself.

        Parameters
        ----------
        x : Tensor, shape (batch, source, time)
            Input of any dtype, mostly zeros; or without `inputs` the sum of the quantised weights of
            arriving spikes, with neurons as sources.
        recurrent : Tensor, shape (neuron, neuron), optional
            Quantised weights from the population (columns) to itself (rows).
        inputs : Tensor, shape (neuron, source), optional
            Quantised weights of the input.
        onto : Tensor, shape (target, neuron), optional
            Quantised weights onto the next population.
        record : collection of {"spikes", "potential", "current", "ahp"}, optional
            What to give of every step. Little is faster.
        bias : Tensor, shape (neuron,), optional
            In place of the neuron's own, for a bias that is computed.

        Returns
        -------
        Trace

        Raises
        ------
        ParameterError
            If the shapes do not fit.
        """
        if x.dim() != 3 or 0 in x.shape:
            raise ParameterError(
                f"input: found shape {tuple(x.shape)}, expected (batch, neuron, time), none of them 0"
            )
        x = x.to(torch.float32)
        n = x.shape[1] if inputs is None else len(inputs)
        self.set_shape((n,))
        _check_columns("inputs", inputs, x.shape[1])
        _check_columns("recurrent", recurrent, n)
        _check_columns("onto", onto, n)
        coefficients = self._coefficients_on(x.device, bias)
        state = self._state
        if state is None or not self.persistent_state or state.v.shape != (len(x), n):
            zeros = torch.zeros((len(x), n), dtype=torch.int64, device=x.device)
            state = resting_state(zeros)
        decays = [decay + (torch.round(decay) - decay).detach() for decay in self._decays()]
        *recordings, sent, activity, state = run(
            x.transpose(1, 2).contiguous(),
            Synapses(inputs, recurrent, onto),
            Constants(*decays, self.ahp_strength, self.bias if bias is None else bias),
            coefficients,
            Units(self._unit(x), 1 / (self.scale << STATE_SHIFT)),
            self.surrogate,
            state,
            record,
        )
        self._state = state if self.persistent_state else None
        recordings = (
            recording.transpose(1, 2) if name in record else None
            for name, recording in zip(RECORDABLE, recordings)
        )
        return Trace(*recordings, None if onto is None else sent.transpose(1, 2), activity)

    def _coefficients_on(self, device, bias):
        # Computed again only where a constant has another value.
        values = torch.cat([value.detach() for value in self._learnable()]).cpu().numpy().tobytes()
        if values != self._coefficients[0]:
            self._coefficients = values, self.fixed().coefficients()
        coefficients = self._coefficients[1]
        if bias is not None:
            other = AHPParameters(bias=_plain(bias)).quantise(self.scale).coefficients()
            coefficients = coefficients._replace(bias=other.bias)
        return FixedCoefficients(*(torch.as_tensor(c, device=device) for c in coefficients))

    def reset(self):
        """Have the next forward pass begin at rest, with a persistent state as well."""
        self._state = None

    def dynamics(self, input):
        """Current and voltage before the reset, each of shape (batch, neuron, time)."""
        trace = self.unroll(input)
        return trace.current, trace.potential

    def forward(self, input, recurrent=None, inputs=None):
        """Spikes, shape (batch, neuron, time), in answer to input as :meth:`unroll` takes it."""
        spikes = self.unroll(input, recurrent, inputs, record=("spikes",)).spikes
        return spikes if self.drop is None else self.drop(spikes)


class _Grid(torch.autograd.Function):
    """Weights as multiples of the grid's step within its range; identity backward."""

    @staticmethod
    def forward(ctx, weight, unit):
        low, high = WEIGHT_RANGES["mixed"]
        integers = torch.round(weight / (unit * WEIGHT_STEP)) * WEIGHT_STEP
        return integers.clamp(low, high - high % WEIGHT_STEP) * unit

    @staticmethod
    def backward(ctx, grad):
        return grad, None


def _check_columns(name, weights, n):
    if weights is not None and weights.shape[1] != n:
        raise ParameterError(
            f"input: found {n} channels, expected {weights.shape[1]} as {name} has columns"
            if name == "inputs"
            else f"{name}: found {weights.shape[1]} columns, expected {n}, one for each neuron"
        )


def _time_constant(decay):
    with np.errstate(divide="ignore"):
        return DECAY_UNITY / decay.astype(float)


def _plain(value):
    """A Python number for a single value, else a one-dimensional array."""
    if torch.is_tensor(value):
        value = value.detach().cpu().numpy()
    array = np.asarray(value)
    return array.item() if array.size == 1 else array
