"""AHP layer blocks, with the interfaces of lava-dl's CUBA blocks.

Data are (batch, neuron, time), as in lava-dl. `delay_shift` is the step that a spike
takes from one layer to the next: with an `Input` block in front, what these blocks
compute is step for step what the exported network does on Lava.
"""

import torch
from lava.lib.dl.slayer.axon import Delay
from lava.lib.dl.slayer.block.cuba import Flatten
from lava.lib.dl.slayer.synapse import layer as synapse

from lava_ahp.errors import ParameterError
from lava_ahp.network import DELAY_MAX, WEIGHT_MAX, Connection, InputTransform, Layer
from lava_ahp.neuron import VTH_MAX, WEIGHT_SCALE
from lava_ahp.netx.writer import write_input, write_layer
from lava_ahp.slayer.kernel import RECORDABLE
from lava_ahp.slayer.neuron import ahp
from lava_ahp.slayer.shift import shift

__all__ = ["Dense", "Flatten", "Input", "Output", "Recurrent"]


class _Block(torch.nn.Module):
    """What all blocks share: the step to the next layer, and the count of spikes."""

    def __init__(self, delay_shift, count_log):
        super().__init__()
        self.delay_shift = delay_shift
        self.count_log = count_log
        self.neuron = None
        self.delay = None
        self._on_its_way = None

    @property
    def shape(self):
        """Shape of the block's neurons."""
        return self.neuron.shape

    def reset(self):
        """Have the next forward pass begin at rest, with a persistent state as well."""
        self._on_its_way = None
        if self.neuron is not None:
            self.neuron.reset()

    def _send(self, x):
        if self.delay_shift:
            before, last = self._on_its_way, x[..., -1:].detach()
            x = shift(x, 1)
            if self.neuron is not None and self.neuron.persistent_state:
                if before is not None and before.shape == last.shape:
                    x = torch.cat((before, x[..., 1:]), -1)
                self._on_its_way = last
        if self.delay is not None:
            x = self.delay(x)
        return (x, torch.mean((x > 0).to(x.dtype))) if self.count_log else x

    def export_hdf5(self, handle):
        """Write the block to an HDF5 group."""
        write_layer(handle, self.to_layer(handle.name.rsplit("/", 1)[-1]))


class Input(_Block):
    """Input block: passes spikes on, or makes spikes of values with neurons of its own.

    Parameters
    ----------
    neuron_params : dict, optional
        Arguments of :class:`lava_ahp.slayer.neuron.ahp.Neuron`. Without them the input
        is spikes already.
    weight, bias : float, optional
        Scale and shift of the values, for neurons.
    delay_shift : bool
        Whether the spikes take one step to the next layer, as on the chip.
    count_log : bool
        Whether to return the mean spike rate as well.
    """

    def __init__(self, neuron_params=None, weight=None, bias=None, delay_shift=True, count_log=False):
        super().__init__(delay_shift, count_log)
        self.neuron = None if neuron_params is None else ahp.Neuron(**neuron_params)
        self.weight = _optional_parameter(weight)
        self.bias = _optional_parameter(bias)
        self.input_shape = None

    @property
    def shape(self):
        """Shape of the input without batch and time; None before the first pass."""
        return self.input_shape

    def forward(self, x):
        """Spikes of shape (batch, channel, time), or (batch, *shape, time) without neurons."""
        self.input_shape = x.shape[1:-1]
        if self.neuron is not None:
            quantise, transform = self.neuron.quantize_8bit, self.transform()
            entering = x if self.weight is None else x * quantise(self.weight)
            if self.bias is not None:
                entering = entering + quantise(self.bias)
            # The integers themselves, with the gradient of what they stand for.
            integers = torch.round(x.detach().double() * transform.weight + transform.bias)
            exact = (integers / self.neuron.scale).to(torch.float32)
            x = self.neuron(entering + (exact - entering).detach())
        return self._send(x)

    def to_layer(self, name="input"):
        """The block as a :class:`lava_ahp.network.Layer`; None without neurons."""
        if self.neuron is None:
            return None
        return Layer(name, self.neuron.num_neurons, self.neuron.fixed())

    def transform(self):
        """How values become the integers that enter the neurons."""

        def integer(parameter, default):
            if parameter is None:
                return default
            return int(self.neuron.quantize_8bit(parameter, descale=True).item())

        return InputTransform(integer(self.weight, self.neuron.scale), integer(self.bias, 0))

    def export_hdf5(self, handle):
        """Write the block to an HDF5 group, after a forward pass."""
        if self.input_shape is None:
            raise ParameterError("Input: found no shape yet, expected a forward pass before export")
        if self.neuron is None:
            write_input(handle, int(torch.Size(self.input_shape).numel()))
        else:
            write_layer(handle, self.to_layer(), self.transform())


