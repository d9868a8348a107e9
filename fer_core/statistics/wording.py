"""Sentences that say what a comparison of conditions found, and on which assumptions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from fer_core.statistics.effect_sizes import size_word

if TYPE_CHECKING:
    from fer_core.statistics.conditions import ConditionComparison
    from fer_core.statistics.pairwise import PairComparison
    from fer_core.statistics.permutation import TestResult

__all__ = ["assumptions", "comparison_sentence", "p_words"]

ALPHA = 0.05
"""p-values below this are called a difference, as is usual; the p-value itself is always given."""


def comparison_sentence(found: ConditionComparison) -> str:
    """Return what was found, in plain words, with the assumptions."""
    parts = [_described(found)]
    if found.refusal:
        parts.append(f"Nothing is claimed about other people: {found.refusal}.")
    elif len(found.conditions) == 2:
        parts.append(_two(found, found.pairs[0]))
    else:
        parts.append(_many(found))
    if found.left_out:
        parts.append(f"Left out, because a condition is missing: {', '.join(found.left_out)}.")
    if not found.refusal:
        parts.append(assumptions(found))
    return " ".join(parts)


def assumptions(found: ConditionComparison) -> str:
    """Return what has to hold for the test to be right."""
    if found.paired:
        swap = "within a participant, the values could as well stand in another order of the conditions"
    else:
        swap = "participants came to their condition by chance, and the values would be spread alike in each"
    return (
        "This assumes that participants are independent of each other, and that without a difference between the "
        f"conditions, {swap}. Each participant counts once, however long or often they were filmed. The values are how "
        "expressions look to the network, not what people felt."
    )


def p_words(test: TestResult, p_holm: float | None = None) -> str:
    """Return the p-value of a test in words, such as "exact sign-flip permutation test, p = 0.031"."""
    kind = ("exact " if test.exact else "") + test.name
    words = f"{kind}, {_p(test.p_value)}"
    return words if p_holm is None else f"{words}, corrected for several comparisons {_p(p_holm)}"


def _p(p_value: float) -> str:
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}" if p_value < 0.1 else f"p = {p_value:.2f}"


def _described(found: ConditionComparison) -> str:
    each = [
        f"{mean:.3g} in {name!r}" + ("" if math.isnan(deviation) else f" (SD {deviation:.2g})")
        for name, mean, deviation in zip(found.conditions, found.means, found.deviations, strict=True)
    ]
    if found.paired:
        who = f"{found.participants[0]} participants, who took part in all conditions"
    else:
        counts = zip(found.participants, found.conditions, strict=True)
        who = " and ".join(f"{n} participants in {name!r}" for n, name in counts)
    return f"{found.measure[:1].upper()}{found.measure[1:]}: on average {_listed(each)}; {who}."


def _two(found: ConditionComparison, pair: PairComparison) -> str:
    assert pair.test is not None
    name = "d_z" if found.paired else "Hedges' g"
    decisive = pair.test.p_value if found.p_holm is None else found.p_holm
    can = "can" if decisive < ALPHA else "cannot"
    interval = f"95 % interval {pair.low:.3g} to {pair.high:.3g}"
    sizes = f"{name} = {pair.effect:.2f}, rank-biserial {pair.rank_biserial:+.2f}"
    return (
        f"The difference {can} be told from chance ({p_words(pair.test, found.p_holm)}): {pair.difference:+.3g}, "
        f"{interval}, {size_word(pair.effect)} effect ({sizes})."
    )


def _many(found: ConditionComparison) -> str:
    assert found.omnibus is not None
    name = "Kendall's W" if found.paired else "epsilon squared"
    decisive = found.omnibus.p_value if found.p_holm is None else found.p_holm
    words = f"{p_words(found.omnibus, found.p_holm)}, {name} = {found.effect:.2f}"
    if decisive >= ALPHA:
        return f"The conditions cannot be told apart ({words}), so no two of them are compared further."
    apart = [pair for pair in found.pairs if pair.p_holm is not None and pair.p_holm < ALPHA]
    pairs = [f"{p.first!r} and {p.second!r} ({p.difference:+.3g}, corrected {_p(p.p_holm or 0.0)})" for p in apart]
    which = f"It lies between {_listed(pairs)}." if pairs else "Between which of them cannot be told."
    return f"There is a difference between the conditions ({words}). {which}"


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
