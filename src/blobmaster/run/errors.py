"""Errors for the user: `str(error)` is one line that says what is wrong and what to do."""


class RunError(Exception):
    """A problem with the run's files that the user can solve; `str()` is one line."""


class FileUnusableError(RunError):
    """A small file of the run is no regular file, too large, or cannot be read."""


class FileMissingError(FileUnusableError):
    """A small file of the run is not there."""


class StatusError(RunError):
    """The status file cannot be used: corrupt, foreign, too large or of a newer version."""


class StatusMissingError(StatusError):
    """There is no status file: no run has started here yet."""


class ControlError(RunError):
    """A request to the trainer could not be written."""


class CheckpointError(RunError):
    """A checkpoint is damaged, foreign, or made by another version."""


class RunHeldError(RunError):
    """Another trainer holds the run directory."""


class RunDirectoryError(RunError):
    """The run directory cannot be created or written."""


class RunLostError(RunError):
    """The run directory or its lock is no longer at its path, so nothing more is written."""


class WriteAbandonedError(RunError):
    """A write was abandoned: the disk did not accept it and the run was asked to stop."""
