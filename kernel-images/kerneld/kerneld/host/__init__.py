"""Sandboxes without a container engine: a zygote on the host that forks them (PROTOCOL.md section 6)."""
