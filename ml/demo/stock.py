"""The demo's model with softmax attention: made, trained, and put into a folder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm
from transformers import GPT2Config, GPT2LMHeadModel

from gaincell.ml.demo.settings import DemoSettings
from gaincell.ml.evaluate.perplexity import perplexity
from gaincell.ml.finetune.arguments import rate_at
from gaincell.ml.finetune.data.windows import Windows
from gaincell.ml.finetune.parameters import groups_of
from gaincell.ml.finetune.settings import Stage
from gaincell.ml.finetune.teacher import text_loss


def random_model(settings: DemoSettings) -> Any:
    """A GPT-2 of the demo's size; its weights follow from the seed."""
    torch.manual_seed(settings.seed)
    config = GPT2Config(
        n_layer=settings.layers,
        n_head=settings.heads,
        n_embd=settings.heads * settings.head_dim,
        initializer_range=settings.initializer_range,
        vocab_size=settings.vocabulary,
        n_positions=settings.window,
        # The arrays drop nothing out: the model they are compared with does not either.
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=None,
        eos_token_id=None,
    )
    return GPT2LMHeadModel(config)


def train_stock(
    model: Any,
    data: Windows,
    held_out: Tensor,
    settings: DemoSettings,
    steps: int,
    rate: float,
    label: str,
    score: Callable[[int, float], None],
) -> None:
    """Train a stock model as the runs of ``gaincell finetune`` train theirs.

    Parameters
    ----------
    data : ``steps`` batches
    score : called with the step and the loss on ``held_out`` (W, T), nats per token
    """
    stage = Stage(steps=steps, learning_rate=rate, warmup=min(settings.warmup, steps))
    # As Trainer has it: embeddings and matrices decay, biases and norms do not.
    decaying = {name for name, each in model.named_parameters() if each.dim() > 1}
    optimizer = torch.optim.AdamW(
        groups_of(model, stage, decaying), lr=stage.learning_rate, betas=stage.betas, fused=True
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate_at(step, stage))

    def evaluate(step: int) -> None:
        model.eval()
        found = perplexity(model, held_out)
        tqdm.write(f"  {label}, step {step}: held-out perplexity {found.perplexity:.4g}")
        score(step, found.nats / found.tokens)

    evaluate(0)
    with tqdm(total=steps, desc=label, unit="step", disable=None) as bar:
        for step in range(1, steps + 1):
            model.train()
            first = (step - 1) * settings.batch
            ids = torch.stack([data[first + each]["input_ids"] for each in range(settings.batch)])
            loss = text_loss(model(input_ids=ids, use_cache=False).logits, ids)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), stage.clip)
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
            bar.set_postfix_str(f"loss {loss.item():.4f}", refresh=False)
            bar.update()
            if step == steps or step % settings.evaluate_every == 0:
                evaluate(step)
    model.eval()
