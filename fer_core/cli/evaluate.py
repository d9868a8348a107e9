"""`evaluate`: how good models are on a dataset."""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import time
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from fer_core.cli.common import print_json, quiet, say
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.library import list_datasets
from fer_core.datasets.readers import open_dataset, read_dataset
from fer_core.datasets.subjects import read_subjects
from fer_core.errors import DatasetError, FerError, OptionError
from fer_core.evaluation.comparison import Comparison
from fer_core.evaluation.corruptions import CONDITIONS, TITLES
from fer_core.evaluation.results import Evaluation
from fer_core.evaluation.subject_baseline import evaluate_subject_baseline
from fer_core.models.classifier import Classifier
from fer_core.models.fer_package import NAME as PEER
from fer_core.models.predictor import BundlePredictor
from fer_core.models.registry import DEFAULT
from fer_core.utils.csv_safety import safe_cell
from fer_core.utils.files import write_export

__all__ = ["HELP", "add_arguments", "run"]

HELP = "how good models are on a dataset"
IMAGES = 24
"""Of the hardest, and of those that models disagree on, in a report that is to show images."""

WORSE = 500
"""Images that are made worse; under each of the 23 conditions."""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    command.add_argument(
        "--data", required=True, metavar="DATASET", help="Kaggle's fer2013.csv, or a dataset's name, such as synthetic"
    )
    command.add_argument("--ferplus", type=Path, metavar="CSV", help="FER+ votes (fer2013new.csv beside --data)")
    command.add_argument("--split", default="PublicTest", metavar="NAME", help="whose images are shown (PublicTest)")
    command.add_argument(
        "--model", nargs="+", default=[DEFAULT], metavar="NAME", help=f"see `models` ({DEFAULT}); {PEER}"
    )
    command.add_argument("--clean", action="store_true", help="leave out images with a near copy in Training")
    command.add_argument("--one-view", action="store_true", help="do not also look at the mirrored image, as in clips")
    command.add_argument(
        "--degraded", action="store_true", help=f"also {WORSE} images made worse: size, blur, and so on"
    )
    command.add_argument(
        "--images",
        action="store_true",
        help="show faces in the report of --out: the hardest, and those that models disagree on",
    )
    command.add_argument(
        "--baseline",
        action="store_true",
        help="also with each person's own neutral face taken off; needs --subject",
    )
    command.add_argument("--subject", metavar="COLUMN", help="column of --data (CSV or .npz) that says who it is")
    command.add_argument(
        "--out", type=Path, metavar="DIR", help="folder for a report, the figures and each model's answers"
    )


def _dataset(data: str, ferplus: Path | None) -> tuple[Dataset, str]:
    path, named = Path(data), any(stored.name == data for stored in list_datasets())
    if ferplus and (named or path.is_dir()):
        raise DatasetError(f"--ferplus goes with Kaggle's CSV file, which {data!r} is not. Leave it out.")
    if named or not path.exists():
        return open_dataset(data), data
    beside = path.with_name("fer2013new.csv")
    votes = ferplus or (beside if path.name.lower().endswith((".csv", ".csv.gz")) and beside.exists() else None)
    name = path.resolve().name
    dataset, skipped = read_dataset(path, votes)
    if skipped:
        say(f"{name}: {skipped}")
    return dataset, name


def run(args: argparse.Namespace) -> int:
    """Evaluate and print."""
    if args.baseline != (args.subject is not None):
        raise OptionError("--baseline and --subject go together: the column says whose neutral face is taken off.")
    dataset, name = _dataset(args.data, args.ferplus)
    subjects = read_subjects(args.data, dataset, args.subject) if args.baseline else None
    work = Comparison(
        dataset,
        args.split,
        args.model,
        dataset_name=name,
        flip=not args.one_view,
        check_copies=args.clean,
        worse=WORSE if args.degraded else 0,
    )
    with quiet() as terminal:
        line = Rewritten(work, terminal)
        work.run(line.show)
        line.clear()
    for model, sentence in work.failures:
        say(f"{model}: {sentence}")
    reports = [work.report(evaluation, clean=args.clean) for evaluation in work.evaluations]
    if subjects is not None:
        _add_baselines(work, reports, subjects[dataset.splits == args.split])
    if args.out:
        _write(args.out, work, reports, IMAGES if args.images else 0)
    if args.json:
        failed = [{"model": model, "error": sentence} for model, sentence in work.failures]
        everything = [*reports, *failed]
        print_json(everything[0] if len(args.model) == 1 else everything)
    else:
        for report in reports:
            _print(report)
        for first, second in itertools.pairwise(reports):
            _print_difference(first, second)
    return 0 if not work.failures else 1 if reports else 2


