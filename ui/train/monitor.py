"""One training: its figures and curves, anew every second while it runs, and what they mean."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from fer_core.charts import training as curves
from fer_core.datasets.library import list_datasets
from fer_core.labels import FER7
from fer_core.training.config import TrainingConfig
from fer_core.training.diagnosis import Diagnosis, best_epoch, diagnose
from fer_core.training.eta import images_per_second, seconds_left, share_done
from fer_core.training.runs import ACTIVE, Run
from ui.app.formatting import clock, quoted, small_number
from ui.train.common import PROBLEM, network, references, say_problem
from ui.train.run_actions import keep, use

__all__ = ["axis_end", "show_run"]

STOP = {"queued": "Leave the queue", "stopping": "Stopping …"}

TONES = {
    "learning": (st.success, ":material/trending_up:"),
    "done": (st.success, ":material/check_circle:"),
    "pausing": (st.info, ":material/trending_flat:"),
    "memorising": (st.warning, ":material/psychology_alt:"),
    "level": (st.warning, ":material/trending_flat:"),
    "broken": (st.error, ":material/error:"),
    "failed": (st.error, ":material/error:"),
    "waiting": (st.info, ":material/hourglass_empty:"),
    "stopped": (st.info, ":material/pause_circle:"),
}

WHOLE = 60
"""Epochs up to which axes show the whole plan from the start."""

EXPLAINED = """
- **Guessing**: naming an expression at random, without looking.
- **People, about 65 %**: what people reached who were asked for the label of such images (Goodfellow et al., 2013:
  65 ± 5 %). Many labels of FER2013 are doubtful, so nobody gets near 100 %.
- **Reference notebook, 65.8 %**: a network of four convolutions that was trained for 25 rounds.
- **Best published, 76.1 %**: EmoNeXt-XL, a network that had learned from millions of other images before
  (El Boudouri and Bohi, 2023).

