"""A head and its attention for ZigZag: an accelerator, a workload and a mapping.

Costs are pJ, areas um2. ZigZag's own model of in-memory computing is of SRAM; here every cell is a
multiplier, and the memories are the cells and the host. ZigZag knows one unit energy: it is a
cell's part of both products and of the control, so that both layers together cost what the
estimate says.
"""

from typing import Any

from gaincell.exports.figures import HeadFigures

OUTPUT_BITS = 16
WIDE = 1 << 20
"""Bits that the host moves at once: it never holds up the head."""
HOST_BITS = 1 << 40
PJ = 1e12
SCORES, OUTPUTS = "scores", "outputs"
"""Names of the layers."""


def accelerator(figures: HeadFigures) -> dict[str, Any]:
    """The content of an accelerator file. D1 are the columns, D2 the dimensions."""
    config = figures.config
    stored, dims = config.stored_columns, config.head_dim
    bits = max(config.key_bits, config.value_bits)
    products_pj = (figures.key_product_j + figures.value_product_j) * PJ
    return {
        "name": "gaincell",
        "memories": {
            "cells": {
                "size": bits,
                "r_cost": 0.0,
                "w_cost": figures.writes_j * PJ / (2 * dims),
                "area": 0.0,
                "latency": 0,
                "operands": ["I2"],
                "ports": [_port("rw_port_1", "read_write", bits, ["I2, fh", "I2, tl"])],
                "served_dimensions": [],
            },
            "host": {
                "size": HOST_BITS,
                "r_cost": 0.0,
                "w_cost": 0.0,
                "area": 0.0,
                "latency": 0,
                "operands": ["I1", "I2", "O"],
                "ports": [
                    _port("r_port_1", "read", WIDE, ["I1, tl", "I2, tl", "O, tl", "O, th"]),
                    _port("w_port_1", "write", WIDE, ["I1, fh", "I2, fh", "O, fl", "O, fh"]),
                ],
                "served_dimensions": ["D1", "D2"],
            },
        },
        "operational_array": {
            "input_precision": [config.query_bits, bits],
            "unit_energy": (products_pj + figures.control_j * PJ) / (2 * stored * dims),
            "unit_area": figures.area_m2 * 1e12 / (stored * dims),
            "dimensions": ["D1", "D2"],
            "sizes": [stored, dims],
        },
    }


def workload(figures: HeadFigures) -> list[dict[str, Any]]:
    """As many tokens as the head stores: each is written once, and asks once."""
    config = figures.config
    stored, dims = config.stored_columns, config.head_dim
    return [
        _layer(0, (stored, stored, dims), config.query_bits, config.key_bits),
        _layer(1, (stored, dims, stored), config.query_bits, config.value_bits),
    ]


def mapping(figures: HeadFigures) -> list[dict[str, Any]]:
    """Every token's key and value in a column of its own, all columns at once."""
    stored, dims = figures.config.stored_columns, figures.config.head_dim
    links = {"O": "O", "W": "I2", "I": "I1"}
    return [
        {
            "name": name,
            "spatial_mapping": {"D1": [f"{across}, {stored}"], "D2": [f"{down}, {dims}"]},
            "memory_operand_links": links,
        }
        for name, across, down in (
            ("default", "K", "C"),
            (SCORES, "K", "C"),
            (OUTPUTS, "C", "K"),
        )
    ]


def _layer(number: int, sizes: tuple[int, int, int], inputs: int, weights: int) -> dict[str, Any]:
    return {
        "id": number,
        "name": (SCORES, OUTPUTS)[number],
        "operator_type": "Gemm",
        "equation": "O[b][k]+=W[k][c]*I[b][c]",
        "dimension_relations": [],
        "loop_dims": ["B", "K", "C"],
        "loop_sizes": list(sizes),
        "operand_precision": {"W": weights, "I": inputs, "O": OUTPUT_BITS, "O_final": OUTPUT_BITS},
        "operand_source": {"I": number, "W": number},
    }


def _port(name: str, kind: str, bits: int, allocation: list[str]) -> dict[str, Any]:
    return {
        "name": name,
        "type": kind,
        "bandwidth_min": bits,
        "bandwidth_max": bits,
        "allocation": allocation,
    }
