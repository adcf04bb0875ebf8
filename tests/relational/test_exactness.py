"""Training's forward pass, the engine and Lava's simulator give the same bits in every part."""

import numpy as np
import pytest

from networks import relational_network

from lava_ahp import relational
from lava_ahp.relational import simulator
from lava_ahp.relational.run import pair_spikes
from lava_ahp.tasks import babi


def recipe(random):
    from lava_ahp.training import RelationalRecipe

    return RelationalRecipe.model_validate(
        {
            "task": "babi",
            "steps_per_word": int(random.integers(3, 6)),
            "tail": int(random.integers(0, 4)),
            "window": int(random.integers(3, 5)),
            "max_words": 7,
            "max_sentences": int(random.integers(2, 6)),
            "reader": {"updates": 1, "neurons": int(random.integers(4, 12)), "input_init": 4.0},
            "head": {
                "relation": tuple(random.integers(5, 12, random.integers(1, 4)).tolist()),
                "answer": tuple(random.integers(5, 12, random.integers(1, 3)).tolist()),
                "tau_v": float(random.uniform(2, 30)),
                "in_exp": int(random.integers(-2, 1)),
            },
            "smooth": {"updates": 1},
            "rates": {"updates": 1},
            "spikes": {"updates": 1},
        }
    )


@pytest.mark.parametrize("seed", range(6))
def test_training_computes_the_integers_of_the_engine(seed):
    torch = pytest.importorskip("torch")
    pytest.importorskip("lava.lib.dl.slayer")
    from lava_ahp.training.relational.head import RateHead, SpikingHead
    from lava_ahp.training.relational.reader import Reader

    random = np.random.default_rng(seed)
    config = recipe(random)
    task = (1, 6, 15, 20)[seed % 4]
    questions = babi.generate(task, 30, seed)
    vocabulary = babi.Vocabulary.of(questions)
    table = babi.QuestionTable.of(questions, vocabulary, config.max_words, config.max_sentences)
    torch.manual_seed(seed)
    readers = [Reader(config, len(vocabulary.words), random) for _ in range(2)]
    rates = RateHead(config, len(vocabulary.answers), 4)
    with torch.no_grad():
        for weight in rates.weights:
            weight *= 3
        rates.clamp()
        head = SpikingHead(config, rates)
        spikes = [reader(w)[0] for reader, w in zip(readers, (table.sentences, table.queries))]
        voltage, activity = head.voltage(*spikes, table)
    network = relational.RelationalNetwork(
        *(reader.to_network("reader") for reader in readers),
        heads={task: head.to_head(vocabulary.answers)},
        words=vocabulary.words,
        encoding=config.encoding(),
        window=config.window,
        max_words=config.max_words,
        max_sentences=config.max_sentences,
    )
    for code, trained in zip(relational.codes(network, table), spikes):
        assert code.spikes.any()
        np.testing.assert_array_equal(code.spikes, trained.permute(0, 2, 1).numpy())
    assert all(a.rate.sum() > 0 for a in activity)
    found = relational.answer(network, task, table)
    np.testing.assert_array_equal(found.output, voltage.numpy() * (64 << 6))


def test_lava_gives_the_spikes_and_answers_of_the_engine():
    pytest.importorskip("lava.proc")
    network = relational_network(seed=3, tasks=(20,))
    # two stories, of different lengths, one of them longer than there are places
    questions = [q for q in babi.generate(20, 9) if len(q.story) in (3, 7)][:2]
    table = babi.QuestionTable.of(questions, network.vocabulary(20), 7, network.max_sentences)
    assert table.n_sentences.tolist() == [3, 4]
    on_lava = simulator("lava")
    read = relational.codes(network, table), relational.codes(network, table, on_lava)
    for one, other in zip(*read):
        assert one.spikes.any()
        np.testing.assert_array_equal(one.spikes, other.spikes)
    encoded = pair_spikes(
        network, table, read[0][0].spikes, read[0][1].spikes, babi.pairs_of(table)
    )
    relation = network.head(20).relation
    sent = [run(relation, encoded, ("spikes",)).spikes for run in (simulator(), on_lava)]
    assert sent[0]["g2"].any()
    for name, spikes in sent[0].items():
        np.testing.assert_array_equal(spikes, sent[1][name])
    one = relational.answer(network, 20, table, read=read[0])
    other = relational.answer(network, 20, table, on_lava, read[1])
    assert np.ptp(one.output) > 0
    np.testing.assert_array_equal(one.output, other.output)
    for part, spikes in one.spikes.items():
        np.testing.assert_array_equal(spikes, other.spikes[part])


@pytest.mark.parametrize("seed", range(3))
def test_an_answer_does_not_depend_on_what_is_asked_beside_it(seed):
    network = relational_network(seed, tasks=(6,))
    table = babi.QuestionTable.of(
        babi.generate(6, 25, seed), network.vocabulary(6), 7, network.max_sentences
    )
    together = relational.answer(network, 6, table)
    for row in (0, 7, 24):
        alone = relational.answer(network, 6, table[row : row + 1])
        np.testing.assert_array_equal(alone.output[0], together.output[row])
        for part, values in alone.spikes.items():
            assert values[0] == together.spikes[part][row]


def test_pairs_are_summed_one_by_one():
    """The answer network's input, built pair by pair from the definition."""
    network = relational_network(5, tasks=(1,))
    table = babi.QuestionTable.of(
        babi.generate(1, 10)[4:5], network.vocabulary(1), 7, network.max_sentences
    )
    sentences, questions = relational.codes(network, table)
    head, total = network.head(1), 0
    n = int(table.n_sentences[0])
    assert n == network.max_sentences
    for older in range(n):
        for recent in range(older + 1):
            places = np.zeros((network.window, 2 * n), np.uint8)
            places[:, recent] = places[:, n + older] = 1
            rows = [sentences.spikes[table.story[0, place]] for place in (recent, older)]
            x = np.concatenate([*rows, questions.spikes[0], places], axis=1)
            x = np.concatenate([x, np.zeros((2, x.shape[1]), np.uint8)])
            sent = simulator()(head.relation, x[None], ("spikes",)).spikes["g2"][0]
            total = total + sent[2:].astype(np.int64)
    x = np.concatenate([total, np.zeros((2, total.shape[1]), np.int64)])
    output = simulator()(head.answer, x[None], ()).output
    np.testing.assert_array_equal(relational.answer(network, 1, table).output, output)
