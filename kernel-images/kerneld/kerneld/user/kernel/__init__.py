"""The Python kernel: ipykernel's IPythonKernel on sockets and streams of our own."""

from . import lean

lean.import_ipython()
