"""The shipped network is as good as its card says, on 500 real images; and small enough."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.fer2013 import fer2013

from fer_core.datasets.votes import majority
from fer_core.evaluation.metrics import compute_metrics
from fer_core.labels import FER7, FERPLUS8
from fer_core.models.classifier import Classifier
from fer_core.models.registry import DEFAULT, load_model

LIMIT = 8 * 1000**2
"""Bytes of the bundle."""


def test_the_bundle_is_small() -> None:
    assert sum(path.stat().st_size for path in load_model(DEFAULT).folder.rglob("*") if path.is_file()) <= LIMIT


def test_500_images_are_read_as_the_card_says() -> None:
    bundle = load_model(DEFAULT)
    public = fer2013().split("PublicTest")
    pick = np.random.default_rng(5).permutation(len(public))[:500]
    images, labels, votes = public.images[pick], public.labels[pick], public.votes[pick]
    classifier = Classifier(bundle, flip=True)
    fer7 = compute_metrics(classifier.head(images, "fer7"), labels, FER7)
    clear, seen = majority(votes)
    plus = compute_metrics(classifier.head(images, "ferplus8")[clear], seen[clear], FERPLUS8)
    card = bundle.card["metrics"]["PublicTest"]
    # 500 of 3,589 images: two standard errors are 4.1 points of FER's label and 2.9 of what people see.
    assert fer7["accuracy"] == pytest.approx(card["fer7"]["accuracy"], abs=0.041)
    assert plus["accuracy"] == pytest.approx(card["ferplus8"]["accuracy"], abs=0.029)
    assert fer7["nll"] < card["fer7"]["nll"] + 0.1
    assert plus["ece"] < 0.06
