"""Pictures of networks at work and of trainings, as matplotlib figures.

Each function draws into the Axes that it is given, or into a new figure of its own, and
returns the figure. None needs a display or touches pyplot's state: save with
`figure.savefig(path)`. Colours are those of Okabe and Ito, told apart by the colour-blind.
"""

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, PercentFormatter

from lava_ahp.evaluation import class_names, hidden_groups
from lava_ahp.hardware.limits import RESOURCES

BLACK, GREY, LIGHT = "#222222", "#8a8a8a", "#c9c9c9"
ORANGE, SKY, GREEN = "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILLION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"

CUE_COLOUR = "#fdf3dc"
"""Background of the cue phase."""

CORES_IN_A_ROW = 16
"""Cores of a chip that stand side by side in a picture."""

_GROUP_COLOURS = {False: BLUE, True: VERMILLION}
"""Colour of regular neurons and of AHP neurons."""


def image(pixels, ax=None):
    """A grey-scale image, dark on light.

    Parameters
    ----------
    pixels : ndarray, shape (height, width)
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.figure.Figure
    """
    ax = _axes(ax, (3, 3))
    ax.imshow(pixels, cmap="Greys", interpolation="nearest")
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set(visible=True, color=LIGHT)
    return ax.figure


def input_spikes(spikes, cue_steps=0, ax=None):
    """Raster of the input channels.

    Parameters
    ----------
    spikes : ndarray, shape (time, n_inputs)
    cue_steps : int, optional
        Steps at the end that are marked as the cue.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.figure.Figure
    """
    ax = _axes(ax)
    ax.set_ylim(-0.5, np.shape(spikes)[1] - 0.5)
    _dots(ax, np.asarray(spikes), BLACK)
    ax.set_ylabel("input\nchannel")
    _time_axis(ax, len(spikes), cue_steps)
    return ax.figure


def raster(network, result, sample=0, cue_steps=0, ax=None):
    """Raster of the hidden neurons, regular and AHP groups in colours of their own.

    Parameters
    ----------
    network : NetworkSpec
    result : Result
        With recorded `spikes`.
    sample : int, optional
        Which sample of the batch.
    cue_steps : int, optional
        Steps at the end that are marked as the cue.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.figure.Figure
    """
    ax = _axes(ax)
    offset = 0
    ax.set_ylim(-0.5, sum(layer.n_neurons for layer in network.hidden) - 0.5)
    for label, layer, where in hidden_groups(network):
        spikes = result.spikes[layer.name][sample][:, where]
        colour = _GROUP_COLOURS[bool(_is_ahp(layer)[where].any())]
        _dots(ax, spikes, colour, offset)
        rate = spikes.mean()
        size = spikes.shape[1]
        _side_label(ax, offset + size / 2 - 0.5, f"{label}\n{rate:.1%} per step", colour)
        offset += size
        if offset < ax.get_ylim()[1]:
            ax.axhline(offset - 0.5, color=LIGHT, linewidth=0.6)
    ax.set_ylabel("hidden\nneuron")
    _time_axis(ax, result.n_steps, cue_steps)
    return ax.figure


