"""Fine-tuning in one process: what is trained, with which loss, and what a run leaves."""

import math
import shutil
from pathlib import Path

import pytest
import torch
from finetune_runs import PAPER, finetune, left_unfinished, metrics, tokenizer
from tiny_models import HEAD, MODELS
from torch.utils.tensorboard import SummaryWriter

from gaincell.cli import main
from gaincell.ml.finetune.folder import check_folder
from gaincell.ml.finetune.run_file import load_run_file
from gaincell.ml.finetune.trainer import StageTrainer
from gaincell.ml.models.convert import convert
from gaincell.ml.models.load import load_model
from gaincell.ml.models.settings import Settings

pytestmark = [
    pytest.mark.training,
    pytest.mark.usefixtures("quiet_transformers", "in_a_folder"),
]

TWO = {"steps": 2}


def kinds(folder="run/model"):
    return Settings.of(load_model(folder)[0].config).kinds


@pytest.mark.parametrize("name", MODELS)
def test_a_stock_model_is_converted_and_trained(name, capsys):
    steps = {"nonlinear": {"steps": 30, "learning_rate": 3e-3}, "run": {"checkpoint_every": 20}}
    assert finetune(steps | {"model": {"name": name, "layers": "0,2"}}) == 0
    losses = metrics()["losses"]["nonlinear"]
    assert len(losses) == 30
    assert losses[0] == pytest.approx(math.log(50), abs=0.2)
    assert losses[-1] < losses[0] - 0.3
    assert kinds() == ("hardware", "stock", "hardware")
    assert sorted(each.name for each in Path("run/checkpoints").iterdir()) == [
        "nonlinear-000020",
        "nonlinear-000030",
    ]
    assert not left_unfinished()
    assert Path("run/run.toml").read_text() == Path("run.toml").read_text()
    assert "run/model" in capsys.readouterr().out


def test_the_model_and_the_checkpoints_can_be_scored(capsys):
    held_out = {"skip": 960, "windows": 3}
    assert finetune({"held_out": held_out, "run": {"keep": 9}}) == 0
    scores = metrics()["scores"]
    assert [each["step"] for each in scores] == [0, 3, 5]
    options = ["--text", "text.txt", "--skip", "960", "--windows", "3", "--window", "32"]
    for model, score in (("run/model", scores[-1]), ("run/checkpoints/nonlinear-000004", None)):
        capsys.readouterr()
        assert main(["perplexity", "--model", model, *options]) == 0
        said = float(capsys.readouterr().out.split()[-1])
        if score is not None:
            assert said == pytest.approx(score["perplexity"], rel=1e-3)
            assert math.log(score["perplexity"]) == pytest.approx(score["nats_per_token"])


def test_the_papers_flow_trains_adapts_and_trains(capsys):
    changes = {name: PAPER[name] for name in ("linear", "adapt", "nonlinear", "held_out")}
    assert finetune(changes) == 0
    found = metrics()
    assert {name: len(each) for name, each in found["losses"].items()} == {
        "linear": 5,
        "nonlinear": 4,
    }
    assert found["adaptation"]["converged"]
    assert found["adaptation"]["distances"][0] > 0.01
    assert "converged after" in capsys.readouterr().out
    assert kinds() == ("hardware",) * 3
    assert [(each["stage"], each["step"]) for each in found["scores"]] == [
        ("linear", 0),
        ("linear", 3),
        ("linear", 5),
        ("nonlinear", 0),
        ("nonlinear", 3),
        ("nonlinear", 4),
    ]


def test_a_linear_stage_alone_leaves_a_linear_model():
    assert finetune({"linear": {"steps": 2}, "nonlinear": None}) == 0
    assert kinds() == ("linear",) * 3
    assert metrics()["adaptation"] is None


def test_metrics_say_how_the_run_was_made():
    assert finetune({"run": {"seed": 5}, "nonlinear": TWO}) == 0
    found = metrics()
    assert found["seed"] == found["config"]["run"]["seed"] == 5
    assert found["config"]["nonlinear"]["weight_decay"] == 0.1
    assert found["processes"] == 1
    assert found["threads"] == torch.get_num_threads()
    assert set(found["versions"]) >= {"gaincell", "torch", "transformers", "python"}
    assert found["revision"] is None or len(found["revision"].rstrip("+")) == 40


def converted(*more):
    options = ["--text", "text.txt", "--window", "32", "--config", "head.toml", "--init", "ranges"]
    assert main(["convert", "--model", "llama", *options, *more, "-o", "hw"]) == 0


