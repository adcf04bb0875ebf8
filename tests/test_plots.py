"""Pictures show the numbers that they are given, and nothing overlaps."""

import subprocess
import sys

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from networks import digits_network

from lava_ahp import plots
from lava_ahp.engine import simulate
from lava_ahp.network import Connection, Layer, NetworkSpec
from lava_ahp.neuron import FixedAHPParameters
from lava_ahp.tasks import digits


@pytest.fixture(scope="module")
def network():
    return digits_network()


@pytest.fixture(scope="module")
def samples():
    return digits.load("test").first(2)


@pytest.fixture(scope="module")
def result(network, samples):
    return simulate(network, samples.spikes[0:2], record=("spikes", "v", "a"))


def points(ax):
    """Number of dots that are drawn in the axes."""
    return sum(len(collection.get_offsets()) for collection in ax.collections)


def texts(figure):
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def test_input_raster_has_a_dot_for_each_spike(samples):
    figure = plots.input_spikes(samples.spikes[0], cue_steps=8)
    assert points(figure.axes[0]) == samples.spikes[0].sum()


def test_raster_has_a_dot_for_each_spike_of_each_group(network, result):
    ax = plots.raster(network, result, sample=1).axes[0]
    spikes = result.spikes["hidden"][1]
    assert [len(c.get_offsets()) for c in ax.collections] == [
        spikes[:, :6].sum(),
        spikes[:, 6:].sum(),
    ]
    dots = ax.collections[1].get_offsets()
    steps, neurons = np.nonzero(spikes[:, 6:])
    assert np.array_equal(dots, np.column_stack([steps, neurons + 6]))


def test_ahp_currents_are_in_thresholds_per_step(network, result):
    ax = plots.ahp_currents(network, result).axes[0]
    lines = ax.get_lines()
    expected = result.a["hidden"][0][:, 6:] / (508 * 64)
    assert expected.min() < 0
    for line, trace in zip(lines, expected.T):
        assert np.allclose(line.get_ydata(), trace)
    assert np.allclose(lines[5].get_ydata(), expected.mean(axis=1))


def test_readout_voltages_are_in_thresholds_of_hidden_neurons(network, result):
    ax = plots.readout(network, result, sample=1).axes[0]
    expected = result.v["readout"][1] / (127 * 64)
    for line, trace in zip(ax.get_lines(), expected.T):
        assert np.allclose(line.get_ydata(), trace)


@pytest.mark.parametrize("right", [True, False])
def test_prediction_and_label_are_told_apart_in_the_readout(network, result, right):
    winner = int(result.predictions[0])
    label = winner if right else (winner + 1) % 10
    ax = plots.readout(network, result, label=label).axes[0]
    colours = [line.get_color() for line in ax.get_lines()]
    assert colours[label] == plots.GREEN
    assert colours[winner] == (plots.GREEN if right else plots.PURPLE)
    assert len({colours[k] for k in range(10) if k not in (winner, label)}) == 1


def test_a_readout_by_spikes_shows_spike_counts():
    neuron = FixedAHPParameters(du=4095, vth=10)
    network = NetworkSpec((Layer("out", 2, neuron, Connection(np.array([[20], [5]]))),))
    result = simulate(network, np.ones((1, 9, 1), int), record=("spikes",))
    lines = plots.readout(network, result).axes[0].get_lines()
    assert lines[0].get_ydata()[-1] == result.output[0, 0] == 8


def test_the_cue_is_marked_where_it_is(samples):
    ax = plots.input_spikes(samples.spikes[0], cue_steps=8).axes[0]
    extent = ax.patches[0].get_extents().transformed(ax.transData.inverted())
    assert (extent.x0, extent.x1) == pytest.approx((63.5, 72))


def test_functions_draw_into_the_axes_that_they_are_given(network, result, samples):
    figure = Figure()
    ax = figure.subplots()
    assert plots.image(samples.images[0], ax) is figure
    assert plots.raster(network, result, ax=ax) is figure
    assert figure.axes == [ax]


@pytest.mark.parametrize("index", [0, 1])
def test_a_sample_shows_its_image_answer_and_class_names(network, result, samples, index):
    label = int(samples.labels[index])
    figure = plots.sample(
        network, result, samples.spikes[index], index, samples.images[index], label, cue_steps=8
    )
    shown = texts(figure)
    winner = int(result.predictions[index])
    verdict = "right" if winner == label else f"wrong: the label is {label}"
    assert verdict in shown
    assert shown.count(str(winner)) == 2, "the answer and the name beside its trace"
    assert all(str(k) in shown for k in range(10))
    pictures = [picture for ax in figure.axes for picture in ax.images]
    assert np.array_equal(pictures[0].get_array(), samples.images[index])


