"""All models that can be compared here, by name: bundles, and networks of other packages."""

from __future__ import annotations

from .bundles import load_bundle
from .contenders import BundleContender, Contender
from .fer_package import NAME as PEER
from .fer_package import FerPackage

__all__ = ["PEER", "contender"]


def contender(name: str) -> Contender:
    """The model of that name; raises ModelError where there is none or its weights cannot be used."""
    return FerPackage() if name == PEER else BundleContender(load_bundle(name))