def test_a_converted_model_starts_from_its_own_scalers():
    converted("--layers", "1")
    with torch.no_grad():
        model, words = load_model("hw")
        model.scalers(1).y_gain.mul_(1.5)
        model.save_pretrained("hw")
    own = model.scalers(1).y_gain.clone()
    tiny = {"steps": 1, "learning_rate": 1e-9}
    assert finetune({"model": {"name": "hw", "config": None}, "nonlinear": tiny}) == 0
    assert kinds() == ("stock", "hardware", "stock")
    torch.testing.assert_close(load_model("run/model")[0].scalers(1).y_gain, own)
    assert words.get_vocab() == load_model("run/model")[1].get_vocab()


def test_a_converted_linear_model_is_adapted_first():
    converted("--kind", "linear")
    assert finetune({"model": {"name": "hw", "config": None}}) == 0
    assert metrics()["adaptation"]["converged"]
    assert kinds() == ("hardware",) * 3


@pytest.mark.parametrize("option", [None, "bf16", "activation_checkpointing"])
def test_maps_and_first_tokens_of_a_start_are_kept_and_maps_learn(option):
    model, words = load_model("llama")
    convert(model, HEAD)
    settings = Settings(HEAD, ("hardware",) * 3, maps=(1,), first=(1,))
    model.config.gaincell = settings.as_table()
    model.attach(settings)
    torch.manual_seed(1)
    with torch.no_grad():
        for each in (*model.scalers(1).parameters(), *model.scalers(1).buffers()):
            each.add_(0.1 * torch.randn(each.shape))
    model.save_pretrained("start")
    words.save_pretrained("start")
    training = {} if option is None else {option: True}
    changes = {"model": {"name": "start", "config": None}, "training": training, "nonlinear": TWO}
    assert finetune(changes) == 0
    trained = load_model("run/model")[0]
    assert Settings.of(trained.config) == settings
    before, after = (dict(each.scalers(1).named_parameters()) for each in (model, trained))
    assert before["q_gain"].shape == (4, 16, 16)
    assert not torch.equal(after["q_gain"], before["q_gain"])
    for name, each in model.scalers(1).named_buffers():
        assert torch.equal(dict(trained.scalers(1).named_buffers())[name], each)


def test_distillation_mixes_the_two_losses():
    one = {"nonlinear": {"steps": 1}}
    losses = {}
    for weight in (None, 0.25, 1.0):
        teacher = {"teacher": None if weight is None else {"weight": weight}}
        assert finetune(one | teacher | {"run": {"folder": f"run{weight}"}}) == 0
        losses[weight] = metrics(f"run{weight}")["losses"]["nonlinear"][0]
    mixed = 0.75 * losses[None] + 0.25 * losses[1.0]
    assert losses[0.25] == pytest.approx(mixed, rel=1e-5)
    assert losses[1.0] < 0.5 * losses[None]


def test_accumulated_batches_are_one_larger_batch():
    found = {}
    for batch, accumulation in ((4, 1), (2, 2), (1, 4)):
        changes = {"training": {"batch": batch, "accumulation": accumulation}, "nonlinear": TWO}
        assert finetune(changes | {"run": {"folder": f"run{batch}"}}) == 0
        found[batch] = metrics(f"run{batch}")["losses"]["nonlinear"]
    assert found[2] == pytest.approx(found[4], abs=1e-5)
    assert found[1] == pytest.approx(found[4], abs=1e-5)


@pytest.mark.parametrize("train", ["all", "attention", "scalers"])
def test_only_what_shall_learn_learns(train):
    before = convert(MODELS["llama"]().float(), HEAD, layers=[1]).state_dict()
    changes = {"model": {"layers": "1"}, "training": {"train": train}, "nonlinear": TWO}
    assert finetune(changes) == 0
    after = load_model("run/model")[0].state_dict()
    stock = {name for name in after if "gaincell_norm" not in name}
    changed = {name for name in stock if not torch.equal(after[name], before[name])}
    attention = {name for name in stock if ".1.self_attn." in name}
    assert changed == {"all": stock, "attention": attention, "scalers": set()}[train]


def test_trainers_own_rule_spares_the_scalers_too(monkeypatch):
    seen = []
    create = StageTrainer.create_optimizer

    def look(self, model=None):
        seen.append(set(self.get_decay_parameter_names(self.model)))
        return create(self, model)

    monkeypatch.setattr(StageTrainer, "create_optimizer", look)
    assert finetune({"nonlinear": {"steps": 1}}) == 0
    assert seen[0]
    assert not [name for name in seen[0] if "gaincell_norm" in name]


