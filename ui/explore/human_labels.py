"""What FER+'s people saw in the images, beside what the file says."""

from __future__ import annotations

import numpy as np
import streamlit as st

from fer_core.charts.dataset import people_chart
from fer_core.curation.summary import people_say
from fer_core.datasets.dataset import Dataset
from fer_core.datasets.library import Stored
from fer_core.datasets.votes import agreement, most_voted
from fer_core.labels import FERPLUS_TO_FER7
from ui.app.formatting import quoted
from ui.explore.image_grid import show_grid

__all__ = ["show_people"]


def show_people(data: Dataset, stored: Stored) -> None:
    """Draw the labels against what most people saw, and the images of a cell or those with the least agreement."""
    asked = np.flatnonzero(data.votes.sum(1) > 0)
    if not len(asked):
        st.info(
            "Nobody was asked about these images. With FER2013's CSV file, bring the votes of FER+ (fer2013new.csv): "
            "ten people looked at each image.",
            icon=":material/how_to_vote:",
        )
        return
    table = people_say(data)
    names = np.array(data.names, object)[data.labels]
    saw = most_voted(data.votes)
    agreed = sum(
        FERPLUS_TO_FER7.get(words, words) == name for words, name in zip(saw[asked], names[asked], strict=True)
    )
    clear = int((saw[asked] != "no majority").sum())
    st.markdown(
        f"People were asked about **{len(asked):,}** images. In **{clear / len(asked):.0%}** of them more than half "
        f"saw the same expression; in **{agreed / len(asked):.0%}** it is the one that the label says."
    )
    key = f"explore-people-{data.fingerprint[:8]}"
    event = st.altair_chart(
        people_chart(table),
        key=key,
        on_select="rerun",
        selection_mode=["cell"],
        alt="Labels of the file against what most people saw",
    )
    st.caption("A row is a label; the darker a cell, the more of its images. Click a cell to see them.")
    cells = event.selection.get("cell") or []
    if cells:
        label, people = cells[0]["label"], cells[0]["people"]
        found = asked[(names[asked] == label) & (saw[asked] == people)]
        what = "no majority" if people == "no majority" else f"mostly {people}"
        st.subheader("The images of this cell", anchor=False)
        st.markdown(f"The file says {quoted(label)}, people saw {what}. Double-click the chart to see all again.")
    else:
        found = asked
        st.subheader("Where people agree least", anchor=False)
    share = agreement(data.votes)
    found = found[np.argsort(share[found], kind="stable")]
    show_grid(data, stored, found, "people", cards=True)
