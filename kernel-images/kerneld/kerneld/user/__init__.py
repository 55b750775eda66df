"""The user side of a sandbox: the zygote, and the kernels and file workers that it forks."""
