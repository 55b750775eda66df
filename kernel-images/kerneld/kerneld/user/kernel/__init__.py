"""The Python kernel: ipykernel's IPythonKernel on sockets and streams of our own."""
