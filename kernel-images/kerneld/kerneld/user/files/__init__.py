"""The file worker: reads, writes, lists and deletes below `/workspace`, and nowhere else."""
