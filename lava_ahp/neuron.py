"""What an AHP neuron is: its parameters, in time constants and in hardware integers.

:class:`AHPParameters` are what a person chooses: time constants in steps, a
threshold, the strength of the after-hyperpolarising (AHP) current.
:class:`FixedAHPParameters` are what a chip holds: decays of 12 bits, mantissas and
exponents. :meth:`AHPParameters.quantise` leads from the first to the second and
:meth:`FixedAHPParameters.effective` back, so that the effect of rounding can be
seen. The equations themselves stand in :mod:`lava_ahp.dynamics`.

Every field is a scalar or an array with one value per neuron. A regular
(leaky integrate-and-fire) neuron is one whose AHP strength is 0.
"""

from dataclasses import dataclass, fields, replace

import numpy as np

from lava_ahp.dynamics import (
    DECAY_UNITY,
    STATE_SHIFT,
    FixedCoefficients,
    FloatCoefficients,
)
from lava_ahp.errors import ParameterError

WEIGHT_SCALE = 1 << 6
"""Integer weight that stands for the float weight 1.0, as in lava-dl's SLAYER."""

VTH_MAX = (1 << 17) - 1
"""Highest threshold of the hardware: 17 bits. Readout neurons have it."""

VTH_NEVER = (1 << 18) - 1
"""Threshold that lava-dl writes for neurons that only integrate: no voltage exceeds it."""

MANTISSA_MAX = (1 << 8) - 1
"""Largest AHP mantissa: it is a synaptic weight, of 8 bits."""

RANGES = {
    "du": (-1, DECAY_UNITY - 1),
    "dv": (0, DECAY_UNITY),
    "da": (0, DECAY_UNITY),
    "vth": (0, VTH_MAX),
    "ahp_mant": (0, MANTISSA_MAX),
    "ahp_exp": (-STATE_SHIFT, 7),
    "in_exp": (-STATE_SHIFT, 7),
    "refractory_period": (0, 62),
    "bias_mant": (-(1 << 12), (1 << 12) - 1),
    "bias_exp": (-8, 7),
}
"""Smallest and largest value of each hardware integer, both included."""


