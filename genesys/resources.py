"""Finds data: what is shipped with the package, in wheels and in editable installs, and caches."""

from __future__ import annotations

import os
from pathlib import Path

from genesys.errors import GenesysError


def resource(name: str) -> Path:
    """Absolute path of a shipped folder: ``configs``, ``seeds`` or ``units``.

    In a wheel it lies inside the package; in a checkout beside it.

    Raises:
        GenesysError: The installation is incomplete.
    """
    package = Path(__file__).resolve().parent
    for candidate in (package / name, package.parent / name):
        if candidate.is_dir():
            return candidate
    raise GenesysError(f"The installation lacks its folder {name!r}; reinstall genesys.")


def data_root() -> Path:
    """Folder of what a user keeps with Genesys."""
    import platformdirs

    return platformdirs.user_data_path("genesys")


def cache_root() -> Path:
    """Folder of all caches: ``$GENESYS_CACHE``, or the user's cache folder."""
    import platformdirs

    return Path(os.environ.get("GENESYS_CACHE") or platformdirs.user_cache_dir("genesys"))
