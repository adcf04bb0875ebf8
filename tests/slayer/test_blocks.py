"""Blocks: exact against engine and Lava, and where lava-dl's blocks stood before."""

import h5py
import numpy as np
import pytest

torch = pytest.importorskip("torch")
dl = pytest.importorskip("lava.lib.dl.slayer")

from lava_ahp import netx, slayer  # noqa: E402
from lava_ahp.engine import simulate  # noqa: E402
from lava_ahp.errors import ParameterError  # noqa: E402
from lava_ahp.neuron import VTH_MAX  # noqa: E402
from lava_ahp.slayer.block import ahp as block  # noqa: E402

CUBA = {
    "threshold": 1.25,
    "current_decay": 0.25,
    "voltage_decay": 0.03,
    "tau_grad": 0.03,
    "scale_grad": 3,
}


def random_network(seed, n_inputs=9, n=17, n_outputs=4):
    random = np.random.default_rng(seed)
    torch.manual_seed(seed)
    neuron = {
        "threshold": random.uniform(0.3, 1.5, n),
        "current_decay": random.uniform(0.3, 1, n),
        "voltage_decay": random.uniform(0.01, 0.3, n),
        "ahp_decay": random.uniform(0.005, 0.1, n),
        "ahp_strength": random.uniform(0.02, 0.3, n) * (random.random(n) < 0.6),
        "refractory_period": random.integers(0, 3, n),
        "bias": random.uniform(-0.05, 0.1, n),
        "in_exp": random.integers(-1, 3, n),
    }
    return torch.nn.ModuleList(
        [
            block.Input(),
            block.Recurrent(neuron, n_inputs, n, weight_scale=3),
            block.Dense({**CUBA, "ahp_strength": 0.2, "ahp_decay": 0.02}, n, n, weight_scale=3),
            block.Output({"current_decay": 0.9, "voltage_decay": 0.01}, n, n_outputs, weight_scale=2),
        ]
    )


def random_spikes(seed, batch, n_steps, n_inputs):
    return (np.random.default_rng(seed).random((batch, n_steps, n_inputs)) < 0.2).astype(np.uint8)


def forward(blocks, spikes):
    """Output of every block for spikes (batch, time, channel), as (batch, time, neuron)."""
    x = torch.from_numpy(spikes).float().permute(0, 2, 1)
    outputs = []
    for one in blocks:
        x = one(x)
        outputs.append(x.detach().permute(0, 2, 1).numpy())
    return outputs


def unshifted(sent):
    """Spikes in the step in which they are fired, without the last step."""
    return sent[:, 1:]


@pytest.mark.parametrize("seed", range(8))
def test_forward_pass_is_the_exported_network_in_the_engine(seed, tmp_path):
    blocks = random_network(seed)
    spikes = random_spikes(seed, 3, 50, 9)
    _, recurrent, dense, voltage = forward(blocks, spikes)
    slayer.export_hdf5(blocks, tmp_path / "net.net")
    network = netx.read(tmp_path / "net.net")
    result = simulate(network, spikes, record=("spikes", "v"))
    assert result.spikes["1"].sum() > 20 and result.spikes["2"].sum() > 5
    assert np.array_equal(unshifted(recurrent), result.spikes["1"][:, :-1])
    assert np.array_equal(unshifted(dense), result.spikes["2"][:, :-1])
    assert np.array_equal(voltage * 4096, result.v["3"])


@pytest.mark.parametrize("seed", range(3))
def test_forward_pass_is_the_exported_network_on_lava(seed):
    from lava_ahp.processes import simulate_on_lava

    blocks = random_network(100 + seed)
    spikes = random_spikes(seed, 2, 40, 9)
    _, recurrent, dense, voltage = forward(blocks, spikes)
    network = slayer.to_network(blocks)
    result = simulate_on_lava(network, spikes, 40, record=("spikes", "v"))
    assert result.spikes["1"].sum() > 10
    assert np.array_equal(unshifted(recurrent), result.spikes["1"][:, :-1])
    assert np.array_equal(unshifted(dense), result.spikes["2"][:, :-1])
    assert np.array_equal(voltage * 4096, result.v["3"])


