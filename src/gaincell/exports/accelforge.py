"""A head and its attention for AccelForge: an architecture and a workload.

The architecture holds keys and values in cells that are written once for each token. AccelForge's
mapper counts the accesses; ``hwcomponents_gaincell`` says what each one costs.
"""

from gaincell.config import HeadConfig


def architecture(config: HeadConfig, source: str, metrics: str = "") -> str:
    """YAML of the head ``config``, which ``source`` names; ``metrics`` as for ``figures_of``."""
    stored, dims = config.stored_columns, config.head_dim
    own = f'config: "{source}", metrics: "{metrics}"'
    return f"""\
# A gain-cell attention head: {stored} columns of {dims} dimensions. Energies, areas and times come
# from hwcomponents_gaincell, and so from gaincell estimate.
arch:
  nodes:
  - !Memory
    name: Host
    component_class: Dummy
    size: inf
    tensors: {{keep: All}}

  # Passes queries, and has the schedule: a token every {config.interval_cycles} cycles.
  - !Toll
    name: HeadControl
    direction: down
    tensors: {{keep: Q}}
    values_per_action: {{All: 1}}
    component_class: HeadControl
    extra_attributes_for_component_model: {{{own}}}

  - !Toll
    name: KeyDac
    direction: down
    tensors: {{keep: K}}
    values_per_action: {{All: 1}}
    component_class: WriteDac
    extra_attributes_for_component_model: {{{own}, operand: "key"}}

  - !Toll
    name: ValueDac
    direction: down
    tensors: {{keep: V}}
    values_per_action: {{All: 1}}
    component_class: WriteDac
    extra_attributes_for_component_model: {{{own}, operand: "value"}}

  - !Toll
    name: ScoreConverter
    direction: up
    tensors: {{keep: S}}
    values_per_action: {{All: 1}}
    component_class: PulseConverter
    extra_attributes_for_component_model: {{{own}, stage: "score"}}

  - !Toll
    name: OutputConverter
    direction: up
    tensors: {{keep: Y}}
    values_per_action: {{All: 1}}
    component_class: PulseConverter
    extra_attributes_for_component_model: {{{own}, stage: "output"}}

  # A column for each stored token, a cell in it for each dimension: all work at once.
  - !Container
    name: Columns
    spatial: [{{name: column, fanout: {stored}, may_reuse: All, min_usage: 1}}]

  - !Container
    name: Rows
    spatial: [{{name: row, fanout: {dims}, may_reuse: All, min_usage: 1}}]

  - !Memory
    name: KeyCells
    size: {config.key_bits}
    tensors: {{keep: K, no_refetch_from_above: K, force_memory_hierarchy_order: False}}
    values_per_action: {{All: 1}}
    area_scale: 1 / {stored * dims}
    component_class: GainCellArray
    extra_attributes_for_component_model: {{{own}, operand: "key"}}

  - !Memory
    name: ValueCells
    size: {config.value_bits}
    tensors: {{keep: V, no_refetch_from_above: V, force_memory_hierarchy_order: False}}
    values_per_action: {{All: 1}}
    area_scale: 1 / {stored * dims}
    component_class: GainCellArray
    extra_attributes_for_component_model: {{{own}, operand: "value"}}

  - !Compute
    name: Charge
    component_class: Dummy
"""


def workload(config: HeadConfig) -> str:
    """YAML of as many tokens as the head stores: each is written once, and asks once."""
    stored, dims = config.stored_columns, config.head_dim
    return f"""\
# Attention of one head over {stored} tokens, one after the other: each one's key and value are
# written, and its query reads all columns. Divide energy and time by {stored} for one token.
workload:
  rank_sizes: {{T: {stored}, M: {stored}, D: {dims}, E: {dims}}}
  einsums:
  - name: Scores
    tensor_accesses:
    - {{name: Q, projection: [t, d], bits_per_value: {config.query_bits}}}
    - {{name: K, projection: [m, d], bits_per_value: {config.key_bits}}}
    - {{name: S, projection: [t, m], output: true, bits_per_value: {config.query_bits}}}
  - name: Outputs
    tensor_accesses:
    - {{name: S, projection: [t, m], bits_per_value: {config.query_bits}}}
    - {{name: V, projection: [m, e], bits_per_value: {config.value_bits}}}
    - {{name: Y, projection: [t, e], output: true, bits_per_value: {config.result_width}}}
"""