def ahp_currents(network, result, sample=0, cue_steps=0, ax=None):
    """AHP currents of the AHP neurons, in thresholds a step, with their mean.

    Parameters
    ----------
    network : NetworkSpec
    result : Result
        With recorded `a`.
    sample, cue_steps, ax
        As in :func:`raster`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    ax = _axes(ax)
    traces = []
    for layer in network.hidden:
        ahp = _is_ahp(layer)
        traces.append(result.a[layer.name][sample][:, ahp] / _threshold(layer)[ahp])
    traces = np.concatenate(traces, axis=1)
    steps = np.arange(result.n_steps)
    if traces.shape[1]:
        ax.plot(steps, traces, color=VERMILLION, alpha=0.22, linewidth=0.7)
        mean = traces.mean(axis=1)
        ax.plot(steps, mean, color=BLACK, linewidth=1.6)
        _side_label(ax, mean[-1], "mean", BLACK)
    else:
        ax.text(0.5, 0.5, "no AHP neurons", ha="center", va="center", transform=ax.transAxes)
    ax.axhline(0, color=LIGHT, linewidth=0.6, zorder=0)
    ax.set_ylabel("AHP current\n(thresholds\nper step)")
    _time_axis(ax, result.n_steps, cue_steps)
    return ax.figure


def readout(network, result, sample=0, label=None, cue_steps=0, ax=None):
    """Voltages of the readout neurons, or spike counts of the last layer.

    The prediction has a colour, and so has the label where it is another class.

    Parameters
    ----------
    network : NetworkSpec
    result : Result
        With recorded `v`, or `spikes` for a readout by spikes.
    sample : int, optional
    label : int, optional
        The true class.
    cue_steps, ax
        As in :func:`raster`.

    Returns
    -------
    matplotlib.figure.Figure
    """
    ax = _axes(ax)
    layer = network.layers[-1]
    if network.readout == "voltage":
        # thresholds of the hidden neurons: the readout's own is out of reach
        reference = _threshold(network.hidden[-1]).min() if network.hidden else 1
        traces = result.v[layer.name][sample] / max(reference, 1)
        ax.set_ylabel("readout voltage\n(thresholds of\nhidden neurons)")
    else:
        traces = np.cumsum(result.spikes[layer.name][sample], axis=0, dtype=np.int64)
        ax.set_ylabel("output\nspikes\nso far")
    names = class_names(network)
    winner = int(result.predictions[sample])
    steps = np.arange(result.n_steps)
    for k in range(traces.shape[1]):
        colour, width, order = _readout_style(k, winner, label)
        ax.plot(steps, traces[:, k], color=colour, linewidth=width, zorder=order)
    low, high = ax.get_ylim()
    heights = _spread(traces[-1], (high - low) * 0.115, low, high)
    for k, height in enumerate(heights):
        colour, _, _ = _readout_style(k, winner, label)
        weight = "bold" if k == winner else "normal"
        _side_label(ax, height, names[k], colour, weight, size=7.5, at=1.03)
        # a thin line leads from the end of the trace to its name
        ax.annotate(
            "", xy=(steps[-1], traces[-1, k]), xytext=(1.026, height),
            textcoords=ax.get_yaxis_transform(), annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.5, "alpha": 0.7},
        )  # fmt: skip
    ax.set_ylim(low, high)
    _time_axis(ax, result.n_steps, cue_steps)
    return ax.figure


def sample(network, result, inputs, index=0, pixels=None, label=None, cue_steps=0, title=None):
    """Everything that happens in one sample, from the image to the answer.

    Parameters
    ----------
    network : NetworkSpec
    result : Result
        With recorded `spikes`, `v` and `a`.
    inputs : ndarray, shape (time, n_inputs)
        Input spikes of the sample.
    index : int, optional
        Which sample of the batch in `result`.
    pixels : ndarray, shape (height, width), optional
        The image that the input encodes.
    label : int, optional
        The true class.
    cue_steps : int, optional
        Steps at the end in which the answer is formed.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = Figure(figsize=(11, 8.2), facecolor="white")
    grid = figure.add_gridspec(
        4, 2, width_ratios=(1, 4.1), height_ratios=(1, 1.7, 1.1, 1.5),
        left=0.03, right=0.905, top=0.9, bottom=0.07, hspace=0.16, wspace=0.24,
    )  # fmt: skip
    axes = [figure.add_subplot(grid[0, 1])]
    axes += [figure.add_subplot(grid[row, 1], sharex=axes[0]) for row in (1, 2, 3)]
    input_spikes(inputs, cue_steps, axes[0])
    raster(network, result, index, cue_steps, axes[1])
    ahp_currents(network, result, index, cue_steps, axes[2])
    readout(network, result, index, label, cue_steps, axes[3])
    for ax in axes[:-1]:
        ax.set_xlabel("")
        ax.tick_params(labelbottom=False)
    figure.align_ylabels(axes)
    if cue_steps:
        axes[0].text(
            result.n_steps - cue_steps / 2 - 0.5, 1.04, "cue",
            transform=axes[0].get_xaxis_transform(), ha="center", va="bottom",
            fontsize=9, color=ORANGE, fontweight="bold",
        )  # fmt: skip
    side = figure.add_subplot(grid[0:2, 0])
    if pixels is not None:
        image(pixels, side)
        side.set_anchor("N")
        side.set_title("image, read row by row", fontsize=9, color=GREY)
    else:
        side.set_axis_off()
    answer = figure.add_subplot(grid[3, 0])
    answer.set_axis_off()
    _answer(answer, network, result, index, label)
    figure.suptitle(
        title or "An AHP network reads a sequence", x=0.03, y=0.965, ha="left", fontsize=14
    )
    return figure