def test_without_ahp_a_block_gives_the_spikes_of_lava_dl():
    torch.manual_seed(1)
    theirs = dl.block.cuba.Dense(CUBA, 30, 40, weight_scale=2)
    ours = block.Dense(CUBA, 30, 40, weight_scale=2)
    ours.synapse.load_state_dict(theirs.synapse.state_dict())
    x = (torch.rand(4, 30, 100) < 0.1).float()
    assert theirs(x).sum() > 100
    assert torch.equal(ours(x), theirs(x))


def test_a_script_for_lava_dl_trains_after_the_blocks_are_swapped():
    def loss_after(blocks):
        torch.manual_seed(2)
        chain = torch.nn.Sequential(
            blocks.Dense({**CUBA, "requires_grad": True}, 20, 32, weight_norm=True, delay=True),
            blocks.Dense({**CUBA, "requires_grad": True}, 32, 2, weight_norm=True),
        )
        x = (torch.rand(8, 20, 60) < 0.2).float()
        target = torch.zeros(8, 2, 60)
        target[:4, 0] = target[4:, 1] = 1
        optimiser = torch.optim.Adam(chain.parameters(), lr=0.01)
        losses = []
        for _ in range(30):
            loss = (chain(x).mean(-1) - 0.3 * target.mean(-1)).square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
        return losses

    ours, theirs = loss_after(block), loss_after(dl.block.cuba)
    assert ours[-1] < 0.5 * ours[0]
    assert ours[-1] < 2 * theirs[-1]


def test_surrogate_of_swapped_blocks_is_that_of_lava_dl():
    grads = []
    for blocks in (block, dl.block.cuba):
        torch.manual_seed(3)
        one = blocks.Dense(CUBA, 6, 5, weight_scale=3)
        x = (torch.rand(2, 6, 1) < 0.7).float()
        z = one.synapse(x).detach().requires_grad_()
        one.neuron(z).sum().backward()
        grads.append(z.grad)
    assert grads[1].abs().max() > 0
    torch.testing.assert_close(*grads, rtol=1e-4, atol=1e-6)


def test_blocks_export_as_a_script_for_lava_dl_does_it(tmp_path):
    blocks = random_network(4)
    forward(blocks, random_spikes(0, 1, 5, 9))
    with h5py.File(tmp_path / "net.net", "w") as file:
        layers = file.create_group("layer")
        for index, one in enumerate(blocks):
            one.export_hdf5(layers.create_group(str(index)))
    network = netx.read(tmp_path / "net.net")
    expected = slayer.to_network(blocks)
    assert [layer.n_neurons for layer in network.layers] == [17, 17, 4]
    for layer, reference in zip(network.layers, expected.layers):
        for name, connection in layer.connections.items():
            assert np.array_equal(connection.weight, reference.connections[name].weight)
        values, expected_values = layer.neuron.arguments(), reference.neuron.arguments()
        if not np.any(layer.neuron.is_ahp):
            # A neuron without AHP is written as lava-dl's, which has no decay of it.
            del values["da"]
        for name, value in values.items():
            assert np.array_equal(*np.broadcast_arrays(value, expected_values[name])), name


@pytest.mark.parametrize(
    "weight, bias, values",
    [
        (0.5, 0.25, torch.randint(0, 5, (3, 6, 40), generator=torch.manual_seed(0)).float()),
        (0.03, None, torch.randint(0, 256, (3, 6, 40), generator=torch.manual_seed(1))),
        (None, 0.1, torch.rand((3, 6, 40), generator=torch.manual_seed(2))),
    ],
)
def test_input_block_with_neurons_is_exact_in_the_engine(weight, bias, values):
    torch.manual_seed(5)
    blocks = torch.nn.ModuleList(
        [
            block.Input({**CUBA, "ahp_strength": 0.1}, weight=weight, bias=bias),
            block.Dense(CUBA, 6, 8, weight_scale=4),
            block.Output({"current_decay": 1.0, "voltage_decay": 0.01}, 8, 2, weight_scale=4),
        ]
    )
    x = blocks[0](values)
    sent = blocks[1](x)
    voltage = blocks[2](sent)
    network = slayer.to_network(blocks)
    entering = network.input_transform(values.permute(0, 2, 1).numpy())
    result = simulate(network, entering, record=("spikes", "v"))
    assert result.spikes["1"].sum() > 10
    assert np.array_equal(x[..., 1:].detach().permute(0, 2, 1).numpy(), result.spikes["0"][:, :-1])
    assert np.array_equal(sent[..., 1:].detach().permute(0, 2, 1).numpy(), result.spikes["1"][:, :-1])
    assert np.array_equal(voltage.detach().permute(0, 2, 1).numpy() * 4096, result.v["2"])
    if weight is not None:
        voltage.sum().backward()
        assert blocks[0].weight.grad.abs() > 0