@dataclass(frozen=True, eq=False)
class AHPParameters:
    """An AHP neuron in natural units: steps for time, thresholds' unit for voltage.

    Attributes
    ----------
    tau_u : float or ndarray
        Time constant of the synaptic current, in steps, at least 1: a fraction
        `1 / tau_u` is forgotten in a step. 1 means no memory, inf no decay.
    tau_v : float or ndarray
        Time constant of the membrane voltage, in steps, at least 1.
    tau_a : float or ndarray
        Time constant of the AHP current, in steps, at least 1.
    threshold : float or ndarray
        The neuron spikes where its voltage exceeds this; not negative.
    ahp_strength : float or ndarray
        What a spike takes off the AHP current, in units of voltage per step; not
        negative. 0 makes a regular neuron.
    refractory_period : int or ndarray
        Steps after a spike in which the voltage is held at 0; 0 means none.
    bias : float or ndarray
        Added to the voltage in every step.

    Raises
    ------
    ParameterError
        If a value is not finite (time constants may be inf) or out of its range.

    Examples
    --------
    The adaptive neurons of Intel's sequential-MNIST network (threshold 127 << 8 and
    a decrement of 384, in units of the state):

    >>> neuron = AHPParameters(tau_v=20, tau_a=700, threshold=1, ahp_strength=384 / 32512)
    >>> fixed = neuron.quantise(weight_scale=508)
    >>> fixed.dv, fixed.da, fixed.vth, fixed.ahp_mant << (6 + fixed.ahp_exp)
    (205, 6, 508, 384)
    >>> float(fixed.time_constants()["tau_a"].round(1))
    682.7
    """

    tau_u: float = 1.0
    tau_v: float = 20.0
    tau_a: float = 200.0
    threshold: float = 1.0
    ahp_strength: float = 0.0
    refractory_period: int = 0
    bias: float = 0.0

    def __post_init__(self):
        for name in ("tau_u", "tau_v", "tau_a"):
            _check_float(name, getattr(self, name), low=1.0, allow_inf=True)
        _check_float("threshold", self.threshold, low=0.0)
        _check_float("ahp_strength", self.ahp_strength, low=0.0)
        _check_float("bias", self.bias)
        _check_integer("refractory_period", self.refractory_period)

    def quantise(self, weight_scale=WEIGHT_SCALE, in_exp=0):
        """Hardware integers nearest to these parameters.

        Parameters
        ----------
        weight_scale : int, optional
            Integer weight that stands for the float weight 1.0 where `in_exp` is 0.
            A voltage of 1.0 is `weight_scale << 6` in units of the state.
        in_exp : int or ndarray, optional
            Exponent of the weights onto these neurons: a weight `w` counts
            `w << in_exp`. It leaves voltages as they are; the weights of float size
            1.0 become `weight_scale >> in_exp`.

        Returns
        -------
        FixedAHPParameters

        Raises
        ------
        ParameterError
            If a value rounds to something that the hardware has no integer for.
        """
        mant, exp = _mantissa_and_exponent(
            "ahp_strength",
            np.asarray(self.ahp_strength) * (weight_scale << STATE_SHIFT),
            range(RANGES["ahp_exp"][0], RANGES["ahp_exp"][1] + 1),
            STATE_SHIFT,
            MANTISSA_MAX,
        )
        bias_mant, bias_exp = _mantissa_and_exponent(
            "bias",
            np.asarray(self.bias) * (weight_scale << STATE_SHIFT),
            range(0, RANGES["bias_exp"][1] + 1),
            0,
            RANGES["bias_mant"][1],
            may_vanish=True,
        )
        return FixedAHPParameters(
            du=_plain(_quantise_decay("tau_u", self.tau_u) - 1),
            dv=_plain(_quantise_decay("tau_v", self.tau_v)),
            da=_plain(_quantise_decay("tau_a", self.tau_a)),
            vth=_plain(_round(np.asarray(self.threshold) * weight_scale)),
            ahp_mant=_plain(mant),
            ahp_exp=_plain(exp),
            in_exp=_plain(np.asarray(in_exp)),
            refractory_period=self.refractory_period,
            bias_mant=_plain(bias_mant),
            bias_exp=_plain(bias_exp),
        )

    def arguments(self, tag="fixed_pt", weight_scale=WEIGHT_SCALE, in_exp=0):
        """Keyword arguments for :class:`lava_ahp.processes.AHP`.

        Lava's float models take decays as fractions and its fixed-point models take
        them as integers; this gives either set for the same neuron.

        Parameters
        ----------
        tag : {"floating_pt", "fixed_pt", "bit_accurate_loihi"}
            Tag of the ProcessModel that is to run.
        weight_scale, in_exp
            As in :meth:`quantise`; only for the fixed-point models.

        Returns
        -------
        dict
        """
        if tag in ("fixed_pt", "bit_accurate_loihi"):
            return self.quantise(weight_scale, in_exp).arguments()
        if tag != "floating_pt":
            raise ParameterError(
                f"tag: found {tag!r}, expected 'floating_pt', 'fixed_pt' or 'bit_accurate_loihi'"
            )
        c = self.coefficients()
        return {
            "du": c.decay_u,
            "dv": c.decay_v,
            "da": c.decay_a,
            "vth": c.threshold,
            "ahp_mant": c.jump,
            "refractory_period": c.refractory,
            "bias_mant": c.bias,
        }

    def coefficients(self):
        """Constants of :func:`lava_ahp.dynamics.float_step`."""
        return FloatCoefficients(
            decay_u=_plain(1.0 / np.asarray(self.tau_u, dtype=float)),
            decay_v=_plain(1.0 / np.asarray(self.tau_v, dtype=float)),
            decay_a=_plain(1.0 / np.asarray(self.tau_a, dtype=float)),
            jump=_plain(np.asarray(self.ahp_strength, dtype=float)),
            threshold=_plain(np.asarray(self.threshold, dtype=float)),
            refractory=self.refractory_period,
            bias=_plain(np.asarray(self.bias, dtype=float)),
        )