They were measured on FER2013's test images, and say nothing about other images. Much higher claims for FER2013 come
from test images that the network had seen in training.
"""


def show_run(run: Run) -> None:
    """Draw a training; while it runs its figures renew themselves."""
    config = run.config
    stored = next((found for found in list_datasets() if found.name == config.data), None)
    st.title(quoted(run.name)[1:-1] if config.name else network(config.architecture), anchor=False)
    st.caption(
        f"{network(config.architecture)} on {quoted(stored.title if stored else config.data)[1:-1]}, "
        f"{config.epochs} epochs, {config.batch} images a step, learning rate {config.learning_rate:g}"
    )
    images = stored.splits.get(config.training_split) if stored else None
    names = list(stored.labels) if stored else list(FER7)
    if run.state in ACTIVE:
        _watch(run, config, images, names)
    else:
        _figures(run, config, images, names)
        keep(run)


@st.fragment(run_every=1.0)
def _watch(run: Run, config: TrainingConfig, images: int | None, names: list[str]) -> None:
    if run.state not in ACTIVE:
        st.rerun()
    say_problem()
    _figures(run, config, images, names)


def _stop(run: Run) -> None:
    try:
        run.stop()
    except OSError as error:
        st.session_state[PROBLEM] = f"It cannot be told to stop: {error.strerror}. Free some disk space."


def _figures(run: Run, config: TrainingConfig, images: int | None, names: list[str]) -> None:
    state, status = run.state, run.status
    epochs, batches = run.epochs(), run.batches()
    said = status.get("classes")
    names = [str(name) for name in said] if isinstance(said, list) and said else names
    _say(
        diagnose(
            state,
            epochs,
            planned=config.epochs,
            classes=len(names),
            place=run.place,
            under_way=len(batches) > 0,
            error=run.error,
        )
    )
    if state not in ACTIVE and run.message:
        st.info(run.message, icon=":material/info:")
    warnings = status.get("warnings")
    for words in warnings if isinstance(warnings, list) else ():
        st.warning(str(words).replace("$", "\\$"), icon=":material/warning:")
    if state in ACTIVE:
        share, words = _progress(state, status, config, epochs)
        st.progress(share, words)
        st.button(
            STOP.get(state, "Stop and keep the best"),
            icon=":material/stop_circle:",
            on_click=_stop,
            args=(run,),
            key="stop",
            disabled=state == "stopping",
        )
    else:
        use(run)
    if not len(epochs) and not len(batches) and state != "running":
        return
    rate = images_per_second(epochs, batches if state in ACTIVE else batches[:0], config.batch)
    best = best_epoch(epochs)
    with st.container(horizontal=True, gap="medium"):
        st.metric("Best validation", f"{best[1]:.1%}" if best else "–", width="content")
        st.metric("Images a second", f"{rate:,.0f}" if rate else "–", width="content")
        if state in ACTIVE:
            rest = seconds_left(status, epochs, config.epochs, rate, images)
            st.metric("Time left", "–" if rest is None else clock(rest), width="content")
        elif len(epochs):
            st.metric("Time taken", clock(float(epochs["seconds"].sum())), width="content")
        st.metric("Memory", _memory(status, epochs), width="content")
        pace = float(epochs["learning_rate"].iloc[-1]) if len(epochs) else config.learning_rate
        st.metric("Learning rate", small_number(pace), width="content")
    if not len(epochs) and not len(batches):
        return
    _curves(run.id, config, status, epochs, batches, names)


def _memory(status: dict, epochs: pd.DataFrame) -> str:
    """Return what the process has taken at its most, from its start on."""
    said = status.get("memory_mb", epochs["memory_mb"].iloc[-1] if len(epochs) else None)
    return f"{said:,.0f} MB" if isinstance(said, int | float) else "–"


def _say(found: Diagnosis) -> None:
    box, symbol = TONES.get(found.kind, (st.info, ":material/info:"))
    box(found.words.replace("$", "\\$"), icon=symbol)


def _progress(state: str, status: dict, config: TrainingConfig, epochs: pd.DataFrame) -> tuple[float, str]:
    if state == "queued":
        return 0.0, "Waiting for its turn"
    so_far, current = share_done(status, epochs), min(config.epochs, len(epochs) + 1)
    words = f"Epoch {current} of {config.epochs}"
    if so_far > len(epochs):
        words += f" · step {status['batch']:,} of {status['batches']:,}"
    return min(1.0, so_far / config.epochs), words


def axis_end(planned: int, complete: int) -> int:
    """Last epoch of the axes: that of the plan, or for a long one twice as many whenever the curves reach the end."""
    end = WHOLE
    while end <= complete:
        end *= 2
    return min(planned, end)


def _curves(
    run_id: str, config: TrainingConfig, status: dict, epochs: pd.DataFrame, batches: pd.DataFrame, names: list[str]
) -> None:
    steps = status.get("batches")
    steps = steps if isinstance(steps, int) else None
    lines, last = references(config.data, names), axis_end(config.epochs, len(epochs))
    one, two = st.columns(2, gap="medium")
    with one:
        st.markdown("**Accuracy**")
        st.altair_chart(
            curves.accuracy({"run": epochs}, batches=batches, per_epoch=steps, references=lines, epochs=last),
            key=f"accuracy-{run_id}",
            alt="Share of images named right after each epoch, in training and in validation",
        )
    with two:
        st.markdown("**Loss**")
        st.altair_chart(
            curves.loss({"run": epochs}, batches=batches, per_epoch=steps, epochs=last),
            key=f"loss-{run_id}",
            alt="Loss after each epoch, in training and in validation",
        )
    one, two = st.columns(2, gap="medium")
    with one:
        st.markdown("**Recall of each expression**")
        st.altair_chart(
            # A new key when the first epoch brings the names: a chart that is drawn keeps its height.
            curves.recall(epochs, last=last),
            key=f"recall-{bool(len(epochs))}-{run_id}",
            alt="Share of each expression's validation images that were named right, after each epoch",
        )
    with two:
        st.markdown("**Learning rate**")
        st.altair_chart(
            curves.learning_rate(epochs, last=last),
            key=f"rate-{run_id}",
            alt="Learning rate of each epoch",
        )
    with st.expander("What the curves show", icon=":material/help:"):
        st.markdown(
            "**Training** is measured on the images that it learns from, as they are varied; **validation** on images "
            "that it never learns from: that is what counts. Faint: the steps within an epoch. **Loss** says how "
            "surprised the network is by the right answer. **Recall** is how many of an expression's images it finds."
        )
        if len(lines) > 1:
            st.markdown(EXPLAINED)
        else:
            st.markdown(EXPLAINED.strip().splitlines()[0])