def test_bfloat16_leaves_scalers_and_arrays_in_float32(whole, monkeypatch):
    types = []
    from gaincell.ml.models import layer

    attend = layer.attention

    def look(q, *rest, **options):
        y = attend(q, *rest, **options)
        types.append((q.dtype, y.dtype))
        return y

    monkeypatch.setattr(layer, "attention", look)
    assert finetune({"training": {"bf16": True}}) == 0
    assert set(types) == {(torch.float32, torch.float32)}
    full, half = (metrics(run)["losses"]["nonlinear"] for run in (whole / "run", "run"))
    assert full != half
    assert half[0] == pytest.approx(full[0], abs=0.01)
    assert half == pytest.approx(full, abs=0.1)
    assert load_model("run/model")[0].dtype == torch.float32


@pytest.mark.parametrize("training", [{"activation_checkpointing": True}, {"device": "cpu"}])
def test_options_that_change_how_but_not_what(whole, training):
    assert finetune({"training": training}) == 0
    plain, other = (metrics(run)["losses"]["nonlinear"] for run in (whole / "run", "run"))
    assert other == pytest.approx(plain, abs=1e-6)


def test_the_precision_of_products_is_that_of_the_run_file_while_it_trains(monkeypatch):
    found = []
    compute = StageTrainer.compute_loss

    def look(self, *rest, **options):
        found.append(torch.get_float32_matmul_precision())
        return compute(self, *rest, **options)

    monkeypatch.setattr(StageTrainer, "compute_loss", look)
    assert finetune({"training": {"matmul_precision": "medium"}, "nonlinear": TWO}) == 0
    assert set(found) == {"medium"}
    assert torch.get_float32_matmul_precision() == "highest"


def test_faults_are_in_the_arrays_while_training(whole):
    assert finetune({"faults": {"read_noise": 0.5, "seed": 1}}) == 0
    assert metrics()["losses"] != metrics(whole / "run")["losses"]


def test_arrays_are_drawn_anew_after_so_many_steps_and_their_noise_goes_on(monkeypatch):
    chips, compute = [], StageTrainer.compute_loss

    def look(self, model, *rest, **options):
        scalers = self.model.scalers(0)
        chips.append(
            (scalers.faults.k.gain[0, 0, 0].item(), scalers.noise.get_state().numpy().tobytes())
        )
        return compute(self, model, *rest, **options)

    monkeypatch.setattr(StageTrainer, "compute_loss", look)
    faults = {"gain_mismatch": 0.1, "read_noise": 0.1, "seed": 4, "redraw": 2}
    assert finetune({"faults": faults, "nonlinear": {"steps": 5}}) == 0
    gains, noise = zip(*chips, strict=True)
    assert gains[0] == gains[1] != gains[2] == gains[3] != gains[4]
    assert len(set(gains)) == 3
    assert len(set(noise)) == 5
    # The second chip is that of the next seed.
    del chips[:]
    again = {"folder": "again"}
    assert finetune({"run": again, "faults": faults | {"seed": 5}, "nonlinear": {"steps": 1}}) == 0
    assert chips[0][0] == gains[2]


def test_scoring_more_often_does_not_change_the_training():
    noisy = {name: PAPER[name] for name in ("faults", "held_out")} | {"model": {"name": "gpt2"}}
    found = []
    for every in (1, 3):
        run = {"folder": f"run{every}", "evaluate_every": every}
        assert finetune(noisy | {"run": run, "nonlinear": {"steps": 3}}) == 0
        found.append(metrics(f"run{every}")["losses"])
    assert found[0] == found[1]


def test_curves_are_written_for_tensorboard(monkeypatch):
    written = []
    add = SummaryWriter.add_scalar

    def look(self, tag, value, step):
        written.append((tag, step))
        add(self, tag, value, step)

    monkeypatch.setattr(SummaryWriter, "add_scalar", look)
    changes = {name: PAPER[name] for name in ("linear", "nonlinear", "held_out")}
    assert finetune(changes | {"run": {"tensorboard": True}}) == 0
    assert [step for tag, step in written if tag == "linear/loss"] == [1, 2, 3, 4, 5]
    assert [step for tag, step in written if tag == "nonlinear/loss"] == [6, 7, 8, 9]
    assert ("held_out/perplexity", 9) in written
    assert {tag for tag, _ in written} >= {"linear/learning_rate", "linear/tokens_per_s"}
    files = list(Path("run/tensorboard").iterdir())
    assert len(files) == 2
    assert all(b"loss" in each.read_bytes() for each in files)


def test_a_finished_run_is_left_as_it_is(whole, capsys):
    shutil.copytree(whole / "run", "run")
    before = {path: path.stat().st_mtime_ns for path in Path("run").rglob("*")}
    capsys.readouterr()
    assert finetune() == 0
    assert "the run in run is finished: its model is run/model" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in Path("run").rglob("*")} == before
    assert check_folder(load_run_file(Path("run.toml"))).step == 5


def test_a_tokenizer_comes_with_the_model(whole):
    assert load_model(whole / "run/model")[1].get_vocab() == tokenizer().get_vocab()
