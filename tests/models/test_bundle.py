import hashlib
import json
import shutil
from pathlib import Path

import pytest

from fer_core.errors import ModelError
from fer_core.labels import FER7
from fer_core.models.bundle import CARD, WEIGHTS, Head
from fer_core.models.registry import (
    DEFAULT,
    SHIPPED,
    active_bundle,
    list_models,
    load_model,
    set_active,
    unreadable_bundles,
)
from fer_core.utils.workspace import workspace


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The folder of the user's own models, and a function that puts one there."""
    monkeypatch.setenv("FER_HOME", str(tmp_path))

    def add(name: str, edit=lambda card: None) -> Path:
        folder = tmp_path / "models" / name
        folder.mkdir(parents=True)
        card = json.loads((SHIPPED / DEFAULT / CARD).read_text())
        edit(card)
        (folder / CARD).write_text(json.dumps(card))
        shutil.copy(SHIPPED / DEFAULT / WEIGHTS, folder)
        return folder

    return add


def test_the_shipped_model_is_whole():
    bundle = load_model()
    assert bundle.name == DEFAULT and bundle.title != DEFAULT
    assert hashlib.sha256(bundle.weights()).hexdigest() == bundle.card["sha256"]
    assert bundle.main in {head.name for head in bundle.heads}
    shown = next(head for head in bundle.heads if head.name == bundle.main).shown
    assert set(shown.values()) == set(FER7)
    assert 0.3 < bundle.confidence_threshold < 0.9
    assert all(0.2 < head.temperature < 3 for head in bundle.heads)
    assert [term.head for term in bundle.rule.terms] == ["ferplus8", "fer7"] and 0.2 < bundle.rule.temperature < 3
    # The card says where it comes from and how good it is, and that nobody peeked.
    assert {"summary", "data", "metrics", "recipe"} <= set(bundle.card)


def test_own_models_follow_the_shipped_ones(own):
    own("a-first")
    own("zz")
    names = [bundle.name for bundle in list_models()]
    assert names[0] == DEFAULT and names[-2:] == ["a-first", "zz"]
    assert load_model("zz").folder == workspace() / "models" / "zz"


def test_a_missing_model_lists_what_there_is(own):
    own("mine")
    with pytest.raises(ModelError, match=rf"no model called 'other'.*{DEFAULT}, .*mine"):
        load_model("other")


@pytest.mark.parametrize(
    "name", ["../mine", "..", ".", "", "mine/", "mine/../mine", "MINE", "*", "{home}/models/mine", "mi\0ne"]
)
def test_a_name_cannot_lead_elsewhere(own, tmp_path, name):
    folder = own("mine")
    shutil.copytree(folder, tmp_path / "mine")
    with pytest.raises(ModelError, match="no model called"):
        load_model(name.format(home=tmp_path))


def test_own_models_cannot_take_the_place_of_a_shipped_one(own):
    own(DEFAULT, lambda card: card.update(title="false"))
    assert load_model().folder == SHIPPED / DEFAULT
    assert [bundle.name for bundle in list_models()].count(DEFAULT) == 1
    assert list_models()[0].title != "false"
    (workspace() / "models" / DEFAULT / CARD).write_text("{")
    assert unreadable_bundles() == {}, "nobody would have got it"


def drop(name):
    return lambda card: card.pop(name)


@pytest.mark.parametrize(
    "edit",
    [
        drop("heads"),
        drop("main"),
        lambda card: card.update(heads=[]),
        lambda card: card.update(heads={}),
        lambda card: card.update(heads=["fer7"]),
        lambda card: card.update(main="valence"),
        lambda card: card.update(unsure_below="often"),
        lambda card: card["heads"][0].pop("labels"),
        lambda card: card["heads"][0].update(temperature=0),
        lambda card: card["heads"][0].update(temperature="warm"),
        lambda card: card["heads"][1]["shown"].update(bored="happy"),
        lambda card: card["heads"][1]["shown"].update(anger="happy"),
        lambda card: card.update(rule="both"),
        lambda card: card["rule"].pop("temperature"),
        lambda card: card["rule"].update(temperature=0),
        lambda card: card["rule"].update(terms=[]),
        lambda card: card["rule"].update(terms=["ferplus8", []]),
        lambda card: card["rule"]["terms"][0].update(prior=[0.5, 0.5]),
        lambda card: card["rule"]["terms"][0]["prior"].update(fear=-1),
        lambda card: card.update(rule=None),
        lambda card: card["rule"]["terms"].reverse(),
        lambda card: card["rule"]["terms"][0].update(head="valence"),
        lambda card: card["rule"]["terms"][0].update(weight="much"),
        lambda card: card["rule"]["terms"][1]["prior"].pop("fear"),
    ],
)
def test_a_card_that_makes_no_sense(own, edit):
    own("bad", edit)
    with pytest.raises(ModelError, match="'bad' has no readable card"):
        load_model("bad")
    assert "bad" not in {bundle.name for bundle in list_models()}
    assert (
        list(unreadable_bundles()) == ["bad"]
        and "Install it again; one of your own, bring in or train" in unreadable_bundles()["bad"]
    )
    assert list_models()[0].name == DEFAULT