def training(history):
    """Course of a training: loss, accuracy, firing rate and range of voltages by epoch.

    Parameters
    ----------
    history : list of dict
        One entry per epoch with any of `epoch`, `loss`, `accuracy`,
        `validation_accuracy`, `firing_rate` (fractions), `v_min`, `v_max` (thresholds).

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = Figure(figsize=(9, 6), facecolor="white", layout="constrained")
    (loss, accuracy), (rate, voltage) = figure.subplots(2, 2, sharex=True)
    _course(loss, history, "training loss", loss=(BLUE, "training"))
    _course(
        accuracy,
        history,
        "accuracy",
        accuracy=(BLUE, "training"),
        validation_accuracy=(VERMILLION, "validation"),
    )
    _course(rate, history, "spikes per neuron and step", firing_rate=(GREEN, "training"))
    _course(
        voltage,
        history,
        "voltages (thresholds)",
        v_max=(VERMILLION, "highest"),
        v_min=(BLUE, "lowest"),
    )
    accuracy.yaxis.set_major_formatter(PercentFormatter(1))
    rate.yaxis.set_major_formatter(PercentFormatter(1))
    for ax in (rate, voltage):
        ax.set_xlabel("epoch")
    return figure


def trainings(histories, **titles):
    """Courses of several trainings, one panel for each quantity.

    Parameters
    ----------
    histories : dict of list of dict
        By label, as :func:`training` takes one of them.
    **titles : str
        Quantity of the histories' entries, such as `firing_rate`, and its panel's title.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = Figure(figsize=(4.2 * len(titles), 3), facecolor="white", layout="constrained")
    panels = figure.subplots(1, len(titles), squeeze=False)[0]
    colours = (BLACK, VERMILLION, BLUE, GREEN, ORANGE, PURPLE, SKY)
    for ax, (key, title) in zip(panels, titles.items()):
        for colour, (label, history) in zip(colours, histories.items()):
            _course(ax, history, title, **{key: (colour, label)})
        ax.set_xlabel("epoch")
    panels[0].legend(frameon=False, fontsize=8)
    return figure


