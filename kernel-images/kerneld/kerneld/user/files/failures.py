"""What can go wrong with a file, as the codes of PROTOCOL.md section 2."""

import errno
import os


class FileFailure(Exception):
    """A request that cannot be fulfilled."""

    def __init__(self, code: str, detail: str):
        super().__init__(detail)
        self.code = code
        self.detail = detail


_CODES = {
    errno.ENOENT: "file_not_found",
    errno.ENOTDIR: "not_a_directory",
    errno.EISDIR: "is_directory",
    errno.ENXIO: "not_a_regular_file",
    errno.EACCES: "permission_denied",
    errno.EPERM: "permission_denied",
    errno.EROFS: "permission_denied",
    errno.ELOOP: "invalid_path",
    errno.ENAMETOOLONG: "invalid_path",
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
    errno.EFBIG: "disk_full",
}


def failure_of(error: OSError) -> FileFailure:
    """The failure that an error of the operating system is."""
    number = error.errno or 0
    return FileFailure(_CODES.get(number, "internal_error"), os.strerror(number))
