"""What can be wrong with a request: the codes of PROTOCOL.md section 2 and their statuses."""

STATUS_OF = {
    "invalid_request": 400,
    "permission_denied": 403,
    "kernel_not_found": 404,
    "execution_not_found": 404,
    "file_not_found": 404,
    "artifact_not_found": 404,
    "not_found": 404,
    "not_assigned": 409,
    "already_assigned": 409,
    "kernel_exists": 409,
    "kernel_busy": 409,
    "execution_conflict": 409,
    "execution_finished": 409,
    "generation_mismatch": 409,
    "not_waiting_for_input": 409,
    "is_directory": 409,
    "not_a_directory": 409,
    "not_a_regular_file": 409,
    "execution_forgotten": 410,
    "language_unavailable": 422,
    "invalid_path": 422,
    "kernel_limit": 422,
    "queue_full": 429,
    "kernel_start_failed": 500,
    "internal_error": 500,
    "kernel_timeout": 504,
    "disk_full": 507,
}


class RequestError(Exception):
    """Answers a request with `code`, the status that belongs to it, and `detail`."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail

    @property
    def status(self) -> int:
        return STATUS_OF[self.code]