def test_without_a_rule_the_main_head_counts(own):
    own("plain", drop("rule"))
    rule, main = load_model("plain").rule, load_model("plain").heads[1]
    assert [term.head for term in rule.terms] == [main.name] == ["ferplus8"]
    assert rule.temperature == main.temperature and rule.terms[0].prior_exponent == 0


def test_names_of_a_head_are_those_of_pages():
    head = Head("own", ("joy", "happy", "bored"), shown={"joy": "happy"})
    assert head.names == ("happy", "happy (not shown)", "bored")


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"3", b"null", b"\xff\xfe{}"])
def test_a_card_that_is_no_card(own, text):
    folder = own("bad")
    (folder / CARD).write_bytes(text)
    with pytest.raises(ModelError, match="'bad' has no readable card"):
        load_model("bad")


def test_home(monkeypatch, tmp_path):
    monkeypatch.setenv("FER_HOME", str(tmp_path))
    assert workspace() == tmp_path
    monkeypatch.setenv("FER_HOME", "")
    assert workspace() == SHIPPED.parent / ".fer"
    monkeypatch.delenv("FER_HOME")
    assert workspace() == SHIPPED.parent / ".fer"


def test_the_model_in_use_is_the_default_until_one_is_chosen(own):
    own("mine")
    assert active_bundle() == DEFAULT
    set_active("mine")
    assert active_bundle() == "mine"
    set_active(DEFAULT)
    assert active_bundle() == DEFAULT
    assert [path.name for path in workspace().iterdir() if path.is_file()] == ["model-in-use.json"], "no draft is left"


@pytest.mark.parametrize("harm", ["gone", "no card", "no weights", "other weights", "choice"])
def test_where_the_chosen_model_is_gone_or_damaged_the_default_is_used(own, harm):
    folder = own("mine")
    set_active("mine")
    assert active_bundle() == "mine"
    if harm == "gone":
        shutil.rmtree(folder)
    elif harm == "no card":
        (folder / CARD).write_text("{")
    elif harm == "no weights":
        (folder / WEIGHTS).unlink()
    elif harm == "other weights":
        (folder / WEIGHTS).write_bytes(b"half of it")
    else:
        (workspace() / "model-in-use.json").write_text("[]")
    assert active_bundle() == DEFAULT


def test_what_cannot_be_used_cannot_be_chosen(own):
    folder = own("mine")
    own("bad", drop("heads"))
    set_active("mine")
    (own("torn") / WEIGHTS).write_bytes(b"")
    for name, words in {"nowhere": "no model called", "bad": "no readable card", "torn": "damaged"}.items():
        with pytest.raises(ModelError, match=words):
            set_active(name)
    assert active_bundle() == "mine" and load_model(active_bundle()).folder == folder


def test_a_choice_that_cannot_be_kept_is_said(own, tmp_path, monkeypatch):
    own("mine")
    (tmp_path / "file").touch()
    shutil.copytree(tmp_path / "models", tmp_path / "copy")
    monkeypatch.setattr("fer_core.models.registry._choice", lambda: tmp_path / "file" / "x.json")
    with pytest.raises(ModelError, match="cannot be kept"):
        set_active("mine")


def test_the_model_of_a_training_is_called_like_the_training(own):
    folder = own("drawn")
    run = workspace() / "runs" / "quick-1"
    run.mkdir(parents=True)
    shutil.copytree(folder, run / "bundle")
    shutil.copytree(folder, run / ".bundle-123")  # a draft
    shutil.copytree(run, run.with_name(".grave"))
    assert [bundle.name for bundle in list_models()][-2:] == ["drawn", "quick-1"]
    set_active("quick-1")
    assert load_model(active_bundle()).folder == run / "bundle"
