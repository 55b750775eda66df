"""Where things are in the zygote's file system, as the launcher builds it and a sandbox finds it."""

PRIVATE = "/run/host"
"""What only the zygote and a sandbox in the making see; unmounted before user code or kerneld runs."""

LINKS = f"{PRIVATE}/links"
CGROUPS = f"{PRIVATE}/cgroups"
PROC = f"{PRIVATE}/proc"
"""An empty directory, for a new /proc on its way."""

KERNELD = "/run/kerneld"
LINK = f"{KERNELD}/link"
KERNELS = "/run/kernels"
WORKSPACE = "/workspace"
TMP = "/tmp"
SHM = "/dev/shm"
PTS = "/dev/pts"
SYS = "/sys"

CONTROL, EVENTS, STATUS = 3, 4, 5
"""Descriptors of the zygote: the two sockets that it listens on, and the pipe on which it says that it is ready."""