def placement(placed, title=None):
    """Cores of each chip, filled as far as their scarcest resource is used, and what binds.

    Cores stand in the order of the placement, 16 in a row; where they lie on the die is
    for the hardware's compiler to choose.

    Parameters
    ----------
    placed : lava_ahp.hardware.Placement
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure
    """
    n_columns = int(np.ceil(np.sqrt(placed.n_chips)))
    n_rows = -(-placed.n_chips // n_columns)
    figure = Figure(figsize=(11, 3.2 + 1.3 * n_rows), facecolor="white", layout="constrained")
    chips, use = figure.subfigures(1, 2, width_ratios=(2.2, 1))
    axes = chips.subplots(n_rows, n_columns, squeeze=False).ravel()
    colours = _layer_colours(placed)
    owner = _largest_layer(placed)
    fullest = np.max([*placed.fractions.values()], axis=0)
    for chip, ax in enumerate(axes):
        ax.set_axis_off()
        if chip < placed.n_chips:
            cores = np.flatnonzero(placed.chip_of == chip)
            _core_squares(ax, fullest[cores], [colours[owner[core]] for core in cores], placed)
            ax.set_title(f"chip {chip}: {len(cores)} cores", fontsize=8, color=GREY)
    _layer_legend(chips, colours)
    _resource_bars(use.subplots(), placed)
    figure.suptitle(title or _placement_title(placed), x=0.02, ha="left", fontsize=12)
    return figure


def _core_squares(ax, fractions, colours, placed):
    """One square per core of a chip, filled from below by the used fraction."""
    places = np.arange(placed.chip.cores.value)
    x, y = places % CORES_IN_A_ROW, -(places // CORES_IN_A_ROW)
    n = len(fractions)
    ax.bar(x, 0.86, width=0.86, bottom=y, color="#f1f1f1")
    ax.bar(x[:n], 0.86 * fractions, width=0.86, bottom=y[:n], color=colours)
    ax.set_aspect("equal")


def _layer_legend(figure, colours):
    shown = list(colours.items())[:8]
    handles = [Patch(color=colour, label=name) for name, colour in shown]
    if len(colours) > len(shown):
        handles.append(Patch(color="white", label=f"and {len(colours) - len(shown)} more"))
    figure.legend(handles=handles, loc="outside lower center", ncols=5, fontsize=8, frameon=False)


def _resource_bars(ax, placed):
    """Mean and largest use of each resource over the cores."""
    _axes(ax)
    names = list(placed.fractions)[::-1]
    values = [placed.fractions[name] for name in names]
    colours = [VERMILLION if name == placed.binding else BLUE for name in names]
    ax.barh(range(len(names)), [np.mean(v) for v in values], color=colours, height=0.55)
    ax.scatter([np.max(v) for v in values], range(len(names)), marker="|", s=130, color=BLACK)
    ax.set_yticks(range(len(names)), [RESOURCES[name] for name in names], fontsize=8)
    ax.set_xlim(0, 1.03)
    ax.xaxis.set_major_formatter(PercentFormatter(1))
    ax.set_xlabel("use of a core: mean (bar) and largest (line)", fontsize=8)


def _placement_title(placed):
    title = (
        f"{placed.n_cores} cores of {placed.n_chips} "
        f"{'chip' if placed.n_chips == 1 else 'chips'} ({placed.chip.name})"
    )
    if placed.n_chips > 1:
        title += f", {placed.spikes_between_chips:,.1f} spikes between chips in a step"
    return title


def _layer_colours(placed):
    """A colour for each layer; where there are many layers, along a scale."""
    palette = (BLUE, VERMILLION, GREEN, ORANGE, SKY, PURPLE)
    n = len(placed.layers)
    if n > len(palette):
        palette = colormaps["viridis"](np.linspace(0, 0.95, n))
    return dict(zip(placed.layers, palette))


def _largest_layer(placed):
    """Name of the layer that has most neurons on each core."""
    largest = {}
    for block in placed.blocks:
        size = len(block.neurons)
        largest[block.core] = max(largest.get(block.core, (0, "")), (size, block.layer))
    return [largest[core][1] for core in range(placed.n_cores)]


def _axes(ax, size=(8, 3)):
    if ax is None:
        ax = Figure(figsize=size, facecolor="white", layout="constrained").subplots()
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    ax.tick_params(labelsize=8)
    return ax


def _dots(ax, spikes, colour, offset=0):
    steps, neurons = np.nonzero(spikes)
    # marks as high as a row and narrower than a step, so that neighbours can be told apart
    width, height = (72 * size for size in ax.figure.get_size_inches())
    box = ax.get_position()
    low, high = ax.get_ylim()
    ax.scatter(
        steps,
        neurons + offset,
        s=np.clip(0.9 * height * box.height / (high - low), 0.8, 6) ** 2,
        linewidths=np.clip(0.4 * width * box.width / len(spikes), 0.6, 2),
        marker="|",
        color=colour,
    )


def _time_axis(ax, n_steps, cue_steps):
    ax.set_xlim(-1, n_steps)
    if cue_steps:
        ax.axvspan(n_steps - cue_steps - 0.5, n_steps, color=CUE_COLOUR, zorder=-1, linewidth=0)
    ax.set_xlabel("time (steps)", fontsize=9)
    ax.yaxis.label.set_size(9)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.yaxis.set_major_locator(MaxNLocator(5, steps=(1, 2, 5, 10), integer=ax.get_ylim()[1] > 8))


def _side_label(ax, height, text, colour, weight="normal", size=8.5, at=1.012):
    """Text to the right of the axes at a height in data units."""
    ax.text(
        at, height, text, transform=ax.get_yaxis_transform(), va="center", ha="left",
        color=colour, fontsize=size, fontweight=weight, linespacing=1.15,
    )  # fmt: skip


def _spread(heights, gap, low, high):
    """Heights moved apart to at least `gap`, in their order and within the limits.

    Where there is no room for that the gap shrinks until they fit.
    """
    heights = np.asarray(heights, dtype=float)
    n = len(heights)
    gap = min(gap, (high - low) / max(n, 1))
    order = np.argsort(heights, kind="stable")
    placed = heights[order]
    for k in range(1, n):
        placed[k] = max(placed[k], placed[k - 1] + gap)
    placed[-1] = min(placed[-1], high)
    for k in range(n - 2, -1, -1):
        placed[k] = min(placed[k], placed[k + 1] - gap)
    spread = np.empty(n)
    spread[order] = np.maximum(placed, low + gap * np.arange(n))
    return spread


def _readout_style(k, winner, label):
    if k == winner:
        return (GREEN if label in (None, winner) else PURPLE), 2.2, 4
    if k == label:
        return GREEN, 2.2, 3
    return GREY, 0.8, 2


def _answer(ax, network, result, index, label):
    names = class_names(network)
    winner = int(result.predictions[index])
    right = label in (None, winner)
    colour = GREEN if right else PURPLE
    ax.text(0.5, 0.97, "the network's answer", ha="center", va="top", fontsize=9, color=GREY)
    size = 46 if len(names[winner]) <= 2 else 18
    ax.text(
        0.5, 0.62, names[winner], ha="center", va="center", fontsize=size,
        color=colour, fontweight="bold",
    )  # fmt: skip
    if label is not None:
        verdict = "right" if right else f"wrong: the label is {names[label]}"
        ax.text(0.5, 0.27, verdict, ha="center", fontsize=11, color=colour)
    ax.text(
        0.5, 0.0, _caption(network), ha="center", va="bottom", fontsize=8, color=GREY,
        linespacing=1.4,
    )  # fmt: skip
    ax.set(xlim=(0, 1), ylim=(0, 1))


def _caption(network):
    what = "highest voltage" if network.readout == "voltage" else "most spikes"
    return f"the class with the {what}\nafter the last step"


def _course(ax, history, title, **series):
    _axes(ax)
    ax.set_title(title, fontsize=10, loc="left")
    drawn = 0
    for key, (colour, label) in series.items():
        points = [
            (entry.get("epoch", index), entry[key])
            for index, entry in enumerate(history, start=1)
            if entry.get(key) is not None
        ]
        if points:
            marker = "o" if len(points) < 15 else None
            ax.plot(*zip(*points), color=colour, label=label, marker=marker, markersize=3)
            drawn += 1
    if drawn > 1:
        ax.legend(frameon=False, fontsize=8)
    if not drawn:
        ax.text(0.5, 0.5, "not recorded", ha="center", transform=ax.transAxes, color=GREY)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))


def _is_ahp(layer):
    return layer.neuron.broadcast(layer.n_neurons).is_ahp


def _threshold(layer):
    """Thresholds at the scale of the voltage, at least 1."""
    return np.maximum(layer.neuron.broadcast(layer.n_neurons).coefficients().threshold, 1)