@dataclass(frozen=True, eq=False)
class FixedAHPParameters:
    """An AHP neuron in hardware integers; ranges are those of :data:`RANGES`.

    Attributes
    ----------
    du : int or ndarray
        Decay of the synaptic current minus one, as Lava's LIF counts it: 4095 forgets
        it in one step, -1 keeps it for ever.
    dv : int or ndarray
        Decay of the voltage, out of 4096.
    da : int or ndarray
        Decay of the AHP current, out of 4096.
    vth : int or ndarray
        Threshold; counts `vth << 6` at the scale of the voltage. 17 bits, or
        :data:`VTH_NEVER` as lava-dl writes it.
    ahp_mant, ahp_exp : int or ndarray
        A spike takes `ahp_mant << (6 + ahp_exp)` off the AHP current.
    in_exp : int or ndarray
        An arriving weight `w` adds `w << (6 + in_exp)` to the synaptic current.
    refractory_period : int or ndarray
        Steps after a spike in which the voltage is held at 0.
    bias_mant, bias_exp : int or ndarray
        `bias_mant << bias_exp` is added to the voltage in every step; a negative
        exponent shifts to the right.

    Raises
    ------
    ParameterError
        If a value is no integer or outside its range, or the shapes do not fit.
    """

    du: int = DECAY_UNITY - 1
    dv: int = 0
    da: int = 0
    vth: int = 10
    ahp_mant: int = 0
    ahp_exp: int = 0
    in_exp: int = 0
    refractory_period: int = 0
    bias_mant: int = 0
    bias_exp: int = 0

    def __post_init__(self):
        for field in fields(self):
            check_range(field.name, getattr(self, field.name))
        try:
            np.broadcast_shapes(*(np.shape(value) for value in self.arguments().values()))
        except ValueError:
            shapes = {k: np.shape(v) for k, v in self.arguments().items() if np.ndim(v)}
            raise ParameterError(
                f"neuron parameters: found arrays of shapes {shapes}, "
                f"expected scalars or one value per neuron"
            ) from None

    def arguments(self):
        """Fields as a dict: keyword arguments of :class:`lava_ahp.processes.AHP`."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def broadcast(self, n):
        """The same parameters with every field an int64 array of shape (n,)."""
        try:
            values = {
                name: np.broadcast_to(np.asarray(value, dtype=np.int64), (n,)).copy()
                for name, value in self.arguments().items()
            }
        except ValueError:
            shapes = {k: np.shape(v) for k, v in self.arguments().items() if np.ndim(v)}
            raise ParameterError(
                f"neuron parameters: found arrays of shapes {shapes} for {n} neurons, "
                f"expected scalars or shape ({n},)"
            ) from None
        return replace(self, **values)

    def coefficients(self):
        """Constants of :func:`lava_ahp.dynamics.fixed_step`, int64, at the states' scale."""
        p = {name: np.asarray(value, dtype=np.int64) for name, value in self.arguments().items()}
        bias = np.where(
            p["bias_exp"] >= 0,
            p["bias_mant"] << np.maximum(p["bias_exp"], 0),
            p["bias_mant"] >> np.maximum(-p["bias_exp"], 0),
        )
        return FixedCoefficients(
            decay_u=p["du"] + 1,
            decay_v=p["dv"],
            decay_a=p["da"],
            jump=p["ahp_mant"] << (STATE_SHIFT + p["ahp_exp"]),
            in_shift=STATE_SHIFT + p["in_exp"],
            threshold=p["vth"] << STATE_SHIFT,
            refractory=p["refractory_period"],
            bias=bias,
        )

    def time_constants(self):
        """Effective time constants in steps after quantisation, 4096 / decay.

        Truncation towards zero shortens them further where a state is small.

        Returns
        -------
        dict of ndarray
            `tau_u`, `tau_v`, `tau_a`; inf where nothing decays.
        """
        c = self.coefficients()
        with np.errstate(divide="ignore"):
            return {
                "tau_u": DECAY_UNITY / c.decay_u,
                "tau_v": DECAY_UNITY / c.decay_v,
                "tau_a": DECAY_UNITY / c.decay_a,
            }

    def effective(self, weight_scale=WEIGHT_SCALE):
        """Float parameters that these integers stand for.

        Parameters
        ----------
        weight_scale : int, optional
            As in :meth:`AHPParameters.quantise`.

        Returns
        -------
        AHPParameters
        """
        c = self.coefficients()
        unit = weight_scale << STATE_SHIFT
        taus = {name: _plain(tau) for name, tau in self.time_constants().items()}
        return AHPParameters(
            **taus,
            threshold=_plain(c.threshold / unit),
            ahp_strength=_plain(c.jump / unit),
            refractory_period=self.refractory_period,
            bias=_plain(c.bias / unit),
        )

    @property
    def is_ahp(self):
        """Which neurons have an AHP current: bool, scalar or one per neuron."""
        return np.asarray(self.ahp_mant) != 0


