"""A visitor who speaks the app's own HTTP and WebSocket, as its page in a browser does, and times each answer.

What the server draws is kept by its place, buttons are pressed by their words, files are uploaded, pictures fetched,
and the parts of a page that ask for themselves (`run_every`) ask here too.
"""

from __future__ import annotations

import contextlib
import http.cookiejar
import json
import secrets
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import UploadedFileInfo
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

__all__ = ["Visitor"]

PATIENCE = 120.0
"""Seconds after which no answer is a failure."""
SOURCES = {"imgs": lambda part: [image.url for image in part.imgs], "video": lambda part: [part.url]}
"""Elements with pictures that a browser would fetch, and where their addresses stand."""


class Visitor:
    """One tab of a browser.

    Attributes:
        answers: for each thing done, its name and the seconds until the page was whole again.
        problems: what went wrong, in the app's words or ours.
        alerts: error messages that the page showed.
    """

    def __init__(self, address: str, page: str = ""):
        """Open the app at http://HOST:PORT on one of its pages: `explore`, or the start where it is empty."""
        self.address, self.page = address, page
        self.answers: list[tuple[str, float]] = []
        self.problems: list[str] = []
        self.alerts: list[str] = []
        self._query = ""
        self._session = self._script = ""
        self._parts: dict[tuple[int, ...], Any] = {}
        self._fresh: dict[tuple[int, ...], Any] = {}
        self._known: dict[str, ForwardMsg] = {}
        self._values: dict[str, WidgetState] = {}
        self._asking: dict[str, tuple[float, float]] = {}
        self._urls: dict[str, Any] = {}
        self._whole = False
        self._fetched: set[str] = set()  # a browser has them in its cache
        self._changed = threading.Condition()
        self._cookies = http.cookiejar.CookieJar()
        self._http = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._cookies))
        begin = time.monotonic()
        self._get("/_stcore/health")  # gives the cookie that uploads need
        self._get("/")
        xsrf = self._xsrf()
        where = f"ws://{urllib.parse.urlsplit(address).netloc}/_stcore/stream"
        self._open = contextlib.ExitStack()
        self._fetchers = self._open.enter_context(ThreadPoolExecutor(6))  # as many as a browser fetches at a time
        self._socket = self._open.enter_context(
            connect(
                where,
                subprotocols=["streamlit", *([xsrf] if xsrf else [])],  # type: ignore[list-item]
                origin=address,  # type: ignore[arg-type]
                additional_headers={"Cookie": "; ".join(f"{c.name}={c.value}" for c in self._cookies)},
                max_size=None,
            )
        )
        self._reader = threading.Thread(target=self._read, name="visitor", daemon=True)
        self._reader.start()
        self._do(f"open {page or 'the first page'}", self._rerun, begin)

    # What a person does.

    def press(self, label: str) -> None:
        """Press the button that says so."""
        button = self._find("button", lambda part: part.label == label)
        self._do(f"press “{label}”", lambda: self._rerun(WidgetState(id=button.id, trigger_value=True)))

    def choose(self, label: str, index: int) -> None:
        """Choose the option at that place in the group of buttons that is called so."""
        group = self._find("button_group", lambda part: part.label == label)
        wanted = WidgetState(id=group.id)
        wanted.string_array_value.data.append(group.options[index].content)
        self._values[group.id] = wanted
        self._do(f"choose in “{label}”", self._rerun)

    def upload(self, path: Path) -> None:
        """Bring a file into the page's first place for one."""
        place = self._find("file_uploader", lambda part: True)
        self._do("upload", lambda: self._bring(place.id, path))

    def tell(self, component: str, value: Any, name: str) -> None:
        """Let the component whose name ends so send a value, as its script does; `name` says what was done."""
        part = self._component(component)
        self._values[part.id] = WidgetState(id=part.id, json_value=json.dumps(value))
        self._do(name, self._rerun)

    def asked(self, component: str, argument: str) -> Any:
        """An argument that the page gave the component whose name ends so."""
        return json.loads(self._component(component).json_args).get(argument)

    def see(self, kind: str, fits: Callable[[Any], bool] = lambda part: True) -> bool:
        """Whether the page shows such an element now."""
        return any(part.WhichOneof("type") == kind and fits(getattr(part, kind)) for part in self._shown())

    def wait(self, kind: str, fits: Callable[[Any], bool] = lambda part: True, seconds: float = PATIENCE) -> None:
        """Go on as a browser does until the page shows such an element."""
        self.stay(seconds, lambda: self.see(kind, fits))
        if not self.see(kind, fits):
            raise TimeoutError(f"no {kind} came within {seconds:g} s")

    def stay(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Leave the page open for so long: its parts ask for themselves, in their time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not until():
            due = [name for name, (_, when) in self._asking.items() if when <= time.monotonic()]
            for name in due:
                every, _ = self._asking[name]
                self._asking[name] = (every, time.monotonic() + every)
                self._do(f"every {every:g} s", lambda name=name: self._rerun(fragment=name))
            with self._changed:
                self._changed.wait(0.1)

    def close(self) -> None:
        """Close the tab."""
        with contextlib.suppress(Exception):
            self._open.close()
        self._reader.join(10)

    # What its browser does.

    def _do(self, name: str, act: Callable[[], None], begin: float | None = None) -> None:
        begin = time.monotonic() if begin is None else begin
        self._whole = False
        act()
        with self._changed:
            if not self._changed.wait_for(lambda: self._whole, PATIENCE):
                raise TimeoutError(f"{name}: no answer within {PATIENCE:g} s")
        addresses = {a for part in self._shown() for a in SOURCES.get(part.WhichOneof("type"), _none)(_of(part))}
        list(self._fetchers.map(self._get, {a for a in addresses if a.startswith("/media")} - self._fetched))
        self._fetched |= addresses
        self.answers.append((name, time.monotonic() - begin))

    def _shown(self) -> list[Any]:
        with self._changed:
            return list(self._parts.values())

    def _find(self, kind: str, fits: Callable[[Any], bool]) -> Any:
        for part in self._shown():
            if part.WhichOneof("type") == kind and fits(getattr(part, kind)):
                return getattr(part, kind)
        labels = [_of(part).label for part in self._shown() if part.WhichOneof("type") == kind]
        raise LookupError(f"the page has no such {kind}; it has {labels}")

    def _component(self, name: str) -> Any:
        for part in self._shown():
            if part.WhichOneof("type") == "component_instance" and part.component_instance.component_name.endswith(
                name
            ):
                return part.component_instance
        raise LookupError(f"the page has no component {name}")

    def _rerun(self, pressed: WidgetState | None = None, fragment: str = "") -> None:
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_script_hash = self._query, self._script
        state.page_name = "" if self._script else self.page
        state.fragment_id, state.is_auto_rerun = fragment, bool(fragment)
        state.widget_states.widgets.extend(self._values.values())
        if pressed is not None:
            state.widget_states.widgets.append(pressed)
        self._socket.send(message.SerializeToString())

    def _bring(self, widget: str, path: Path) -> None:
        data, asked = path.read_bytes(), BackMsg()
        asked.file_urls_request.request_id = name = secrets.token_hex(8)
        asked.file_urls_request.file_names.append(path.name)
        asked.file_urls_request.session_id = self._session
        self._socket.send(asked.SerializeToString())
        with self._changed:
            if not self._changed.wait_for(lambda: name in self._urls, PATIENCE):
                raise TimeoutError("no place for the upload")
        (urls,) = self._urls[name]
        self._put(urls.upload_url, path.name, data)
        info = UploadedFileInfo(file_id=urls.file_id, name=path.name, size=len(data), file_urls=urls)
        brought = WidgetState(id=widget)
        brought.file_uploader_state_value.uploaded_file_info.append(info)
        self._values[widget] = brought
        self._rerun()

    def _put(self, address: str, name: str, data: bytes) -> None:
        mark = secrets.token_hex(16)
        head = f'--{mark}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n\r\n'
        body = head.encode() + data + f"\r\n--{mark}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={mark}"}
        if xsrf := self._xsrf():
            headers["X-Xsrftoken"] = xsrf
        where = urllib.parse.urljoin(self.address, address)
        self._http.open(urllib.request.Request(where, body, headers, method="PUT"), timeout=PATIENCE).close()

    def _xsrf(self) -> str:
        return next((cookie.value or "" for cookie in self._cookies if cookie.name == "_streamlit_xsrf"), "")

    def _get(self, address: str) -> bytes:
        with self._http.open(urllib.parse.urljoin(self.address, address), timeout=PATIENCE) as answer:
            return answer.read()

    def _read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            for data in self._socket:
                message = ForwardMsg()
                message.ParseFromString(data)
                with self._changed:
                    self._take(message)
                    self._changed.notify_all()

    def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "ref_hash":
            place = message.metadata
            message, kind = self._known[message.ref_hash], "delta"
        else:
            place = message.metadata
            if message.hash:
                self._known[message.hash] = message
        if kind == "new_session":
            new = message.new_session
            self._session = new.initialize.session_id or self._session
            if not place.run.fragment_ids:
                self._fresh, self._asking = {}, {}
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            part = message.delta.new_element
            self._fresh[tuple(place.delta_path)] = part
            self._parts[tuple(place.delta_path)] = part
            if part.WhichOneof("type") == "exception":
                self.problems.append(f"{part.exception.type}: {part.exception.message}")
            if part.WhichOneof("type") == "alert" and part.alert.format == part.alert.ERROR:
                self.alerts.append(part.alert.body)
        elif kind == "auto_rerun":
            every = message.auto_rerun.interval
            self._asking[message.auto_rerun.fragment_id] = (every, time.monotonic() + every)
        elif kind == "navigation":
            self._script = message.navigation.page_script_hash  # the start sends visitors on to another page
        elif kind == "page_info_changed":
            self._query = message.page_info_changed.query_string
        elif kind == "file_urls_response":
            self._urls[message.file_urls_response.response_id] = list(message.file_urls_response.file_urls)
        elif kind == "script_finished":
            status = ForwardMsg.ScriptFinishedStatus
            if message.script_finished == status.FINISHED_SUCCESSFULLY:
                self._parts = self._fresh
            self._whole = message.script_finished in (
                status.FINISHED_SUCCESSFULLY,
                status.FINISHED_FRAGMENT_RUN_SUCCESSFULLY,
            )


def _of(part: Any) -> Any:
    return getattr(part, part.WhichOneof("type"))


def _none(part: Any) -> list[str]:
    return []