def test_images_are_flattened_after_the_step_to_the_next_layer():
    images = (torch.rand(2, 3, 4, 5, 10) < 0.3).float()
    sent = block.Flatten()(block.Input()(images))
    assert torch.equal(sent, block.Input()(images.flatten(1, 3)))
    assert torch.equal(sent[..., 1:], images.flatten(1, 3)[..., :-1]) and not sent[..., 0].any()


@pytest.mark.parametrize("weight_norm", [False, True])
def test_synapses_that_a_mask_leaves_out_do_not_exist(weight_norm):
    torch.manual_seed(0)
    mask = torch.rand(8, 6) < 0.5
    one = block.Dense(CUBA, 6, 8, weight_scale=4, weight_norm=weight_norm, mask=mask)
    network = slayer.to_network([block.Input(), one])
    assert not network.layers[0].inputs.weight[~mask.numpy()].any()
    assert network.layers[0].inputs.n_synapses > 10
    spikes = random_spikes(0, 3, 40, 6)
    sent = forward([block.Input(), one], spikes)[1]
    assert np.array_equal(unshifted(sent), simulate(network, spikes, ["spikes"]).spikes["1"][:, :-1])
    x = torch.from_numpy(spikes).float().permute(0, 2, 1)
    one(x).sum().backward()
    if not weight_norm:
        assert not one.synapse.weight.grad.flatten(1)[~mask].any() and one.synapse.weight.grad.any()


def test_output_delays_are_exact_in_the_engine():
    torch.manual_seed(0)
    blocks = [block.Input(), block.Dense(CUBA, 9, 7, 3, delay=True), block.Dense(CUBA, 7, 5, 3)]
    spikes = random_spikes(1, 3, 60, 9)
    forward(blocks, spikes)
    blocks[1].delay.delay.data = torch.arange(7.0)
    *_, sent = forward(blocks, spikes)
    result = simulate(slayer.to_network(blocks), spikes, ["spikes"])
    assert result.spikes["2"].sum() > 20
    assert np.array_equal(unshifted(sent), result.spikes["2"][:, :-1])


def test_a_sequence_in_parts_is_the_whole_where_the_state_persists_and_begins_anew_after_a_reset():
    def chain(persistent):
        torch.manual_seed(0)
        neuron = {**CUBA, "ahp_strength": 0.1, "persistent_state": persistent}
        return [block.Recurrent(neuron, 9, 12, 3), block.Dense(neuron, 12, 5, 3)]

    spikes = random_spikes(0, 4, 60, 9)
    *_, whole = forward(chain(False), spikes)
    blocks = chain(True)
    parts = [forward(blocks, spikes[:, part])[-1] for part in (slice(0, 25), slice(25, 60))]
    assert whole.sum() > 20 and np.array_equal(np.concatenate(parts, 1), whole)
    for one in blocks:
        one.reset()
    assert np.array_equal(forward(blocks, spikes[:, :25])[-1], parts[0])


@pytest.mark.parametrize(
    "blocks, message",
    [
        (lambda: [block.Input(), dl.block.cuba.Dense(CUBA, 3, 4)], "blocks: found a Dense"),
        (lambda: [block.Dense(CUBA, 3, 4, delay_shift=False), block.Dense(CUBA, 4, 2)], "delay_shift"),
    ],
)
def test_a_chain_that_a_file_cannot_hold_is_refused(blocks, message):
    with pytest.raises(ParameterError, match=message):
        slayer.to_network(blocks())


def test_weights_that_the_chip_has_not_are_refused():
    one = block.Dense(CUBA, 3, 4)
    one.synapse.weight.data.fill_(-100.0)
    with pytest.raises(ParameterError, match="weight: found -256 where no weight is above 0"):
        one.to_layer()


