# The public API: fer_core/__init__.py makes these names lazily; type checkers and editors read them here.
from .analysis.clip import ClipAnalysis as ClipAnalysis
from .analysis.episodes import episodes as episodes
from .analysis.episodes import summary as summary
from .analysis.export import ClipResult as ClipResult
from .analysis.export import export_csv as export_csv
from .analysis.export import export_json as export_json
from .analysis.measure_events import measure_events as measure_events
from .analysis.measure_events import measure_summary as measure_summary
from .analysis.pipeline import AnalysisOptions as AnalysisOptions
from .analysis.pipeline import analyze as analyze
from .analysis.table import to_table as to_table
from .annotation.blur import blur_faces as blur_faces
from .annotation.draw import draw_faces as draw_faces
from .curation.quality_report import check_dataset as check_dataset
from .datasets.dataset import Dataset as Dataset
from .datasets.library import load_dataset as load_dataset
from .datasets.readers import read_dataset as read_dataset
from .errors import Cancelled as Cancelled
from .errors import DatasetError as DatasetError
from .errors import FerError as FerError
from .errors import LimitError as LimitError
from .errors import MediaError as MediaError
from .errors import ModelError as ModelError
from .errors import OptionError as OptionError
from .evaluation.comparison import Comparison as Comparison
from .evaluation.metrics import compute_metrics as compute_metrics
from .faces.detector import FaceDetector as FaceDetector
from .faces.measures import FaceMeasurer as FaceMeasurer
from .faces.recognizer import ExpressionRecognizer as ExpressionRecognizer
from .live.session import LiveSession as LiveSession
from .models.classifier import Classifier as Classifier
from .models.importer import import_model as import_model
from .models.registry import list_models as list_models
from .models.registry import load_model as load_model
from .reports.html import report_html as report_html
from .tracking.tracker import Tracker as Tracker
from .training.config import TrainingConfig as TrainingConfig
from .training.config import preset as preset
from .training.runs import Run as Run
from .training.runs import train as train
from .types import FaceQuality as FaceQuality
from .types import Faces as Faces
from .types import FrameResult as FrameResult
from .utils.distribution import sample_clip as sample_clip
from .video.reader import FrameReader as FrameReader
from .video.reader import probe as probe
from .video.writer import ClipWriter as ClipWriter

__version__: str

__all__ = [
    "AnalysisOptions",
    "Cancelled",
    "Classifier",
    "ClipAnalysis",
    "ClipResult",
    "ClipWriter",
    "Comparison",
    "Dataset",
    "DatasetError",
    "ExpressionRecognizer",
    "FaceDetector",
    "FaceMeasurer",
    "FaceQuality",
    "Faces",
    "FerError",
    "FrameReader",
    "FrameResult",
    "LimitError",
    "LiveSession",
    "MediaError",
    "ModelError",
    "OptionError",
    "Run",
    "Tracker",
    "TrainingConfig",
    "analyze",
    "blur_faces",
    "check_dataset",
    "compute_metrics",
    "draw_faces",
    "episodes",
    "export_csv",
    "export_json",
    "import_model",
    "list_models",
    "load_dataset",
    "load_model",
    "measure_events",
    "measure_summary",
    "preset",
    "probe",
    "read_dataset",
    "report_html",
    "sample_clip",
    "summary",
    "to_table",
    "train",
]
