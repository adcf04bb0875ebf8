"""What AHP, Readout and the compartments share: Vars, validation, the step, the reset."""

import numpy as np
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.process.ports.ports import InPort
from lava.magma.core.process.variable import Var

from lava_ahp.dynamics import (
    STATE_MAX,
    FloatCoefficients,
    State,
    fixed_step,
    float_step,
    resting_state,
)
from lava_ahp.errors import ParameterError
from lava_ahp.neuron import FixedAHPParameters
from lava_ahp.processes.checks import CheckedProcess, check_reset, check_shape, is_reset_step

DECAYS = ("du", "dv", "da")
NOT_NEGATIVE = ("vth", "ahp_mant", "refractory_period")
INTEGERS = ("refractory_period", "ahp_exp", "in_exp", "bias_exp")
"""Parameters that are integers in the float model too."""


class AbstractPopulation(CheckedProcess):
    """Population with states and parameters as Vars and a reset in regular intervals.

    Parameters
    ----------
    shape : tuple of int
        Number and topology of the neurons.
    states : dict
        Initial values of the states, each a scalar or of the population's shape; the
        Vars have the population's shape.
    parameters : dict
        Values of the parameters, each a scalar or of the population's shape; the Vars
        have the shape (1,) or the population's.
    reset_interval, reset_offset, reset_keeps_input
        As in :class:`lava_ahp.processes.AHP`.
    name, log_config
        As in Lava.

    Raises
    ------
    ParameterError
        If a value is one that neither the fixed-point nor the float model takes.
    """

    def __init__(
        self,
        *,
        shape,
        states,
        parameters,
        reset_interval,
        reset_offset,
        reset_keeps_input,
        name,
        log_config,
    ):
        shape = check_shape(shape)
        states = {k: _of_shape(k, value, shape) for k, value in states.items()}
        parameters = {k: _of_shape(k, value, shape) for k, value in parameters.items()}
        check_reset(reset_interval, reset_offset)
        refusals = _refusals(states, parameters)
        super().__init__(
            shape=shape,
            reset_interval=reset_interval,
            reset_offset=reset_offset,
            reset_keeps_input=reset_keeps_input,
            refusals=refusals,
            name=name,
            log_config=log_config,
        )
        self.shape = shape
        self.a_in = InPort(shape=shape)
        for key, value in states.items():
            setattr(self, key, Var(shape=shape, init=_initial(value)))
        for key, value in parameters.items():
            setattr(self, key, Var(shape=value.shape or (1,), init=_initial(value)))

    @property
    def model_class(self):
        """The ProcessModel chosen for a run; ParameterError if it cannot take the values.

        The compiler asks for it before it starts any operating-system process. An error
        inside one would leave Lava waiting for the others.
        """
        model = super().model_class
        if model is not None:
            check_model(self.proc_params, model.arithmetic)
        return model


def _of_shape(name, value, shape):
    array = np.asarray(value)
    if array.dtype.kind not in "iuf":
        raise ParameterError(f"{name}: found {value!r}, expected numbers")
    if array.size == 1:
        return array.reshape(())
    if array.shape != shape:
        raise ParameterError(
            f"{name}: found shape {array.shape}, expected one number or shape {shape}"
        )
    return array


def _initial(value):
    return value.item() if value.ndim == 0 else value


def _refusals(states, parameters):
    """Why the fixed-point and the float model cannot take the values; None where they can.

    Values of integer type are held to the hardware's ranges, any others to the float
    model's: what fails there is raised at once.
    """
    values = states | parameters
    integer = all(value.dtype.kind in "iu" for value in values.values())
    refusals = {}
    for model, check in (("fixed", _check_fixed), ("float", _check_float)):
        try:
            check(states, parameters)
            refusals[model] = None
        except ParameterError as error:
            if integer == (model == "fixed"):
                raise
            refusals[model] = f"{error}, because a {model}-point model is to run"
    return refusals


def _check_fixed(states, parameters):
    values = states | parameters
    fractional = [k for k, v in values.items() if not np.array_equal(v, np.rint(v))]
    if fractional:
        raise ParameterError(f"{', '.join(fractional)}: found fractions, expected integers")
    FixedAHPParameters(**{k: value.astype(np.int64) for k, value in parameters.items()})
    for name, value in states.items():
        _check(name, value, -STATE_MAX, STATE_MAX)


