"""``gaincell generate``: text from a converted model, chosen heads computed by their Verilog."""

import argparse
import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gaincell.behavioral.faults import Faults
from gaincell.commands.options.common import add_output, add_seed, check_least
from gaincell.commands.options.faults import faults_of
from gaincell.commands.options.heads import heads_of
from gaincell.commands.options.texts import add_model_argument, check_model, need_ml
from gaincell.commands.shown.generation import Outcome
from gaincell.config import HeadConfig
from gaincell.files import check_writable, replacing
from gaincell.inputs.text_file import check_text
from gaincell.ml.evaluate.text_tokens import tokenized, tokens_of
from gaincell.refusals import refusing
from gaincell.text import table

if TYPE_CHECKING:
    from torch import Tensor

    from gaincell.ml.models.hardware_model import HardwareModel


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model_argument(parser)
    prompt = parser.add_mutually_exclusive_group(required=True)
    prompt.add_argument("--prompt", help="the text to go on with")
    prompt.add_argument("--prompt-file", type=Path, help="UTF-8 file with the prompt")
    parser.add_argument(
        "--tokens",
        type=int,
        default=64,
        help="tokens after the prompt, at most; 0 only scores it; default 64",
    )
    parser.add_argument(
        "--rtl",
        metavar="HEADS",
        help="heads that run in Verilog, as layer:head, such as 10:0,12:4, or all",
    )
    parser.add_argument(
        "--faults",
        help="faults of these heads: key=value,... or a TOML file, as in gaincell evaluate",
    )
    parser.add_argument(
        "--wait-us",
        type=float,
        default=0.0,
        help="time for which the cells leak before each token, refreshed as the head does it; "
        "default 0: they age by the token, whatever the time",
    )
    parser.add_argument(
        "--temperature",
        type=float,
        default=0.0,
        help="temperature of sampling; default 0: the likeliest token",
    )
    add_seed(parser, "that choice, of power-up states and faults")
    add_output(parser, "JSON file for text and figures")


def run(arguments: argparse.Namespace) -> int:
    need_ml()
    with refusing():
        _check(arguments)
        faults = faults_of(arguments.faults)
    if arguments.rtl is not None:
        _let_threads_sleep()
    from gaincell.ml.evaluate.limits import check_length
    from gaincell.ml.models.hardware_model import HardwareModel
    from gaincell.ml.models.load import load_model

    with refusing():
        model, tokenizer = load_model(arguments.model)
        if not isinstance(model, HardwareModel):
            raise ValueError(
                f"{arguments.model} is not on hardware: convert it first with gaincell convert"
            )
        prompt = _prompt(arguments, tokenizer, model)
        served = _served(arguments, model, faults)
        check_length(
            model,
            len(prompt) + arguments.tokens,
            f"--tokens is {arguments.tokens} after a prompt of {len(prompt)}",
        )
    choice: dict[str, Any] = {"temperature": arguments.temperature, "seed": arguments.seed}
    if served is None:
        outcome = _with_torch(model, prompt, arguments.tokens, choice)
    else:
        outcome = _with_rtl(model, prompt, arguments.tokens, served, choice)
    text = tokenizer.decode(outcome.generated.ids)
    print(text)
    print()
    print(table(outcome.rows()))
    if arguments.output is not None:
        whole = {"model": str(arguments.model), "text": text, "rtl": arguments.rtl}
        whole |= {"faults": faults and asdict(faults), "wait_us": arguments.wait_us} | choice
        with replacing(arguments.output) as unfinished:
            unfinished.write_text(json.dumps(whole | outcome.as_json(), indent=1) + "\n")
    ideal = faults is None and not arguments.wait_us
    return int(ideal and outcome.agreement is not None and outcome.agreement.different > 0)


@dataclass(frozen=True)
class Served:
    """Heads of each layer that their Verilog computes, and the state of their arrays."""

    heads: dict[int, list[int]]
    config: HeadConfig
    faults: Faults | None
    idle_cycles: int
    seed: int