def overlaps(figure):
    """Pairs of texts whose boxes share some area, as they are drawn."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    labels = [figure._suptitle] if figure._suptitle else []
    for ax in figure.axes:
        labels += [*ax.texts, ax.title, ax.xaxis.label, ax.yaxis.label]
        if ax.axison:
            for axis in (ax.xaxis, ax.yaxis):
                # matplotlib keeps ticks beyond the limits and does not draw them
                low, high = sorted(axis.get_view_interval())
                ticks = axis.get_major_ticks()
                labels += [tick.label1 for tick in ticks if low <= tick.get_loc() <= high]
    boxes = [
        (label.get_text(), label.get_window_extent(renderer))
        for label in labels
        if label.get_text() and label.get_visible()
    ]
    return [
        (one, other)
        for i, (one, a) in enumerate(boxes)
        for other, b in boxes[i + 1 :]
        if min(a.x1, b.x1) - max(a.x0, b.x0) > 1 and min(a.y1, b.y1) - max(a.y0, b.y0) > 1
    ]


def test_no_two_texts_of_the_picture_overlap(network, result, samples):
    figure = plots.sample(
        network, result, samples.spikes[0], 0, samples.images[0], int(samples.labels[0]), 8
    )
    assert overlaps(figure) == []


def test_texts_stay_inside_the_picture(network, result, samples):
    figure = plots.sample(
        network, result, samples.spikes[0], 0, samples.images[0], int(samples.labels[0]), 8
    )
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    width, height = figure.canvas.get_width_height()
    for ax in figure.axes:
        for text in ax.texts:
            box = text.get_window_extent(renderer)
            assert box.x0 >= 0 and box.x1 <= width and box.y0 >= 0 and box.y1 <= height, text


@pytest.mark.parametrize(
    "heights", [[0, 0, 0, 0], [3, 1, 2], [0.1, 9.9, 9.95, 10], [5], [0, 10], list(range(11))]
)
def test_spread_labels_keep_their_order_their_distance_and_the_limits(heights):
    spread = plots._spread(heights, 1.0, 0, 10)
    assert spread.min() >= -1e-9 and spread.max() <= 10 + 1e-9
    order = np.argsort(heights, kind="stable")
    gaps = np.diff(spread[order])
    assert np.all(gaps >= min(1.0, 10 / len(heights)) - 1e-9)


HISTORY = [
    {
        "epoch": epoch,
        "loss": 2.0 / epoch,
        "accuracy": 1 - 0.5 / epoch,
        "validation_accuracy": 0.9 - 0.5 / epoch,
        "firing_rate": 0.05,
        "v_min": -2.0,
        "v_max": 1.2,
    }
    for epoch in range(1, 6)
]


def drawn(figure):
    return {line.get_label(): line for ax in figure.axes for line in ax.get_lines()}


def test_training_shows_every_series_over_its_epochs():
    lines = drawn(plots.training(HISTORY))
    assert np.allclose(lines["validation"].get_xdata(), [1, 2, 3, 4, 5])
    assert np.allclose(lines["validation"].get_ydata(), [h["validation_accuracy"] for h in HISTORY])
    assert set(lines["lowest"].get_ydata()) == {-2.0}
    assert set(lines["highest"].get_ydata()) == {1.2}


@pytest.mark.parametrize("missing", [*HISTORY[0], "all"])
def test_training_does_without_a_series(missing):
    history = [
        {} if missing == "all" else {k: v for k, v in entry.items() if k != missing}
        for entry in HISTORY
    ]
    figure = plots.training(history)
    assert len(figure.axes) == 4
    if missing == "all":
        assert texts(figure) == ["not recorded"] * 4


def test_training_without_an_epoch_is_an_empty_picture():
    assert texts(plots.training([])) == ["not recorded"] * 4


def test_no_text_of_a_training_overlaps():
    assert overlaps(plots.training(HISTORY)) == []


def test_pictures_need_no_display_and_no_state(tmp_path):
    code = (
        "import sys\n"
        "from lava_ahp import plots\n"
        "plots.training([{'epoch': 1, 'loss': 1.0}]).savefig('a.png')\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, timeout=120)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_a_placement_shows_each_core_as_full_as_it_is():
    from lava_ahp.hardware import place

    placed = place(digits_network(regular=40, ahp=30))
    figure = plots.placement(placed)
    bars = figure.axes[0].containers
    heights = [bar.get_height() / 0.86 for bar in bars[1]]
    assert len(bars[0]) == 128
    assert np.allclose(heights, np.max([*placed.fractions.values()], axis=0))
    assert figure.texts[0].get_text().startswith(f"{placed.n_cores} cores of 1 chip")
    assert overlaps(figure) == []
