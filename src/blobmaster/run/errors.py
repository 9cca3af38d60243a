"""The errors that a person is meant to read: one line that says what is wrong and what to do."""


class RunError(Exception):
    """Something about the run's files that the user can answer; `str()` is one line."""


class StatusError(RunError):
    """The status file is there and cannot be used: corrupt, foreign, too large or too new."""


class StatusMissingError(StatusError):
    """There is no status file: no run has begun here yet."""


class ControlError(RunError):
    """A request could not be left for the trainer."""


class CheckpointError(RunError):
    """A checkpoint is damaged, foreign, or made by another version."""


class RunHeldError(RunError):
    """Another trainer holds the run directory."""


class RunDirectoryError(RunError):
    """The run directory cannot be made or written."""


class GivenUpError(RunError):
    """A write that the disk did not take was given up, since the run was asked to leave."""
