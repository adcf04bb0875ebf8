"""Model cards: what a network is, how it was made and how well it does, in Markdown."""

from lava_ahp.files import written_whole

_TEMPLATE = """\
# {name}

{title}

Made by one command, on the CPU, in {minutes:.1f} minutes:

    {command}

| split | samples | accuracy | hidden neurons firing per step | wraps and saturations | spikes of readout neurons |
| --- | --- | --- | --- | --- | --- |
{metrics}

Measured in the network's own integer arithmetic, bit for bit what Lava's fixed-point
models compute. The epoch ({best_epoch} of {epochs}) was chosen on the validation split.
`lava-ahp eval {name}` measures again.

## Network

| layer | neurons | synapses | weights |
| --- | --- | --- | --- |
{layers}

- Input: {n_inputs} channels, {encoding}.
- Readout: {readout}.
- `lava-ahp info {name}` shows time constants, thresholds and provenance.

## Training

- Task `{task}`, {training_samples} training samples, seed {seed}.
- Recipe `{recipe}`{overrides}:

```
{settings}
```
"""


def write_card(path, network, recipe, seconds):
    """Write the model card of a trained network.

    Parameters
    ----------
    path : str or Path
        Markdown file, written whole or not at all.
    network : NetworkSpec
        With `provenance` as :func:`lava_ahp.training.train` fills it.
    recipe : Recipe
    seconds : float
        What the training took.
    """
    with written_whole(path) as temporary:
        temporary.write_text(card(path.stem, network, recipe, seconds), encoding="utf-8")


def card(name, network, recipe, seconds):
    """Text of the model card; parameters as in :func:`write_card`."""
    made = network.metadata.provenance
    metrics = [
        f"| {split} | {m['n']:,} | {m['accuracy']:.2%} | {m['firing_rate']:.2%} "
        f"| {m['overflows']} | {m['readout_spikes']} |"
        for split, m in made["metrics"].items()
    ]
    layers = []
    for layer in network.layers:
        groups = ", ".join(f"{group.size} {group.name}" for group in layer.groups)
        synapses = sum(c.n_synapses for c in layer.connections.values())
        low = min(int(c.effective_weight.min()) for c in layer.connections.values())
        high = max(int(c.effective_weight.max()) for c in layer.connections.values())
        layers.append(f"| {layer.name} | {groups} | {synapses:,} | {low} to {high} |")
    encoding = dict(network.metadata.encoding)
    sets = "".join(f" --set {override}" for override in made["overrides"])
    settings = [
        f"{table}.{key} = {value}"
        for table in ("network", "training")
        for key, value in getattr(recipe, table).model_dump(mode="json").items()
    ]
    return _TEMPLATE.format(
        name=name,
        title=f"An AHP network for the task `{network.metadata.task}`, in 8-bit weights.",
        minutes=seconds / 60,
        command=f"lava-ahp train {made['recipe']}{sets} --out {name}.net"
        + (" --test" if "test" in made["metrics"] else ""),
        metrics="\n".join(metrics),
        best_epoch=made["best_epoch"],
        epochs=made["epochs"],
        layers="\n".join(layers),
        n_inputs=network.n_inputs,
        encoding=f"{encoding.pop('name')} ({', '.join(f'{k} {v}' for k, v in encoding.items())})",
        readout="voltage of the last step, first largest" if network.readout == "voltage"
        else "spike counts",
        task=network.metadata.task,
        training_samples=made["training_samples"],
        seed=made["seed"],
        recipe=made["recipe"],
        overrides=f" with {sets.strip()}" if sets else "",
        settings="\n".join(settings),
    ) + (f"\n## What was tried\n\n{recipe.notes.strip()}\n" if recipe.notes else "")
