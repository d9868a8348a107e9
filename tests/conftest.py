"""Browser, server and page for the tests that drive the app as a person does."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pylibsrtp  # noqa: F401  before anything loads TensorFlow: the other way round the process crashes
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

RERUNS = 2
"""A real browser, a camera and WebRTC on a machine that others use too may fail for reasons that are not ours. Such a
test, and no other, gets two more tries; the summary names each that needed one (-rR)."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=RERUNS))


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """A browser test that fails says what its page showed."""
    if not pyfuncitem.get_closest_marker("browser") or "page" not in pyfuncitem.funcargs:
        return (yield)
    from helpers.browser import pictured

    with pictured(pyfuncitem.funcargs["page"]):
        return (yield)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium without a camera; a file that needs other flags makes its own of `chromium`."""
    from helpers.browser import chromium

    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app, started once for a file of tests; a file that needs settings makes its own of `server`."""
    from helpers.browser import server

    with server(tmp_path_factory.mktemp("server")) as url:
        yield url


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh desktop window that must end without an exception on the page or in its scripts."""
    from helpers.browser import tab

    with tab(browser) as opened:
        yield opened
