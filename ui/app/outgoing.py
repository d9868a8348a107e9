"""Requests that Streamlit would send to the internet, switched off."""

from __future__ import annotations

from streamlit import net_util

__all__ = ["ask_nobody"]


def ask_nobody() -> None:
    """Let Streamlit ask no address service on the internet which address this computer has.

    It would do so when it starts on all interfaces, and at each WebSocket handshake with a foreign Origin, for up to
    ten seconds in which the whole server stands still. It then compares that address with the Origin: without an answer
    the Origin is refused, which is right. Names under which a host is reached belong into `server.corsAllowedOrigins`.
    """
    net_util.get_external_ip = _unknown
    net_util.get_internal_ip = _unknown


def _unknown() -> None:
    return None
