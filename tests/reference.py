"""The neuron derived a second time, in plain Python integers and one neuron at a time.

Nothing here calls lava_ahp: rounding goes through sign and magnitude, wrapping through
loops, and the refractory period through the time of the last spike.
"""

from dataclasses import dataclass, field

LIMIT = 2**23


@dataclass
class Trace:
    """States of one neuron after each step, and what happened on the way."""

    u: list = field(default_factory=list)
    v: list = field(default_factory=list)
    a: list = field(default_factory=list)
    s: list = field(default_factory=list)
    before_reset: list = field(default_factory=list)
    wraps: int = 0
    saturations: int = 0


def shrink(x, decay):
    """Decay of a magnitude, in 4096ths, rounded towards zero."""
    magnitude = abs(x) * (4096 - decay) // 4096
    return magnitude if x >= 0 else -magnitude


def wrap(x):
    """Value in (-2^23, 2^23], and whether it was outside."""
    start = x
    while x > LIMIT:
        x -= 2 * LIMIT
    while x <= -LIMIT:
        x += 2 * LIMIT
    return x, x != start


def saturate(x):
    """Value in [-(2^23 - 1), 2^23 - 1], and whether it was outside."""
    clipped = max(min(x, LIMIT - 1), 1 - LIMIT)
    return clipped, clipped != x


def scale(mantissa, exponent):
    """mantissa * 2^exponent, rounded down."""
    return mantissa * 2**exponent if exponent >= 0 else mantissa // 2**-exponent


def naive_neuron(inputs, parameters, resets=(), reset_keeps_input=False):
    """One neuron over time.

    Parameters
    ----------
    inputs : list of int
        Sum of arriving weights in each step.
    parameters : dict of int
        By the names of FixedAHPParameters.
    resets : collection of int
        Steps, counted from 0, that start with a reset.
    reset_keeps_input : bool
        Whether the input of such a step acts.

    Returns
    -------
    Trace
    """
    p = {k: int(value) for k, value in parameters.items()}
    trace = Trace()
    u = v = a = s = 0
    last_spike = None
    for t, x in enumerate(map(int, inputs)):
        if t in resets:
            u = v = a = s = 0
            last_spike = None
            x = x if reset_keeps_input else 0
        u, wrapped = wrap(shrink(u, p["du"] + 1) + x * 2 ** (6 + p["in_exp"]))
        kick = p["ahp_mant"] * 2 ** (6 + p["ahp_exp"]) if s else 0
        a, low = saturate(shrink(a, p["da"]) - kick)
        v, high = saturate(shrink(v, p["dv"]) + u + a + scale(p["bias_mant"], p["bias_exp"]))
        if last_spike is not None and t - last_spike <= p["refractory_period"]:
            v, high = 0, False
        trace.before_reset.append(v)
        s = int(v > p["vth"] * 64)
        if s:
            v, last_spike = 0, t
        trace.wraps += wrapped
        trace.saturations += low + high
        for name, value in (("u", u), ("v", v), ("a", a), ("s", s)):
            getattr(trace, name).append(value)
    return trace
