#!/bin/sh
# What is done inside the image's root once its packages and the overlay are there.
# Argument: the directory that holds patches/. /opt/hotcell/image.json is the image's definition.
set -eu
definition=$1
packages=/usr/lib/python3/dist-packages
skeleton=/opt/hotcell/skel
umask 022

# An account for engines that start with a fixed user; Hotcell's own sandboxes take uids of their own.
echo 'hotcell:x:1000:1000:Hotcell:/workspace:/bin/bash' >>/etc/passwd
echo 'hotcell:x:1000:' >>/etc/group
install -d -m 1777 /workspace

# kerneld names its interpreter by this path, whatever the distribution calls its own.
install -d /opt/hotcell/bin
ln -sf "$(readlink -f /usr/bin/python3)" /opt/hotcell/bin/python3

(cd "$packages" && git apply --verbose "$definition"/patches/*.patch)
# By hash: the root's archive may give files written during this build another time.
python3 -m compileall -q --invalidation-mode unchecked-hash "$packages/matplotlib/font_manager.py"

# The packages' own tests: a fifth of the image. numpy.testing imports one module of numpy's.
(cd "$packages" && find matplotlib mpl_toolkits pandas scipy sklearn sympy networkx \
  -type d -name tests -prune -exec rm -rf {} +)
find "$packages"/numpy -path '*/tests/*' -type f \
  ! -name __init__.py ! -name '__init__.*.pyc' ! -name _natype.py ! -name '_natype.*.pyc' -delete

# Packages that dpkg unpacked before it read our exclusions, and what the installation left behind.
find /usr/share/doc -type f ! -name copyright -delete
find /usr/share/doc -depth -type d -empty -delete
rm -rf /usr/share/man/* /usr/share/info/* /usr/share/locale/* /usr/share/lintian
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/apt/archives/*.deb /var/cache/debconf/*-old
rm -rf /var/log/apt /var/log/dpkg.log /var/log/alternatives.log /var/log/bootstrap.log
find "$packages" -type d -name '*-stubs' -prune -exec rm -rf {} +

# no-new-privileges makes these useless in a sandbox; without the bits they are useless anywhere.
find / -xdev -type f -perm /6000 -exec chmod ug-s {} +

# /tmp and /workspace are fresh file systems in every sandbox: its first user process copies these there.
mkdir -p "$skeleton/tmp" "$skeleton/workspace"
variables=$(python3 -c '
import json, shlex
for name, value in json.load(open("/opt/hotcell/image.json"))["env"].items():
    print(f"export {name}={shlex.quote(value)}")')
(
  eval "$variables"
  mkdir -p "$skeleton$XDG_CACHE_HOME" "$skeleton$MPLCONFIGDIR" "$skeleton$JUPYTER_RUNTIME_DIR"
  mkdir -p "$skeleton$PYTHONUSERBASE/bin"
  mkdir -p "$skeleton$(python3 -c 'import site; print(site.getusersitepackages())')"
  for directory in db log pid security startup; do
    mkdir -p "$skeleton$IPYTHONDIR/profile_default/$directory"
  done
  # The cache is valid for the directories' times, so these must be times that the root's archive keeps.
  find /usr/share/fonts /usr/local/share/fonts -type d -exec touch --date=2000-01-01 {} +
  fc-cache --system-only --force
  HOME=/root MPLCONFIGDIR=$skeleton$MPLCONFIGDIR python3 -c 'import matplotlib.font_manager'
)
