"""The gain-cell arrays in numpy: attention over whole sequences, and the arrays cycle by cycle.

``attend`` is the contract: integer codes of T tokens as inputs, integer outputs. ``run_arrays``
computes the same on a model of cells, integrators and converters, which may have faults:

>>> import numpy as np
>>> from gaincell.behavioral.attention import attend
>>> from gaincell.behavioral.control import run_arrays
>>> from gaincell.behavioral.faults import Faults
>>> from gaincell.config import PRESETS
>>> config = PRESETS["tiny"]  # 8 dimensions, a window of 16 tokens in 4 sub-tiles
>>> rng = np.random.default_rng(0)
>>> q = rng.integers(0, config.query_max + 1, (24, config.head_dim))
>>> k = rng.integers(0, config.key_max + 1, (24, config.head_dim))
>>> v = rng.integers(0, config.value_max + 1, (24, config.head_dim))
>>> y = attend(q, k, v, config)
>>> y[-1].tolist()
[24, 0, 7, 30, -1, 30, -24, 0]
>>> ideal, events = run_arrays(q, k, v, config)
>>> bool((ideal == y).all())
True
>>> noisy, _ = run_arrays(q, k, v, config, faults=Faults(read_noise=0.5))
>>> noisy[-1].tolist()
[26, -4, 8, 30, -8, 30, -26, 23]
"""