def _check_float(states, parameters):
    for name, value in (states | parameters).items():
        _check(name, value)
    check_float_parameters(parameters)


def check_float_parameters(parameters):
    """Raise ParameterError unless the float model can take these parameters."""
    for name, value in parameters.items():
        if name in DECAYS:
            _check(name, value, 0, 1)
        elif name in NOT_NEGATIVE:
            _check(name, value, 0)
        if name in INTEGERS and np.any(value != np.rint(value)):
            raise ParameterError(f"{name}: found {value}, expected integers")


def check_model(proc_params, arithmetic):
    """Raise ParameterError unless a `"fixed"` or `"float"` model can take the values."""
    if proc_params["refusals"][arithmetic]:
        raise ParameterError(proc_params["refusals"][arithmetic])


def _check(name, value, low=-np.inf, high=np.inf):
    bad = ~np.isfinite(value) | (value < low) | (value > high)
    if np.any(bad):
        if np.isinf(low):
            expected = "a finite number"
        elif np.isinf(high):
            expected = f"a finite number of at least {low}"
        else:
            expected = f"a number from {low} to {high}"
        raise ParameterError(f"{name}: found {value[bad].flat[0]}, expected {expected}")


class AbstractModel(PyLoihiProcessModel):
    """ProcessModel of a population: receives, resets, advances and sends once a step.

    Subclasses name their Vars in `states` and `parameters` and give `coefficients` and
    `advance`.
    """

    states = ("u", "v")
    parameters = ()

    def __init__(self, proc_params):
        super().__init__(proc_params)
        self._coefficients = None

    def on_var_update(self):
        """Make the constants again from parameters that were set during the run."""
        self._coefficients = None

    def run_spk(self):
        """One step."""
        if self._coefficients is None:
            self._coefficients = self.coefficients({k: getattr(self, k) for k in self.parameters})
        x = self.a_in.recv()
        state = self.state()
        reset = (self.proc_params["reset_interval"], self.proc_params["reset_offset"])
        if is_reset_step(self.time_step, *reset):
            state = resting_state(np.zeros_like(state.v))
            if not self.proc_params["reset_keeps_input"]:
                x = np.zeros_like(x)
        state = self.advance(x, state, self._coefficients)
        for name in self.states:
            getattr(self, name)[...] = getattr(state, name)
        self.send(state)

    def state(self):
        """State after the previous step, as the Vars hold it."""
        rest = resting_state(np.zeros_like(self.v))
        return rest._replace(**{name: getattr(self, name) for name in self.states})

    def send(self, state):
        """Send what the population gives in this step."""
        self.s_out.send(state.s)


class AbstractFixedModel(AbstractModel):
    """Bit-accurate model: states in 24 of 32 bits, the step in 64."""

    arithmetic = "fixed"
    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=24)
    u: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=24)
    v: np.ndarray = LavaPyType(np.ndarray, np.int32, precision=24)

    def state(self):
        """State after the previous step, int64."""
        return State(*(np.asarray(field, dtype=np.int64) for field in super().state()))

    def coefficients(self, parameters):
        """Constants of the integer step."""
        return FixedAHPParameters(**parameters).coefficients()

    def advance(self, x, state, coefficients):
        """State after one step with the arriving weights `x`."""
        return fixed_step(np.asarray(x, dtype=np.int64), state, coefficients)


class AbstractFloatModel(AbstractModel):
    """Float model: the same equations without rounding; exponents are ignored."""

    arithmetic = "float"
    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    u: np.ndarray = LavaPyType(np.ndarray, float)
    v: np.ndarray = LavaPyType(np.ndarray, float)

    def coefficients(self, parameters):
        """Constants of the float step."""
        check_float_parameters(parameters)
        return FloatCoefficients(
            decay_u=parameters["du"],
            decay_v=parameters["dv"],
            decay_a=parameters.get("da", 0.0),
            jump=parameters.get("ahp_mant", 0.0),
            threshold=parameters["vth"],
            refractory=parameters.get("refractory_period", 0),
            bias=parameters["bias_mant"],
        )

    def advance(self, x, state, coefficients):
        """State after one step with the arriving weights `x`."""
        return float_step(x, state, coefficients)