def _let_threads_sleep() -> None:
    """Let torch's threads wait asleep: the servers of heads need their CPUs. It is loaded later."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def _check(arguments: argparse.Namespace) -> None:
    """Raise ValueError unless the options fit together, as far as that goes without torch."""
    check_least(arguments, 0, "tokens", "seed")
    for name in ("temperature", "wait_us"):
        value, option = getattr(arguments, name), "--" + name.replace("_", "-")
        if not 0 <= value < float("inf"):
            raise ValueError(f"{option} is {value:g}, but must be finite and at least 0")
    if arguments.rtl is None and (arguments.faults or arguments.wait_us):
        raise ValueError("--faults and --wait-us are of heads in RTL: choose some with --rtl")
    if arguments.rtl not in (None, "all"):
        heads_of("--rtl", arguments.rtl)
    check_model(arguments.model)
    if arguments.prompt_file is not None:
        check_text(arguments.prompt_file)
    if arguments.output is not None:
        check_writable(arguments.output)


def _prompt(arguments: argparse.Namespace, tokenizer: Any, model: Any) -> "Tensor":
    if arguments.prompt_file is not None:
        ids = tokens_of(arguments.prompt_file, tokenizer, model)
    else:
        ids = tokenized(arguments.prompt, "the prompt", tokenizer, model)
    if not len(ids):
        raise ValueError("the prompt is empty: give at least one token")
    return ids


def _served(
    arguments: argparse.Namespace, model: "HardwareModel", faults: Faults | None
) -> Served | None:
    """Raises ValueError for heads that are not there and for a wait that the test bench cannot."""
    if arguments.rtl is None:
        return None
    from gaincell.ml.models.chosen_heads import by_layer
    from gaincell.ml.models.settings import Settings
    from gaincell.rtl_server.client import LONGEST_IDLE

    named = None if arguments.rtl == "all" else heads_of("--rtl", arguments.rtl)
    heads = by_layer(model, named)
    if not heads:
        raise ValueError("--rtl is all, but no layer of the model is on hardware")
    config = Settings.of(model.config).head
    idle = round(arguments.wait_us * 1e-6 / config.clock_s)
    if idle > LONGEST_IDLE:
        longest = LONGEST_IDLE * config.clock_s * 1e6
        raise ValueError(f"--wait-us is {arguments.wait_us}, but must be 0..{longest:g}")
    if idle:
        config = replace(config, age_mode="time")
    return Served(heads, config, faults, idle, arguments.seed)


def _with_torch(
    model: "HardwareModel", prompt: "Tensor", tokens: int, choice: dict[str, Any]
) -> Outcome:
    from tqdm import tqdm

    from gaincell.ml.generate.generation import generate

    with tqdm(total=tokens, unit="token", desc="torch", disable=None) as bar:

        def told(_: int) -> None:
            bar.update()

        return Outcome(generate(model, prompt, tokens, told=told, **choice))


def _with_rtl(
    model: "HardwareModel", prompt: "Tensor", tokens: int, served: Served, choice: dict[str, Any]
) -> Outcome:
    """Generate with heads in RTL, then once more with torch alone."""
    from tqdm import tqdm

    from gaincell.ml.generate.generation import generate
    from gaincell.ml.generate.served_heads import ServedCache
    from gaincell.ml.models.chosen_heads import exact_attention
    from gaincell.rtl_server.client import RtlHeads, cpus, shared_out

    names = {layer: [f"{layer}:{head}" for head in heads] for layer, heads in served.heads.items()}
    cores = [core for own in names.values() for core in shared_out(own, cpus())]
    with (
        exact_attention(model, served.heads),
        RtlHeads(
            served.config,
            cores,
            faults=served.faults,
            seed=served.seed,
            idle_cycles=served.idle_cycles,
            progress=True,
        ) as rtl,
        tqdm(total=2 * tokens, unit="token", disable=None) as bar,
    ):

        def answer(layer: int, heads: Any, q: Any, k: Any, v: Any) -> Any:
            return rtl.attend(names[layer], q, k, v)

        def told(_: int) -> None:
            bar.update()

        bar.set_description("RTL")
        cache = ServedCache(model.config, served.heads, answer)
        served_text = generate(model, prompt, tokens, cache=cache, told=told, **choice)
        bar.set_description("torch")
        alone = generate(model, prompt, tokens, told=told, **choice)
        count = sum(map(len, names.values()))
        return Outcome(served_text, alone, cache.agreement, count, rtl.restarts)
