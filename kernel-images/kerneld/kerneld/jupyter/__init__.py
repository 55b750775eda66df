"""Jupyter clients: their channels to the kernels of a sandbox, through the gateway."""