def _add_baselines(work: Comparison, reports: list[dict[str, Any]], subjects: np.ndarray) -> None:
    """Add to each report what each person's own neutral face brings; of all images of the split."""
    for evaluation, report in zip(work.evaluations, reports, strict=True):
        found = evaluate_subject_baseline(_as_in_clips(work, evaluation), work.labels, work.names, subjects)
        report["baseline"] = found.to_dict()


def _as_in_clips(work: Comparison, evaluation: Evaluation) -> np.ndarray:
    """The probabilities that clips and pages show; those of the comparison where a model has other words for them."""
    model = evaluation.predictor
    if not isinstance(model, BundlePredictor):
        return evaluation.probabilities
    classifier = Classifier(model.bundle, flip=work.flip, threads=2)
    plain = [name.strip().lower() for name in work.names]
    if not set(plain) <= set(classifier.labels):
        return evaluation.probabilities
    given = classifier(work.images)[:, [classifier.labels.index(name) for name in plain]]
    return np.asarray(given / np.maximum(given.sum(1, keepdims=True), 1e-12))


class Rewritten:
    """One line on a terminal that says how far it is; nothing elsewhere, where nobody watches."""

    def __init__(self, work: Comparison, terminal: TextIO):
        self.work, self.terminal, self.last = work, terminal, 0.0

    def show(self) -> bool:
        """Say it at most four times a second; never asks to stop, which Ctrl-C does."""
        now = time.monotonic()
        if self.terminal.isatty() and now - self.last > 0.25:
            self.last, left = now, self.work.seconds_left
            rest = "" if left is None else f", {left:.0f} s left"
            print(f"\r\x1b[K{self.work.doing}: {self.work.progress:.0%}{rest}", end="", file=self.terminal, flush=True)
        return False

    def clear(self) -> None:
        """Leave the line to what follows."""
        if self.terminal.isatty():
            print("\r\x1b[K", end="", file=self.terminal, flush=True)


def _print(report: dict[str, Any]) -> None:
    low, high = report["accuracy_interval"]
    part = ", without near copies in Training" if report["clean"] else ""
    print(f"{report['title']}: {report['n']} images of {report['dataset']}, {report['split']}{part}")
    print(f"  accuracy {report['accuracy']:.1%} (95 % interval {low:.1%} to {high:.1%}), ", end="")
    print(f"macro-F1 {report['macro_f1']:.3f}, right within two guesses {report['top2']:.1%}")
    nll = "none" if report["nll"] is None else f"{report['nll']:.3f}"
    print(f"  negative log-likelihood {nll}, calibration error {report['ece']:.3f}")
    if full := report["full"]:
        print(f"  with near copies: accuracy {full['accuracy']:.1%} of {full['n']} images")
    for figure, word in (("per_class", "recall"), ("precision", "precision")):
        shares = [f"{name} {share:.0%}" for name, share in report[figure].items() if share is not None]
        print(f"  {word}: {', '.join(shares)}")
    risks = [f"{risk:.1%} of the surest {float(part):.0%}" for part, risk in report["risk_at_coverage"].items()]
    print(f"  wrong on {', '.join(risks)} (area under risk against coverage {report['aurc']:.3f})")
    if report["ferplus"]:
        print(f"  what most of ten people see: {report['ferplus_accuracy']:.1%} of {report['ferplus']['n']} images")
    if shown := report["shown"]:
        _print_shown(shown)
    if report["votes"] and report["votes"]["n"]:
        print(
            f"  single votes that agree: {report['votes']['agreement']:.1%}, at best {report['votes']['ceiling']:.1%}"
        )
    if rows := report["conditions"]:
        print(f"  accuracy in one view of {rows[0]['n']} images that were made worse:")
        for condition in CONDITIONS:
            cells = [f"{r['amount']:g}: {r['accuracy']:.0%}" for r in rows if r["condition"] == condition]
            print(f"    {TITLES[condition].lower()} {', '.join(cells)}")
    speed = f"{report['one_ms']:.2f} ms for one face, {report['images_per_second']:.0f} images a second"
    print(f"  {report['bytes'] / 1e6:.1f} MB, {speed}")
    if found := report.get("baseline"):
        _print_baseline(found)
    for note in report["notes"]:
        print(f"  {note}")


