"""Page of a bundle's card, in Markdown: every figure comes from the card."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from fer_core.labels import FER7
from fer_core.models.bundle import Head, rule_of

FULL, CLEAN, ONE_VIEW = (
    "PublicTest",
    "PublicTest without near copies in Training",
    "PublicTest, one view (no mirrored second look)",
)
PHOTOS = "news photos"
BY_LABEL = ", by FER2013's label"
ROWS = {
    "shown": "what pages show, by clear FER+ majority (7)",
    "main head alone": "the FER+ head alone, by the same",
    "shown, by FER2013's label": "what pages show, by FER2013's label (7)",
    "main head alone, by FER2013's label": "the FER+ head alone, by the same",
    "ferplus8": "the FER+ head with contempt, by clear majority (8)",
    "fer7": "the FER-7 head, by FER2013's label (7)",
}


def readable(card: dict[str, Any]) -> str:
    """Return the page."""
    metrics = card["metrics"]
    parts = [
        [f"# {card['title']}", "", card["summary"], ""],
        _figures(metrics),
        _rule(card),
        _recall(metrics),
        _confusion(metrics[ONE_VIEW]["shown"], "What pages show against what most people see, PublicTest, one view"),
        _confusion(metrics[ONE_VIEW]["shown, by FER2013's label"], "What pages show against FER2013's label, one view"),
        _photos(metrics.get(PHOTOS)),
        _turned(metrics.get("turned")),
        _risk(metrics),
        _unsure(card),
        _ending(card),
    ]
    return "\n".join(line for part in parts for line in part)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [*(f"| {' | '.join(line)} |" for line in lines), ""]


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _figures(metrics: dict[str, Any]) -> list[str]:
    rows = []
    for kind, words in ROWS.items():
        parts = [metrics[part][kind] for part in (ONE_VIEW, FULL, CLEAN)]
        rows.append([f"{words}: right", *(f"{m['accuracy']:.1%} of {m['n']}" for m in parts)])
        rows.append(["balanced recall", *(_percent(m["balanced_recall"]) for m in parts)])
        rows.append(["calibration error (ECE)", *(f"{m['ece']:.3f}" for m in parts)])
    head = ["measured on PublicTest", "one view", "two views", "clean, two views"]
    return [*_table(head, rows), "“Clean” leaves out images that have a copy or near copy in Training.", ""]


def _rule(card: dict[str, Any]) -> list[str]:
    if "rule" not in card:
        return []
    heads = tuple(Head(h["name"], tuple(h["labels"]), shown=h.get("shown", {})) for h in card["heads"])
    one = card["metrics"][ONE_VIEW]
    lines = [
        "## The rule for what is shown",
        "",
        f"{rule_of(card, heads).describe()}.",
        "",
        "A part of how often an expression occurs in the training data is taken off, so that rare ones are named",
        "sooner.",
        f"By what most people see, in one view, {_cost(one, 'shown', 'main head alone')};",
        f"by FER2013's label {_cost(one, *(kind + BY_LABEL for kind in ('shown', 'main head alone')))}.",
    ]
    if photos := card["metrics"].get(PHOTOS):
        lines[-1] = lines[-1][:-1] + ";"
        lines.append(f"on news photos {_cost(photos, 'shown', 'main head alone')}.")
    asked = card["metrics"]["contempt on request"]
    lines += [
        "",
        f"Contempt is named on request only (`--contempt`): {_percent(asked['recall'])} of {asked['n']} such images",
        f"are found, and {_percent(asked['said_of_others'])} of the others are taken for it.",
        "",
    ]
    return lines


def _cost(figures: dict[str, Any], shown: str, alone: str) -> str:
    change = {key: 100 * (figures[shown][key] - figures[alone][key]) for key in ("accuracy", "balanced_recall")}
    accuracy, recall = change["accuracy"], change["balanced_recall"]
    return f"it changes accuracy by {accuracy:+.1f} points and balanced recall by {recall:+.1f}"


def _recall(metrics: dict[str, Any]) -> list[str]:
    one, photos = metrics[ONE_VIEW], metrics.get(PHOTOS)
    columns = {
        "as people see it": one["shown"],
        "before the rule": one["main head alone"],
        "FER2013's label": one["shown, by FER2013's label"],
    }
    if photos:
        columns |= {"news photos": photos["shown"], "photos, before the rule": photos["main head alone"]}
    rows = [[name, *(_percent(m["per_class"].get(name)) for m in columns.values())] for name in FER7]
    return ["## Recall of what pages show, one view", "", *_table(["", *columns], rows)]


def _confusion(figures: dict[str, Any], title: str) -> list[str]:
    rows = [
        [f"**{name}**", *map(str, counts), _percent(figures["per_class"][name])]
        for name, counts in zip(FER7, figures["confusion"], strict=True)
    ]
    precision = ["precision", *(_percent(figures["precision"][name]) for name in FER7), ""]
    return [
        f"### {title}",
        "",
        "Rows are the truth, columns what is said.",
        "",
        *_table(["", *FER7, "recall"], [*rows, precision]),
    ]


def _photos(photos: dict[str, Any] | None) -> list[str]:
    if not photos:
        return []
    shown, alone = photos["shown"], photos["main head alone"]
    rows = [
        [
            words,
            _percent(m["accuracy"]),
            _percent(m["recall_of_common"]),
            _percent(m["balanced_recall"]),
            f"{m['ece']:.3f}",
        ]
        for words, m in (("what pages show", shown), ("the FER+ head alone", alone))
    ]
    head = [
        f"{photos['n']} photos",
        "right",
        f"balanced recall of the common ({len(photos['common'])})",
        "of all seven",
        "ECE",
    ]
    return [
        "## News photos, through detection and crop",
        "",
        "One face each, labels by the collection's annotators. The rule was chosen on them too; the network was not",
        "trained on them.",
        "",
        *_table(head, rows),
        *_confusion(shown, "What pages show against the photos' labels"),
    ]


def _turned(turned: dict[str, Any] | None) -> list[str]:
    if not turned:
        return []
    lines = [
        "## Turned heads",
        "",
        "Through detection and crop; by how far the nose stands off the middle of the eyes, in eye distances (0.35 is",
        "about 32°, 0.55 about 45°). Beyond the limit of the quality gate a face counts as turned away, and pages say",
        "“unsure”.",
        "",
    ]
    for name, rows in turned.items():
        table = [
            [f"from {r['turn_from']:g}", str(r["n"]), *(_percent(r[k]) for k in ("right", "unsure", "wrong"))]
            for r in rows
        ]
        lines += _table([name, "faces", "right", "unsure", "wrong"], table)
    return lines


def _risk(metrics: dict[str, Any]) -> list[str]:
    kinds = {
        "by what most people see": metrics["risk_at_coverage, shown, by what most people saw"],
        "by FER2013's label": metrics["risk_at_coverage, shown, by FER2013's label"],
    }
    if photos := metrics.get(PHOTOS):
        kinds["on news photos"] = photos["shown"]["risk_at_coverage"]
    covers = list(next(iter(kinds.values())))
    rows = [[words, *(_percent(risk[c]) for c in covers)] for words, risk in kinds.items()]
    head = ["wrong among the surest", *(f"{float(c):.0%}" for c in covers)]
    return ["## Risk against coverage, what pages show, one view", "", *_table(head, rows)]


def _unsure(card: dict[str, Any]) -> list[str]:
    speed = ", ".join(f"{value} for {key}" for key, value in card["speed_ms"].items())
    return [
        f"Under {card['unsure_below']:.0%} confidence pages say “unsure”: there the answer is wrong more often",
        f"than not. Milliseconds a call: {speed}.",
        "",
    ]


def _ending(card: dict[str, Any]) -> list[str]:
    data = card["data"]
    lines = [f"Trained on: {data['trained_on']}. Chosen and calibrated on:"]
    lines += [f"{data['selected_and_calibrated_on']}. {data['held_back']}.", ""]
    if chosen := data.get("rule_chosen_on"):
        lines += [f"The rule was chosen on {chosen}.", ""]
    if spent := card.get("training"):
        lines += [
            "Training of this network, of those that taught it, and of those that were not shipped:",
            f"{spent['processor_hours']} hours on processors, {60 * spent['gpu_hours']:.0f} minutes on one GPU",
            f"(at most {spent['gpu_kilowatt_hours_at_most']} kWh). {spent['energy']}",
            "",
        ]
    lines += ["## Limits", "", *(f"- {text}" for text in card["limits"]), "", "Not for:", ""]
    return [*lines, *(f"- {text}" for text in card["not_for"]), "", card["licence"], ""]
