"""What recent tokens and maps beside the arrays cost in the default head, as a table.

    python benchmarks/recent_cost.py -o docs/evidence/tables/recent_cost.md

Each row is ``gaincell estimate --config gpt2 --recent N``, with ``--maps`` and ``--sharing 3``
where the first column says so.
"""

import argparse
from pathlib import Path

from gaincell.behavioral.tokens import typical_tokens
from gaincell.config import PRESETS
from gaincell.synth.estimate.activity import measure_activity
from gaincell.synth.estimate.analog import AnalogConfig
from gaincell.synth.estimate.digital import reference_metrics
from gaincell.synth.estimate.recent_cost import recent_tables
from gaincell.synth.estimate.system import Estimate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, required=True)
    output = parser.parse_args().output
    config = PRESETS["gpt2"]
    digital = reference_metrics(config)
    assert digital is not None, "metrics of the default head are shipped"
    estimate = Estimate(
        config=config,
        analog=AnalogConfig(),
        activity=measure_activity(*typical_tokens(config, 0), config),
        digital=digital,
    )
    output.write_text(recent_tables(estimate) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
