"""What training changed, as a small file, and how good the model is that comes back from it."""

from __future__ import annotations

import shutil
from typing import Any

from gaincell.gpu_run.places import Places
from gaincell.gpu_run.work.scores import device, scores_of
from gaincell.ml.models.load import load_model
from gaincell.ml.models.saved.difference import rebuild, save_difference


def difference_part(places: Places) -> dict[str, Any]:
    """The distilled model's difference to the stock one, and scores of what comes back from it."""
    trained, most = places.work / "distilled" / "model", int(places.plan.difference_mb * 1e6)
    vectors = save_difference(places.stock, trained, places.difference, most, device())
    folder = places.work / "rebuilt"
    shutil.rmtree(folder, ignore_errors=True)
    rebuild(places.stock, places.difference, folder)
    model = load_model(folder)[0].to(device())
    size = places.difference.stat().st_size
    return {"vectors": vectors, "bytes": size, "scores": scores_of(model, places)}