def _print_shown(shown: dict[str, Any]) -> None:
    """What pages show, and what the rule behind it costs."""
    alone, change = shown["main_head"], shown["change"]
    print(f"  as pages show it: {shown['accuracy']:.1%} of the {shown['n']} images on which most of ten people agree,")
    print(f"    balanced recall {shown['balanced_recall']:.1%}, calibration error {shown['ece']:.3f}")
    recall = [f"{name} {share:.0%}" for name, share in shown["per_class"].items() if share is not None]
    print(f"    recall: {', '.join(recall)}")
    print(f"    rule: {shown['rule']}")
    if any(change.values()):
        print(f"    the rule changes accuracy by {100 * change['accuracy']:+.1f} points, ", end="")
        print(f"balanced recall by {100 * change['balanced_recall']:+.1f}; its main head alone has ", end="")
        print(f"{alone['accuracy']:.1%} and {alone['balanced_recall']:.1%}, calibration error {alone['ece']:.3f}")


def _print_baseline(found: dict[str, Any]) -> None:
    plain, adjusted, between = found["plain"], found["adjusted"], found["gain_interval"]
    interval = "" if between is None else f" (95 % interval {between[0]:+.1%} to {between[1]:+.1%})"
    print(
        f"  {found['images']} images of {found['subjects']} people, without {found['baseline_images']} for baselines, "
        "as clips show them:"
    )
    print(f"    as it is: accuracy {plain['accuracy']:.1%}, balanced recall {plain['balanced_recall']:.1%}")
    print(
        f"    with each person's own neutral taken off: accuracy {adjusted['accuracy']:.1%}, balanced recall "
        f"{adjusted['balanced_recall']:.1%}; gain {found['gain']:+.1%}{interval}"
    )
    if left_out := found["left_out"]:
        print(f"    left out, without a neutral image and another one: {len(left_out)} people")


def _print_difference(first: dict[str, Any], second: dict[str, Any]) -> None:
    found = first["mcnemar"][second["model"]]
    print(
        f"{first['title']} alone is right on {found['only_first']} images, {second['title']} alone on "
        f"{found['only_second']} (McNemar's p = {found['p']:.2g})."
    )


def _write(folder: Path, work: Comparison, reports: list[dict[str, Any]], images: int) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "figures.json").write_text(json.dumps(reports, ensure_ascii=False, indent=2), encoding="utf-8")
        if work.evaluations:
            from fer_core.reports.html import report_html  # brings Altair, which other commands do without

            write_export(folder / "report.html", [report_html(work, when=datetime.now(), images=images)])
        for number, evaluation in enumerate(work.evaluations, start=1):
            _answers(folder / f"answers-{number}.csv", work, evaluation)
    except OSError as error:
        raise FerError(f"{folder} cannot be written: {error.strerror}. Choose another folder with --out.") from error


def _answers(path: Path, work: Comparison, evaluation: Evaluation) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        names = [safe_cell(name) for name in work.names]
        table.writerow(["model", "row", "label", "guess", *names])
        rows = zip(work.rows.tolist(), work.labels, evaluation.guess, evaluation.probabilities, strict=True)
        for row, label, guess, given in rows:
            model = safe_cell(evaluation.predictor.name)
            table.writerow([model, row, names[label], names[guess], *(f"{p:.5f}" for p in given)])
