"""Text token by token: the same as Hugging Face's, and heads that somebody else answers."""

import math

import numpy as np
import pytest
import torch
from tiny_models import HEAD, MODELS, tokens

from gaincell.behavioral.attention import attend
from gaincell.ml.evaluate.perplexity import perplexity
from gaincell.ml.generate.generation import generate
from gaincell.ml.generate.served_heads import ServedCache
from gaincell.ml.models.chosen_heads import by_layer, exact_attention
from gaincell.ml.models.convert import convert


@pytest.fixture(params=MODELS)
def model(request):
    return convert(MODELS[request.param](), HEAD, "hardware", [0, 2])


class Contract:
    """Serves heads by the contract's own function, from all tokens so far."""

    def __init__(self, wrong=None):
        self.seen, self.wrong = {}, wrong

    def __call__(self, layer, heads, q, k, v):
        found = []
        for head, *new in zip(heads, q, k, v, strict=True):
            old = self.seen.get((layer, head), [x[:0] for x in new])
            self.seen[layer, head] = [np.concatenate(both) for both in zip(old, new, strict=True)]
            found.append(attend(*self.seen[layer, head], HEAD)[-len(new[0]) :])
        y = np.stack(found)
        if self.wrong is not None and len(self.seen[layer, heads[0]][0]) == self.wrong:
            y[0, -1, 5] += 3
        return y


def test_greedy_text_is_that_of_hugging_face(model):
    prompt = tokens(1, 7)
    found = generate(model, prompt[0], 20)
    theirs = model.generate(prompt, max_new_tokens=20, do_sample=False, pad_token_id=0)
    assert found.ids.tolist() == theirs[0].tolist()
    assert (found.prompt, len(found.ids)) == (7, 27)


def test_perplexity_is_that_of_the_whole_text(model):
    prompt = tokens(1, 30)[0]
    for count in (0, 1, 15):
        found = generate(model, prompt, count, temperature=2.0)
        whole = perplexity(model, found.ids[None])
        assert found.nats == pytest.approx(whole.nats, rel=1e-6)
        assert found.perplexity == pytest.approx(math.exp(whole.nats / whole.tokens), rel=1e-6)


def test_drawn_text_follows_from_the_seed(model):
    prompt = tokens(1, 5)[0]
    texts = [
        generate(model, prompt, 30, temperature=3.0, seed=seed).ids.tolist() for seed in (4, 4, 5)
    ]
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]


def test_text_ends_where_the_model_ends_it(model):
    prompt = tokens(1, 7)[0]
    free = generate(model, prompt, 20).ids.tolist()
    model.generation_config.eos_token_id = free[10]
    told = []
    ended = generate(model, prompt, 20, told=told.append).ids.tolist()
    assert ended == free[: free.index(free[10], 7) + 1]
    assert told == ended[7:]


def test_a_prompt_that_does_not_fit_is_refused(model):
    with pytest.raises(ValueError, match=r"must be \(T,\)"):
        generate(model, torch.zeros(0, dtype=torch.int64), 3)
    with pytest.raises(ValueError, match="but the model has positions for 128 tokens"):
        generate(model, tokens(1, 100)[0], 29)


def test_heads_are_picked_by_layer(model):
    count = model.config.num_attention_heads
    assert by_layer(model, None) == {0: list(range(count)), 2: list(range(count))}
    assert by_layer(model, [(2, 1), (0, 0), (2, 0), (2, 1)]) == {0: [0], 2: [0, 1]}
    for head, message in (
        ((3, 0), "layer 3 is not there"),
        ((1, 0), 'layer 1 is of kind "stock"'),
        ((0, count), f"head {count} is not there"),
        ((0, -1), "head -1 is not there"),
    ):
        with pytest.raises(ValueError, match=message):
            by_layer(model, [head])


def test_served_heads_agree_beyond_a_window_and_the_text_stays(model):
    prompt, heads = tokens(1, 23)[0], by_layer(model, [(0, 1), (2, 0), (2, 1)])
    with exact_attention(model, heads):
        alone = generate(model, prompt, 20)
        cache = ServedCache(model.config, heads, Contract())
        served = generate(model, prompt, 20, cache=cache)
    seen = cache.agreement
    assert served.ids.tolist() == alone.ids.tolist()
    assert served.nats == alone.nats
    assert seen.head_tokens == 3 * (23 + 19)
    assert seen.codes == seen.head_tokens * HEAD.head_dim
    assert (seen.different, seen.total, seen.largest, seen.first) == (0, 0, 0, None)


def test_the_model_goes_on_with_what_is_served(model):
    prompt, heads = tokens(1, 9)[0], {2: [1]}
    with exact_attention(model, heads):
        cache = ServedCache(model.config, heads, Contract(wrong=9))
        served = generate(model, prompt, 0, cache=cache)
        alone = generate(model, prompt, 1)
        other = generate(model, prompt, 1, cache=ServedCache(model.config, heads, Contract(9)))
    seen = cache.agreement
    assert (seen.different, seen.total, seen.largest) == (1, 3, 3)
    assert seen.first is not None
    assert seen.first.startswith("layer 2, head 1, token 8, dimension 5: torch ")
    # The last token's outputs change what follows it, not what came before.
    assert served.nats == pytest.approx(generate(model, prompt, 0).nats)
    assert other.nats != alone.nats


def test_a_batch_is_not_served(model):
    cache = ServedCache(model.config, {0: [0]}, Contract())
    with pytest.raises(ValueError, match="one sequence"):
        model(tokens(2, 5), past_key_values=cache)


def test_exact_attention_is_left_behind_as_it_was(model):
    model.scalers(0).dtype = torch.float32
    with exact_attention(model, [0, 2]):
        assert model.scalers(0).dtype == model.scalers(2).dtype == torch.float64
    assert (model.scalers(0).dtype, model.scalers(2).dtype) == (torch.float32, None)
