"""What a kernel's process finds around it: variables, directory, module path, randomness."""

import importlib.machinery
import os
import site
import sys
import time
from collections.abc import Mapping
from typing import Any

WORKSPACE = "/workspace"

_OURS = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    # There is no terminal to page on.
    "PAGER": "cat",
    "GIT_PAGER": "cat",
}


def working_directory(cwd: str | None) -> str:
    """The absolute path that `cwd` means, made where it is missing; raises `OSError` or `ValueError`."""
    path = os.path.join(WORKSPACE, cwd or "")
    os.makedirs(path, exist_ok=True)
    if not os.path.isdir(path):
        raise NotADirectoryError(20, os.strerror(20), path)
    if not os.access(path, os.X_OK):
        raise PermissionError(13, os.strerror(13), path)
    return path


def check_variables(variables: Mapping[str, str]) -> None:
    """Raise `ValueError` for what cannot be an environment."""
    for name, value in variables.items():
        if not name or "=" in name or "\0" in name or "\0" in value:
            raise ValueError(f"{name!r} cannot be an environment variable")
        os.fsencode(name + value)


def enter(image: Mapping[str, str], variables: Mapping[str, str], directory: str) -> None:
    """Make this process one with that environment and directory."""
    os.environ.clear()
    os.environ.update({**_OURS, **image, **variables})
    if "TZ" in os.environ:
        time.tzset()
    os.chdir(directory)
    sys.argv = [""]
    _set_module_path()


def _set_module_path() -> None:
    """The directory of the code first, then PYTHONPATH, and packages of the user's before the image's."""
    base = os.environ.get("PYTHONUSERBASE") or os.path.expanduser("~/.local")
    user_site = f"{base}/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    site.ENABLE_USER_SITE, site.USER_BASE, site.USER_SITE = True, base, user_site
    entries = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    packages = next((n for n, entry in enumerate(sys.path) if "-packages" in entry), len(sys.path))
    sys.path[packages:packages] = [user_site]
    sys.path[:0] = ["", *entries]
    if os.path.isdir(user_site):
        site.addsitedir(user_site, set(sys.path))
    else:
        sys.path_hooks.insert(0, _hook_for(user_site))
        sys.path_importer_cache.pop(user_site, None)


def _hook_for(path: str) -> Any:
    """A path hook for a directory that may be made after the first import has looked for it."""

    def hook(entry: str) -> LateDirectory:
        if entry != path:
            raise ImportError
        return LateDirectory(path)

    return hook


class LateDirectory:
    """Finds nothing until the directory exists, and then what is in it."""

    def __init__(self, path: str):
        self._path = path
        self._finder: Any = None

    def find_spec(self, name: str, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        """The module's spec, if it is there by now."""
        if self._finder is None:
            if not os.path.isdir(self._path):
                return None
            make_finder: Any = importlib.machinery.FileFinder.path_hook(
                (importlib.machinery.ExtensionFileLoader, importlib.machinery.EXTENSION_SUFFIXES),
                (importlib.machinery.SourceFileLoader, importlib.machinery.SOURCE_SUFFIXES),
                (importlib.machinery.SourcelessFileLoader, importlib.machinery.BYTECODE_SUFFIXES),
            )
            self._finder = make_finder(self._path)
        return self._finder.find_spec(name, target)

    def invalidate_caches(self) -> None:
        """As for every finder."""
        if self._finder is not None:
            self._finder.invalidate_caches()


def reseed() -> None:
    """Have randomness of one's own, which a fork otherwise shares with its siblings; `random` sees to itself."""
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()
    ssl = sys.modules.get("ssl")
    if ssl is not None:
        # OpenSSL knows a fork by its process id, which may be the same in another PID namespace.
        ssl.RAND_add(os.urandom(32), 32.0)
