"""How browser and server find each other: ICE servers from the host's secrets or environment."""

from __future__ import annotations

import base64
import json
import urllib.request
from collections.abc import Mapping
from typing import Any

import streamlit as st

from fer_core.errors import OptionError
from ui.app.settings import setting

__all__ = ["ice_servers"]

KINDS = ("stun:", "stuns:", "turn:", "turns:")
TWILIO = "https://api.twilio.com/2010-04-01/Accounts/{account}/Tokens.json"


def ice_servers() -> list[dict[str, Any]]:
    """Return what is set on this host; empty where nothing is, which suits the same computer and most home networks.

    FER_ICE_SERVERS is a list of servers as browsers take it, in JSON; FER_TURN_URL with FER_TURN_USER and
    FER_TURN_PASSWORD is one TURN server; TWILIO_ACCOUNT_SID with TWILIO_AUTH_TOKEN asks Twilio for some.

    Raises:
        OptionError: a setting cannot be used.
    """
    if listed := setting("FER_ICE_SERVERS"):
        return _checked(listed)
    if url := setting("FER_TURN_URL"):
        server = {"urls": url, "username": setting("FER_TURN_USER"), "credential": setting("FER_TURN_PASSWORD")}
        return _checked([{name: value for name, value in server.items() if value}])
    account, token = setting("TWILIO_ACCOUNT_SID"), setting("TWILIO_AUTH_TOKEN")
    return _checked(_twilio(str(account), str(token))) if account and token else []


def _checked(listed: Any) -> list[dict[str, Any]]:
    try:
        servers = json.loads(listed) if isinstance(listed, str) else listed
        found = []
        for server in servers:
            plain = {name: server[name] for name in ("urls", "username", "credential") if server.get(name)}
            urls = [plain["urls"]] if isinstance(plain["urls"], str) else list(plain["urls"])
            if not urls or not all(str(url).startswith(KINDS) for url in urls):
                raise ValueError
            found.append({**plain, "urls": urls})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise OptionError(
            "The host's settings for live connections cannot be read. FER_ICE_SERVERS must be a JSON list such as "
            '[{"urls": "turn:turn.example.org:443", "username": "…", "credential": "…"}], and FER_TURN_URL begin with '
            "turn: or turns:."
        ) from error
    return found


@st.cache_data(ttl=1800, max_entries=2, show_spinner=False)
def _twilio(account: str, token: str) -> list[Mapping[str, Any]]:
    # Asked for directly rather than through streamlit-webrtc, which would need Twilio's package. Valid for a day.
    secret = base64.b64encode(f"{account}:{token}".encode()).decode()
    request = urllib.request.Request(
        TWILIO.format(account=account), data=b"", headers={"Authorization": f"Basic {secret}"}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return list(json.load(answer)["ice_servers"])
    except (OSError, ValueError, KeyError) as error:
        raise OptionError(
            "Twilio gave no servers for live connections. Check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN."
        ) from error
