"""The report as a browser would take it: nothing loaded, nothing run, every name as text."""

from html.parser import HTMLParser

from helpers.exported import HOSTILE, TAKEN, export, make_result
from helpers.fakes import GONE

from fer_core.exports import report
from fer_core.exports.tables import one_line


class Page(HTMLParser):
    """Elements, their attributes, and the text outside of styles."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data):
        if self.tags[-1:] != ["style"] and data.strip():
            self.words.append(" ".join(data.split()))


def page(path) -> Page:
    return Page(path.read_text("utf-8"))


def test_what_it_says(tmp_path):
    made = page(export(make_result(clip={"recorded_at": TAKEN}), tmp_path, "report"))
    text = "\n".join(made.words)
    assert "Expressions in Jürgen.mp4" in text
    assert "0:02.0 long, 20 frames analysed, 640 × 360 pixels, taken on 2026-05-01 at 14:03:05." in text
    start = made.words.index("Strongest moment") + 1
    first = ["Jürgen Ö.", "1.7 s", "0%", "0%", "0%", "59%", "0%", "41%", "0%", "0%", "2"]
    assert made.words[start : start + 11] == first
    assert made.words[made.words.index("fear at 0:01.3 (80%)") - 11] == "Zoë"
    assert "ab" * 32 in text and "Analysis: smoothing.time constant" in text
    assert made.tags.count("svg") == 3  # the time line, and curves of two people
    assert {"happy", "neutral", "sad", "fear"} <= set(made.words)


def test_it_loads_nothing_and_runs_nothing(tmp_path):
    made = page(export(make_result(), tmp_path, "report"))
    assert not set(made.tags) & {"script", "link", "iframe", "img", "object", "embed", "form"}
    for tag, name, value in made.attributes:
        assert name not in ("src", "srcset", "action") and not name.startswith("on"), (tag, name)
        assert name not in ("href", "xlink:href") or value.startswith("#"), (tag, value)
    policy = next(value for tag, name, value in made.attributes if tag == "meta" and "default-src" in value)
    assert policy.startswith("default-src 'none'")


def test_a_name_is_text(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "MOST_PEOPLE", 6)
    people = {i: ["happy"] * 4 for i in range(len(HOSTILE))}
    usual = page(export(make_result(people, None), tmp_path, "report"))
    given = dict(enumerate(HOSTILE))
    made = page(export(make_result(people, given, clip={"name": "<script>a</script>"}), tmp_path, "report"))
    assert [tag for tag in made.tags if tag != "tspan"] == [tag for tag in usual.tags if tag != "tspan"]
    assert "Expressions in <script>a</script>" in made.words
    for name in HOSTILE[:6]:
        assert one_line(name) in made.words


def test_many_people_and_episodes_are_told_briefly(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "MOST_PEOPLE", 2)
    monkeypatch.setattr(report, "MOST_EPISODES", 1)
    people = {0: ["happy"] * 5 + [GONE] * 15, 1: [GONE] * 5 + ["sad"] * 15, 2: ["fear"] * 20}
    made = page(export(make_result(people, None), tmp_path, "report"))
    assert made.tags.count("svg") == 3
    text = "\n".join(made.words)
    assert "Curves of the 2 people who are seen longest; the table above has all 3." in text
    assert "The 1 longest of 3, by time." in text
    titles = [word for word in made.words if word in ("Person 1", "Person 2", "Person 3")]
    assert titles[-3:] == ["Person 2", "Person 3", "Person 3"] or titles.count("Person 1") < titles.count("Person 2")


def test_an_incomplete_analysis_says_so(tmp_path):
    result = make_result(clip={"complete": False, "frames_damaged": 1200})
    text = "\n".join(page(export(result, tmp_path, "report")).words)
    assert "The analysis was stopped early" in text and "1,200 damaged frames" in text
    assert "stopped early" not in "\n".join(page(export(make_result(), tmp_path, "report")).words)


def test_nobody(tmp_path):
    made = page(export(make_result({0: [GONE] * 3}), tmp_path, "report"))
    assert "No face was found in this clip." in made.words and "svg" not in made.tags
