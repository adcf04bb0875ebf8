"""Surrogate derivatives: what stands for the derivative of a spike in the backward pass.

Each is called with the voltage before the reset and the threshold, both in the same
unit, and returns the derivative of the spike with respect to that voltage.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Triangular:
    """`damping * max(0, 1 - |v - vth| / (width * vth)) / vth`, the paper's surrogate.

    Attributes
    ----------
    damping : float
        Height at the threshold, for a voltage measured in thresholds. The paper has
        0.3 for sequential MNIST and 0.5 for the relational network.
    width : float
        Distance from the threshold at which it vanishes, in thresholds.
    """

    damping: float = 0.3
    width: float = 1.0

    def __call__(self, voltage, threshold):
        distance = (voltage - threshold).abs_().div_(self.width * threshold)
        return distance.neg_().add_(1).clamp_(min=0).mul_(self.damping / threshold)


@dataclass(frozen=True)
class Exponential:
    """lava-dl's surrogate, with the meaning that its CUBA neuron gives to the numbers.

    `scale / 2 / tau * exp(-|v - vth| / tau)` with `scale = 0.1 * scale_grad` and
    `tau = 100 * tau_grad * vth`.

    Attributes
    ----------
    tau_grad, scale_grad : float
        As in `lava.lib.dl.slayer.neuron.cuba.Neuron`.
    """

    tau_grad: float = 1.0
    scale_grad: float = 1.0

    def __call__(self, voltage, threshold):
        tau = 100 * self.tau_grad * threshold
        scale = 0.1 * self.scale_grad
        distance = (voltage - threshold).abs_().div_(tau)
        return distance.neg_().exp_().mul_(scale / (2 * tau))
