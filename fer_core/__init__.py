"""Expression Lab's core: find faces in pictures and clips, name their expression, and keep what was found.

from fer_core.analysis import analyze
from fer_core.classification import Classifier
from fer_core.recognition import Recognizer
from fer_core.timeline import to_table

table = to_table(analyze("clip.mp4", Recognizer(Classifier())))
"""

import logging

__version__ = "0.1.0"

logging.getLogger(__name__).addHandler(logging.NullHandler())
