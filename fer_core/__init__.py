"""Expression Lab's core: find faces in pictures and clips, name their expression, and keep what was found.

from fer_core.analysis.pipeline import analyze
from fer_core.models.classifier import Classifier
from fer_core.faces.recognizer import ExpressionRecognizer
from fer_core.analysis.table import to_table

table = to_table(analyze("clip.mp4", ExpressionRecognizer(Classifier())))
"""

import logging

__version__ = "0.1.0"

logging.getLogger(__name__).addHandler(logging.NullHandler())
