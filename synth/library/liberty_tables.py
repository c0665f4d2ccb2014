"""Tables of a rescaled Liberty tree: energies as arrays, delays in the one form that ABC takes."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gaincell.synth.library.cells import Table
from gaincell.synth.library.liberty_text import Attribute, Group
from gaincell.synth.library.units import SI, axis_quantity

DELAYS = ("cell_rise", "cell_fall", "rise_transition", "fall_transition")
DELAY_AXES = {"time": "input_net_transition", "capacitance": "total_output_net_capacitance"}
"""The axes of a delay table that ABC can read, by their quantities."""

Axis = tuple[str, NDArray[np.float64]]
"""The variable of an axis, and its points."""


def energy_table(group: Group, template: Group | None, note: Callable[[str], None]) -> Table:
    """A table of energies; ``template`` names its axes, None for a scalar.

    ``note`` is told what was simplified.

    Raises
    ------
    ValueError
        The table has no numbers, or not as many as its axes have points.
    """
    axes = table_axes(group, template)
    values = table_values(group, axes)
    quantities = [axis_quantity(variable) for variable, _ in axes]
    for place in reversed(range(len(axes))):
        if not quantities[place] or quantities[place] in quantities[:place]:
            values = values.mean(axis=place)
            note(f"energies over {axes[place][0]} count with their mean over it")
            del axes[place], quantities[place]
    points = {"time": np.zeros(1), "capacitance": np.zeros(1)}
    for quantity, (_, at) in zip(quantities, axes, strict=True):
        points[quantity] = at * SI[quantity]
    square = _square(values, quantities) * SI["energy"]
    return Table(points["time"], points["capacitance"], square)


def square_delays(timing: Group, templates: dict[str, Group]) -> None:
    """Give the delay tables of ``timing`` the axes transition and load, where they lack one.

    ABC drops a whole library because of a table with one axis, or with other indices than its
    template. ``templates`` gets the templates of new tables. Tables of other axes stay.
    """
    for place, table in enumerate(timing.items):
        if not (isinstance(table, Group) and table.kind in DELAYS):
            continue
        template = templates.get(table.name)
        if template is None and table.name not in ("", "scalar"):
            raise ValueError(f'the template "{table.name}" of a table is not defined')
        axes = table_axes(table, template)
        quantities = [axis_quantity(variable) for variable, _ in axes]
        if not set(quantities) <= set(DELAY_AXES) or len(set(quantities)) < len(axes):
            continue
        if template is not None and _as_abc_wants(axes, template):
            continue
        square = _square(table_values(table, axes), quantities)
        points = {name: np.zeros(1) for name in DELAY_AXES}
        points |= {name: at for name, (_, at) in zip(quantities, axes, strict=True)}
        for axis, quantity in enumerate(DELAY_AXES):
            if len(points[quantity]) == 1:
                points[quantity] = np.array([points[quantity][0], points[quantity][0] + 1])
                square = np.repeat(square, 2, axis=axis)
        timing.items[place] = _new_table(table, list(points.values()), square, templates)


def table_axes(group: Group, template: Group | None) -> list[Axis]:
    """The axes of a table, whose own points go before those of its template."""
    axes: list[Axis] = []
    for place in (1, 2, 3):
        variable = template.text(f"variable_{place}") if template is not None else ""
        if template is None or not variable:
            break
        rows = group.rows(f"index_{place}") or template.rows(f"index_{place}")
        points = np.array([number for row in rows for number in row], dtype=np.float64)
        if not len(points) or (np.diff(points) <= 0).any():
            raise ValueError(f"index_{place} of a table does not rise")
        axes.append((variable, points))
    return axes


def table_values(group: Group, axes: list[Axis]) -> NDArray[np.float64]:
    """The values of a table, with one dimension for each axis."""
    values = np.array([n for row in group.rows("values") for n in row], dtype=np.float64)
    shape = tuple(len(points) for _, points in axes)
    if values.size != np.prod(shape, dtype=int):
        points = " x ".join(map(str, shape)) or "1"
        raise ValueError(f"a table has {values.size} values for {points} points")
    return values.reshape(shape)


def _square(values: NDArray[np.float64], quantities: list[str]) -> NDArray[np.float64]:
    """``values`` with transition first and load second; a missing axis has one point."""
    if quantities == ["capacitance", "time"]:
        return values.T
    if quantities == ["time"]:
        return values[:, np.newaxis]
    return np.atleast_2d(values)


def _as_abc_wants(axes: list[Axis], template: Group) -> bool:
    sizes = [
        sum(len(row) for row in template.rows(f"index_{place}"))
        for place in range(1, len(axes) + 1)
    ]
    return {variable for variable, _ in axes} == set(DELAY_AXES.values()) and sizes == [
        len(points) for _, points in axes
    ]


def _new_table(
    table: Group,
    points: list[NDArray[np.float64]],
    values: NDArray[np.float64],
    templates: dict[str, Group],
) -> Group:
    name = f"gaincell_delay_{len(points[0])}_{len(points[1])}"
    indices = [
        Attribute(f"index_{place}", [_row(at)], complex=True)
        for place, at in enumerate(points, start=1)
    ]
    if name not in templates:
        variables = [
            Attribute(f"variable_{place}", [variable])
            for place, variable in enumerate(DELAY_AXES.values(), start=1)
        ]
        templates[name] = Group("lu_table_template", [name], items=[*variables, *indices])
    rows = Attribute("values", [_row(row) for row in values], complex=True)
    return replace(table, args=[name], items=[*indices, rows])


def _row(numbers: NDArray[np.float64]) -> str:
    return ", ".join(f"{number:.9g}" for number in numbers)