class Dense(_Block):
    """Dense block: 8-bit weights onto AHP neurons.

    Parameters
    ----------
    neuron_params : dict
        Arguments of :class:`lava_ahp.slayer.neuron.ahp.Neuron`.
    in_neurons, out_neurons : int
        Number of inputs and neurons.
    weight_scale : float
        Factor on the initial weights.
    weight_norm : bool
        Whether weights are trained as direction and length.
    pre_hook_fx : callable, optional
        Quantisation of the weights; by default the neuron's `quantize_8bit`.
    delay : bool
        Whether output delays of up to 62 steps are trained.
    delay_shift : bool
        Whether the spikes take one step to the next layer, as on the chip.
    mask : Tensor of bool, shape (out_neurons, in_neurons), optional
        Which synapses exist.
    count_log : bool
        Whether to return the mean spike rate as well.
    """

    def __init__(
        self,
        neuron_params,
        in_neurons,
        out_neurons,
        weight_scale=1,
        weight_norm=False,
        pre_hook_fx=None,
        delay=False,
        delay_shift=True,
        mask=None,
        count_log=False,
    ):
        super().__init__(delay_shift, count_log)
        self.neuron = ahp.Neuron(**neuron_params)
        self.neuron.set_shape((out_neurons,))
        hook = pre_hook_fx or self.neuron.quantize_8bit
        self.synapse = synapse.Dense(in_neurons, out_neurons, weight_scale, weight_norm, hook)
        self.delay = Delay(max_delay=DELAY_MAX) if delay else None
        if delay and (self.neuron.bias.requires_grad or self.neuron.bias.any()):
            raise ParameterError(
                "delay: found True for neurons with a bias, expected False: a file delays what "
                "arrives, and a bias would act too early"
            )
        if mask is not None and mask.shape != (out_neurons, in_neurons):
            raise ParameterError(
                f"mask: found shape {tuple(mask.shape)}, expected {(out_neurons, in_neurons)}"
            )
        self.register_buffer("mask", mask)

    def _weight(self):
        weight = weight_matrix(self.synapse)
        return weight if self.mask is None else weight * self.mask

    def forward(self, x):
        """Spikes in (batch, in_neurons, time), spikes out (batch, out_neurons, time)."""
        return self._send(self.neuron(x, inputs=self._weight()))

    def to_layer(self, name="dense"):
        """The block as a :class:`lava_ahp.network.Layer`."""
        weight = weight_integers(self.synapse)
        if self.mask is not None:
            weight = weight * self.mask.cpu().numpy()
        delay = None
        if self.delay is not None and self.delay.shape is not None:
            self.delay.clamp()
            steps = torch.floor(self.delay.delay).detach().cpu().long().numpy()
            delay = steps.reshape(-1, 1).repeat(weight.shape[1], axis=1)
        n = len(weight)
        return Layer(name, n, self.neuron.fixed(), Connection(weight, "mixed", delay))