@pytest.mark.parametrize(
    "shape, message",
    [((2, 4, 9), "found 4 channels, expected 5"), ((0, 5, 9), "found shape"), ((2, 5, 0), "found shape")],
)
def test_input_that_does_not_fit_is_refused(shape, message):
    with pytest.raises(ParameterError, match=message):
        block.Recurrent(CUBA, 5, 6)(torch.zeros(shape))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.bool, torch.float64, torch.bfloat16])
def test_spikes_of_any_dtype_are_the_same_input(dtype):
    torch.manual_seed(0)
    one = block.Recurrent(CUBA, 9, 12, weight_scale=3)
    spikes = torch.from_numpy(random_spikes(0, 3, 40, 9)).permute(0, 2, 1)
    expected = one(spikes.float())
    assert expected.sum() > 20 and torch.equal(one(spikes.to(dtype)), expected)


def test_constants_that_are_changed_in_place_are_seen():
    torch.manual_seed(0)
    one = block.Dense(CUBA, 9, 12, weight_scale=3)
    spikes = torch.from_numpy(random_spikes(0, 3, 40, 9)).float().permute(0, 2, 1)
    before = one(spikes)
    one.neuron.bias.data.fill_(0.5)
    assert one(spikes).sum() > before.sum()


def test_trained_weights_stay_on_the_grid_of_8_bits():
    one = block.Dense(CUBA, 50, 20, weight_scale=500)
    weight = one.to_layer().inputs
    assert weight.weight.min() == -256 and weight.weight.max() == 254
    assert np.array_equal(weight.effective_weight, weight.weight)


def test_readout_has_the_highest_threshold():
    layer = block.Output({"current_decay": 1.0, "voltage_decay": 0.1}, 3, 2).to_layer()
    assert layer.neuron.vth == VTH_MAX


def test_the_last_voltage_of_a_readout_is_the_last_of_its_voltages_with_the_same_gradient():
    readout = block.Output({"current_decay": 1.0, "voltage_decay": 0.1}, 3, 3)
    x = torch.from_numpy(np.random.default_rng(3).uniform(0, 1500, (4, 3, 6))).float()
    weights = torch.arange(12.0).reshape(4, 3)
    gradients = []
    for voltage in (lambda x: readout.voltage(x)[..., -1], readout.last_voltage):
        arriving = x.clone().requires_grad_()
        last = voltage(arriving)
        (weights * last).sum().backward()
        gradients.append(arriving.grad)
        assert torch.equal(last, readout.voltage(x)[..., -1])
    assert (last == 0).any() and (last != 0).any()  # some are reset in the last step
    assert torch.equal(*gradients) and gradients[0].any()


@pytest.mark.parametrize(
    "change, message",
    [
        ({"threshold": 0.0}, "threshold"),
        ({"current_decay": 1.5}, "current_decay"),
        ({"ahp_strength": -1.0}, "ahp_strength"),
        ({"norm": torch.nn.Identity}, "norm"),
        ({"graded_spike": True}, "graded_spike"),
        ({"requires_grad": ["threshold"]}, "threshold"),
        ({"scale": 100}, "scale"),
        ({"threshold": 1e6}, "vth"),
        ({"ahp_strength": np.ones(3)}, "neuron"),
        ({"bias": 0.1}, "delay: found True for neurons with a bias"),
    ],
)
def test_parameters_that_cannot_be_exported_are_refused(change, message):
    with pytest.raises(ParameterError, match=message):
        block.Dense({**CUBA, **change}, 4, 5, delay=True)


def test_a_mask_of_another_shape_is_refused():
    with pytest.raises(ParameterError, match=r"mask: found shape \(4, 5\), expected \(5, 4\)"):
        block.Dense(CUBA, 4, 5, mask=torch.ones(4, 5, dtype=torch.bool))


def test_decays_are_drawn_per_neuron_where_parameters_are_not_shared():
    params = {**CUBA, "voltage_decay": (0.1, 0.2), "shared_param": False}
    decay = block.Dense(params, 4, 200).to_layer().neuron.dv
    assert decay.shape == (200,)
    assert 409 <= decay.min() < 450 and 780 < decay.max() <= 820
