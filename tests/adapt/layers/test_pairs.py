"""Pair selection."""

from __future__ import annotations

import torch

from tcon.adapt.layers.pairs import PairConfig, choose, similar

SOURCE = torch.tensor([[0.9, 0.1, 0.0], [0.0, 1.0, 0.0], [1 / 3, 1 / 3, 1 / 3]])
TARGET = torch.tensor([[1.0, 0.0, 0.0], [0.2, 0.5, 0.3]])
LABELS = torch.tensor([0, 1, 2])


def eligible(**options: object) -> list[list[bool]]:
    return similar(SOURCE, TARGET, LABELS, PairConfig(**options)).tolist()


def test_cosine_against_numbers_by_hand() -> None:
    # cosines: .994 .438 / 0 .811 / .577 .937; the default threshold at C = 3 is .627
    assert eligible() == [[True, False], [False, True], [False, True]]
    assert eligible(threshold=0.4) == [[True, True], [False, True], [True, True]]


def test_default_threshold_depends_on_the_number_of_classes() -> None:
    uniform, one_hot = torch.full((1, 2), 0.5), torch.tensor([[1.0, 0.0]])
    # 1/sqrt(2) + .05 = .757 keeps the undecided from pairing with everything at two classes
    assert not similar(uniform, one_hot, LABELS[:1], PairConfig()).item()
    many = torch.full((1, 12), 1 / 12)
    assert similar(many, many, LABELS[:1], PairConfig()).item()


def test_other_rules() -> None:
    assert eligible(rule="argmax") == [[True, False], [False, True], [True, False]]
    assert eligible(rule="all") == [[True, True]] * 3
    assert eligible(rule="topk", topk=1) == [[True, False], [False, True], [False, True]]
    # one-hot source labels: cosines 1 .324 / 0 .811 / 0 .487
    assert eligible(rule="source_label") == [[True, False], [False, True], [False, False]]


def test_choose_takes_eligible_cells_first_and_pads() -> None:
    cells = torch.tensor([[True, False, True], [False, False, True]])
    order = torch.tensor([[0.9, 0.1, 0.2], [0.3, 0.4, 0.5]])
    rows, columns, mask = choose(cells, order, 2)
    assert list(zip(rows.tolist(), columns.tolist(), mask.tolist(), strict=True)) == [
        (0, 2, True),
        (1, 2, True),
    ]
    rows, columns, mask = choose(cells, order, 100)
    assert len(rows) == 6 and mask.tolist() == [True] * 3 + [False] * 3
    assert len(set(zip(rows.tolist(), columns.tolist(), strict=True))) == 6


def test_choice_is_uniform() -> None:
    cells = torch.ones(4, 5, dtype=torch.bool)
    generator = torch.Generator().manual_seed(0)
    hits = torch.zeros(4, 5)
    for _ in range(4000):
        rows, columns, _ = choose(cells, torch.rand(4, 5, generator=generator), 5)
        hits[rows, columns] += 1
    assert ((hits / 4000 - 0.25).abs() < 0.03).all()  # four standard deviations
