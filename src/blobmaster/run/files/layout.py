"""Paths in a run directory and the file names of checkpoints."""

import re
from dataclasses import dataclass
from pathlib import Path

DEFAULT_DIRECTORY = Path("models/checkpoints")
"""Run directory unless `--checkpoint-dir` names another."""
STATUS_NAME = "status.json"
CONTROL_NAME = "control.signal"

START = -1
"""Iteration number of the checkpoint with a run's initial state, named `iter000`."""

_CHECKPOINT = re.compile(
    r"(?P<date>\d{8})-(?P<project>\w+)-v(?P<architecture>\d+)-(?P<millions>\d+\.\d)M"
    r"-iter(?P<iteration>\d{3,})(?:-elo(?P<elo>\d{4,}))?\.pth",
    re.ASCII,
)


@dataclass(frozen=True)
class RunLayout:
    """The paths of the run in `root`."""

    root: Path

    @property
    def permanent(self) -> Path:
        return self.root / "permanent"

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    @property
    def inflight(self) -> Path:
        return self.root / "inflight"

    @property
    def archive(self) -> Path:
        return self.root / "archive"

    @property
    def status(self) -> Path:
        return self.root / STATUS_NAME

    @property
    def control(self) -> Path:
        return self.root / CONTROL_NAME

    @property
    def control_taken(self) -> Path:
        """The control file while the trainer reads it."""
        return self.root / f".{CONTROL_NAME}.taken"

    @property
    def history(self) -> Path:
        return self.root / "history.jsonl"

    @property
    def matrix(self) -> Path:
        """The last result of `blobmaster evaluate --matrix`; no trainer reads or writes it."""
        return self.root / "matrix.json"

    @property
    def log(self) -> Path:
        return self.root / "train.log"

    @property
    def lock(self) -> Path:
        return self.root / "run.lock"

    @property
    def lock_holder(self) -> Path:
        """The lock's holder as JSON: a file of its own, as locking may truncate the lock file."""
        return self.root / "run.lock.json"

    @property
    def earlier_status(self) -> Path:
        """The status found when a session opened, until the session starts a run."""
        return self.root / "status.earlier.json"

    @property
    def ballast(self) -> Path:
        return self.root / ".ballast"

    @property
    def archive_note(self) -> Path:
        """Names the archive folder that an earlier run is being moved to; absent otherwise."""
        return self.root / "moving-aside"

    @property
    def later_note(self) -> Path:
        """Names the archive folder that later checkpoints are being moved to; absent otherwise."""
        return self.root / "moving-later-aside"

    @property
    def keep_note(self) -> Path:
        """Names the run whose next checkpoint was asked to be kept; absent otherwise."""
        return self.root / "keep-next"

    @property
    def single_files(self) -> tuple[Path, ...]:
        """The files in the root that are replaced atomically."""
        return (
            self.status,
            self.earlier_status,
            self.history,
            self.lock_holder,
            self.archive_note,
            self.later_note,
            self.keep_note,
            self.ballast,
            self.matrix,
        )

    def is_own_checkpoint(self, path: Path) -> bool:
        """Return True if a checkpoint lies in the run's own folders, be it as a link."""
        folder = path.parent.resolve()
        return folder in (self.permanent.resolve(), self.cache.resolve())

    def inflight_of(self, iteration: int) -> Path:
        """Folder with the finished blocks of an iteration (0-based)."""
        return self.inflight / f"iter{iteration + 1:03d}"

    def block(self, iteration: int, index: int) -> Path:
        return self.inflight_of(iteration) / f"block-{index:04d}.bin"

    @staticmethod
    def iteration_of_folder(name: str) -> int | None:
        """Return the 0-based iteration of a folder in `inflight`, None for any other name."""
        match = re.fullmatch(r"iter(\d{3,})", name, re.ASCII)
        return int(match[1]) - 1 if match and int(match[1]) else None

    @staticmethod
    def index_of_block(name: str) -> int | None:
        match = re.fullmatch(r"block-(\d{4,})\.bin", name, re.ASCII)
        return int(match[1]) if match else None


@dataclass(frozen=True, kw_only=True)
class CheckpointName:
    """A checkpoint's file name in parts: `20251113-Blobmaster-v1-4.9M-iter005-elo0980.pth`."""

    start_date: str
    """Day the run started, `YYYYMMDD`."""
    project: str
    architecture: int
    millions: str
    """Parameters of the network in millions, one decimal: `4.9`."""
    iteration: int
    """0-based; the name shows it 1-based. -1 is a run's initial state."""
    elo: int | None = None
    """Whole points, at least 0; only permanent checkpoints have it."""

    def format(self) -> str:
        elo = "" if self.elo is None else f"-elo{self.elo:04d}"
        return f"{self.prefix}-iter{self.iteration + 1:03d}{elo}.pth"

    @property
    def prefix(self) -> str:
        """The part that all checkpoint names of a run share."""
        return f"{self.start_date}-{self.project}-v{self.architecture}-{self.millions}M"

    @classmethod
    def parse(cls, name: str) -> "CheckpointName | None":
        """Parse a file name; returns None if `format` would not produce exactly this one."""
        match = _CHECKPOINT.fullmatch(name)
        if match is None:
            return None
        parsed = cls(
            start_date=match["date"],
            project=match["project"],
            architecture=int(match["architecture"]),
            millions=match["millions"],
            iteration=int(match["iteration"]) - 1,
            elo=None if match["elo"] is None else int(match["elo"]),
        )
        return parsed if parsed.iteration >= START and parsed.format() == name else None
