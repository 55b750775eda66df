"""The files with which a sandbox's fresh file systems begin."""

import shutil
from pathlib import Path

SKELETON = Path("/opt/hotcell/skel")


def copy_skeleton() -> None:
    """Copy what the image has for `/tmp` and `/workspace`, leaving alone what is there already."""
    for name in ("tmp", "workspace"):
        if (SKELETON / name).is_dir():
            _copy(SKELETON / name, Path("/") / name)


def _copy(source: Path, target: Path) -> None:
    for entry in source.iterdir():
        destination = target / entry.name
        if entry.is_dir() and not entry.is_symlink():
            destination.mkdir(exist_ok=True)
            _copy(entry, destination)
        elif not destination.exists(follow_symlinks=False):
            shutil.copy2(entry, destination, follow_symlinks=False)