class Recurrent(_Block):
    """Recurrent block: `s[t] = f(W s_in[t] + R s[t-1])` with AHP neurons.

    Parameters are those of :class:`Dense` without `mask`, and

    Parameters
    ----------
    requires_grad : bool
        Whether recurrent weights are trained.
    delay : bool
        Accepted for lava-dl's sake; True is an error, since a netx file cannot hold an
        output delay of a recurrent layer.
    """

    def __init__(
        self,
        neuron_params,
        in_neurons,
        out_neurons,
        weight_scale=1,
        weight_norm=False,
        pre_hook_fx=None,
        requires_grad=True,
        delay=False,
        delay_shift=True,
        count_log=False,
    ):
        super().__init__(delay_shift, count_log)
        if delay:
            raise ParameterError("delay: found True, expected False in a recurrent block")
        self.neuron = ahp.Neuron(**neuron_params)
        self.neuron.set_shape((out_neurons,))
        hook = pre_hook_fx or self.neuron.quantize_8bit
        self.input_synapse = synapse.Dense(in_neurons, out_neurons, weight_scale, weight_norm, hook)
        self.recurrent_synapse = synapse.Dense(
            out_neurons, out_neurons, weight_scale, weight_norm, hook
        )
        self.recurrent_synapse.requires_grad_(requires_grad)

    def unroll(self, x, record=RECORDABLE, onto=None):
        """What the neurons do with spikes of shape (batch, in_neurons, time).

        Parameters and result are those of
        :meth:`lava_ahp.slayer.neuron.ahp.Neuron.unroll`, without `delay_shift`.
        """
        return self.neuron.unroll(x, *self._weights(), record=record, onto=onto)

    def _weights(self):
        return weight_matrix(self.recurrent_synapse), weight_matrix(self.input_synapse)

    def forward(self, x):
        """Spikes in (batch, in_neurons, time), spikes out (batch, out_neurons, time)."""
        return self._send(self.neuron(x, *self._weights()))

    def to_layer(self, name="recurrent", groups=()):
        """The block as a :class:`lava_ahp.network.Layer`."""
        return Layer(
            name,
            self.neuron.num_neurons,
            self.neuron.fixed(),
            Connection(weight_integers(self.input_synapse)),
            Connection(weight_integers(self.recurrent_synapse)),
            groups,
        )


class Output(Dense):
    """Dense readout that returns its voltage, of neurons with the highest threshold.

    Parameters are those of :class:`Dense`; the `threshold` of `neuron_params` may be
    left out and is not used.
    """

    def __init__(self, neuron_params, in_neurons, out_neurons, *args, **kwargs):
        highest = VTH_MAX / neuron_params.get("scale", WEIGHT_SCALE)
        params = {**neuron_params, "threshold": highest}
        super().__init__(params, in_neurons, out_neurons, *args, **kwargs)

    def forward(self, x):
        """Spikes in (batch, in_neurons, time), voltages out (batch, out_neurons, time)."""
        voltage = self.voltage(x, self._weight())
        return (voltage, None) if self.count_log else voltage

    def voltage(self, x, inputs=None, bias=None):
        """Voltages, shape (batch, out_neurons, time), of input that is weighted or for `inputs`.

        `bias`, shape (out_neurons,), is in place of the neurons' own.
        """
        trace = self._trace(x, inputs, bias)
        return trace.potential * (1 - trace.spikes.detach())

    def last_voltage(self, x, inputs=None, bias=None):
        """Those of :meth:`voltage` after the last step alone, shape (batch, out_neurons)."""
        trace = self._trace(x, inputs, bias)
        # Time comes before the neurons in memory, and so it does in the gradient this way.
        potential, spikes = (r.transpose(1, 2)[:, -1] for r in (trace.potential, trace.spikes.detach()))
        return potential * (1 - spikes)

    def _trace(self, x, inputs, bias):
        return self.neuron.unroll(x, inputs=inputs, record=("spikes", "potential"), bias=bias)


def weight_matrix(layer):
    """Quantised weights of a synapse, shape (target, source)."""
    return layer.pre_hook_fx(_weight(layer)).flatten(1)


def weight_integers(layer):
    """Weights of a synapse as the hardware's integers, int64 array, shape (target, source)."""
    weight = layer.pre_hook_fx(_weight(layer), descale=True)
    weight = weight.flatten(1).detach().cpu().round().long().numpy()
    if weight.min() < -WEIGHT_MAX and weight.max() <= 0:
        raise ParameterError(
            f"weight: found {weight.min()} where no weight is above 0, expected at least {-WEIGHT_MAX}"
        )
    return weight


def _weight(layer):
    for hook in layer._forward_pre_hooks.values():
        hook(layer, None)  # weight normalisation computes the weight here
    return layer.weight


def _optional_parameter(value):
    return None if value is None else torch.nn.Parameter(torch.tensor([float(value)]))