def check_range(name, value):
    """Raise :class:`ParameterError` unless `value` holds integers that `name` may take."""
    _check_integer(name, value)
    low, high = RANGES[name]
    array = np.asarray(value)
    bad = (array < low) | (array > high)
    if name == "vth":
        bad &= array != VTH_NEVER
    if bad.any():
        raise ParameterError(
            f"{name}: found {_first(array, bad)}, expected an integer from {low} to {high}"
        )


def _check_integer(name, value):
    array = np.asarray(value)
    if array.dtype.kind not in "iu":
        raise ParameterError(
            f"{name}: found {value!r} of type {array.dtype}, expected integers"
        )


def _check_float(name, value, low=-np.inf, allow_inf=False):
    array = np.asarray(value)
    if array.dtype.kind not in "iuf":
        raise ParameterError(f"{name}: found {value!r}, expected numbers")
    bad = np.isnan(array) | (array < low) | (np.isinf(array) & (not allow_inf))
    if bad.any():
        expected = "a finite number" if low == -np.inf else f"at least {low:g}"
        raise ParameterError(f"{name}: found {_first(array, bad)}, expected {expected}")


def _first(array, bad):
    """The first offending value, with its index where there are several values."""
    if array.ndim == 0:
        return str(array)
    index = int(np.flatnonzero(bad)[0])
    return f"{array.flat[index]} at neuron {index}"


def _round(value):
    return np.floor(np.asarray(value, dtype=float) + 0.5).astype(np.int64)


def _quantise_decay(name, tau):
    tau = np.asarray(tau, dtype=float)
    decay = _round(DECAY_UNITY / tau)
    lost = (decay == 0) & np.isfinite(tau)
    if lost.any():
        raise ParameterError(
            f"{name}: found {_first(tau, lost)}, expected at most {2 * DECAY_UNITY} steps "
            f"(12 bits of decay), or inf for no decay"
        )
    return decay


def _mantissa_and_exponent(name, value, exponents, shift, largest, may_vanish=False):
    """Finest `mantissa << (shift + exponent)` that is nearest to `value`.

    A value that rounds to 0 is an error unless it may vanish.
    """
    value = np.asarray(value, dtype=float)
    mant = np.zeros(value.shape, dtype=np.int64)
    exp = np.zeros(value.shape, dtype=np.int64)
    todo = value != 0
    for exponent in exponents:
        candidate = _round(value / 2.0 ** (shift + exponent))
        fits = todo & (np.abs(candidate) <= largest)
        mant = np.where(fits, candidate, mant)
        exp = np.where(fits, exponent, exp)
        todo = todo & ~fits
    lost = todo if may_vanish else (value != 0) & (mant == 0)
    if lost.any():
        largest_value = largest * 2.0 ** (shift + exponents[-1])
        raise ParameterError(
            f"{name}: found {_first(value, lost)} in units of the state, "
            f"expected a magnitude of at most {largest_value:g}"
            + ("" if may_vanish else " and at least 0.5")
        )
    return mant, exp


def _plain(array):
    """A Python number for an array of no dimensions, else the array."""
    return array.item() if np.ndim(array) == 0 else array
