"""The command line of `blobmaster train`, and the settings that follow from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from blobmaster.checkpoint.file import VerifiedCheckpoint
from blobmaster.cluster.backend import THREADS, PlayBackend
from blobmaster.config.compose import (
    ConfigError,
    Tables,
    check_continues,
    compose,
    inherited_settings,
    read_file,
)
from blobmaster.config.config import Config
from blobmaster.config.presets import EXPLOIT, FAST, GAMES, SEARCH


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """The command line of `blobmaster train`."""

    root: Path
    """The run directory."""
    is_fast: bool = False
    """Apply the preset `FAST`."""
    is_resumed: bool = False
    is_auto: bool = False
    """Resume the run in the directory, or begin one where there is none."""
    resume: Path | None = None
    """The checkpoint to resume from; None for the newest whole one."""
    init_from: Path | None = None
    """The checkpoint whose network and settings a phase 2 or an exploiter starts from."""
    is_exploiter: bool = False
    """Copies of `init_from` hold all seats but one."""
    config_file: Path | None = None
    flags: Tables = field(default_factory=dict)
    """The settings that were given as flags."""
    backend: PlayBackend = THREADS
    """Who plays the blocks of self-play and ratings. It is not saved with the run: the bits are the
    same, and another machine may have no cluster."""
    typed: tuple[str, ...] = ()
    """The options as typed, with absolute paths; without those that name what to resume."""

    @property
    def takes_newest(self) -> bool:
        """True if the newest checkpoint of the run directory is to be resumed."""
        return self.is_auto or (self.is_resumed and self.resume is None)

    def layers(self) -> list[Tables]:
        """Return the layers of settings that were given; later ones win.

        Raises:
            ConfigError: the settings file cannot be read.
        """
        fast = dict(FAST)
        if self.init_from is not None:
            del fast["network"]  # the network is the checkpoint's, whatever its size
        preset = [fast] if self.is_fast else []
        file = [read_file(self.config_file)] if self.config_file is not None else []
        return [*preset, *file, self.flags]


def compose_settings(
    options: TrainOptions, checkpoint: VerifiedCheckpoint | None, origin: VerifiedCheckpoint | None
) -> Config:
    """Return the settings of a run.

    Args:
        options: the command line, whose layers win.
        checkpoint: the checkpoint to resume from, whose settings lie below.
        origin: the checkpoint that a phase 2 or an exploiter starts from; its settings lie below.

    Raises:
        ConfigError: the settings are invalid, or do not fit the checkpoint or the origin.
    """
    given = options.layers()
    if checkpoint is not None:
        config = compose(*given, base=checkpoint.config)
        config = compose(_implied(options.flags, config, checkpoint.config), base=config)
        check_continues(checkpoint.config, config)
        _check_search(options.flags, config)
        return config
    base = None if origin is None else inherited_settings(origin.config)
    if options.is_exploiter and origin is not None:
        given = [EXPLOIT, *given, _copies_of(origin.path)]
    # Presets lie below the given layers, which alone say that this is phase 2, or by search.
    if compose(*given, base=base).plays_games:
        given = [GAMES, *given]
    config = compose(*given, base=base)
    given.append(_implied(options.flags, config, base or Config()))
    config = compose(*given, base=base)
    if base is None and config.self_play.decide_by == "search":
        config = compose(SEARCH, *given)
    _check_search(options.flags, config)
    if origin is not None:
        _check_can_start_from(origin, config, is_exploiter=options.is_exploiter)
    return config


def _copies_of(path: Path) -> Tables:
    """Return the setting of an exploiter of the checkpoint at `path`."""
    text = str(path.resolve())
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConfigError(
            "--exploit stores the checkpoint's path, which must be UTF-8: rename its folder or file"
        ) from None
    return {"self_play": {"exploited": text}}


def _implied(flags: Tables, config: Config, before: Config) -> Tables:
    """Return the policy of self-play that flags ask for without naming it.

    Args:
        flags: the settings that were given as flags.
        config: the settings that follow from them.
        before: the settings of the run or of the defaults below. A curriculum that a run already
            has changes nothing, so that a command line can be repeated with `--resume`.
    """
    if "decide_by" in flags.get("self_play", {}):
        return {}
    begins_curriculum = config.curriculum.enabled and not before.curriculum.enabled
    asks_for_curriculum = "curriculum" in flags and begins_curriculum and not config.plays_games
    if asks_for_curriculum or "search" in flags:
        return {"self_play": {"decide_by": "search"}}
    return {}


def _check_search(flags: Tables, config: Config) -> None:
    """Raise `ConfigError` if `--search` would have no effect."""
    if "search" not in flags:
        return
    if config.self_play.decide_by == "lookahead":
        raise ConfigError("--search is for --decide-by search: leave out one of them")
    if config.curriculum.enabled:
        raise ConfigError(
            "the curriculum sets the size of the search: leave out --search, or start a run "
            "without --enable-curriculum"
        )


def _check_can_start_from(
    origin: VerifiedCheckpoint, config: Config, *, is_exploiter: bool
) -> None:
    """Raise `ConfigError` unless a run with these settings can start from that network."""
    if is_exploiter and config.plays_games != origin.config.plays_games:
        phase = origin.config.run.training_on
        raise ConfigError(
            f"an exploiter plays {phase}, as the checkpoint does: leave out --training-on"
        )
    if not config.plays_games and not is_exploiter:
        raise ConfigError(
            "--init-from starts phase 2: add --training-on games, or continue that run with "
            "--resume"
        )
    if config.network != origin.config.network:
        theirs, ours = origin.config.network, config.network
        raise ConfigError(
            f"{origin.path} has a network of width {theirs.width} and {theirs.blocks} blocks, but "
            f"[network] asks for width {ours.width} and {ours.blocks} blocks: leave out [network]"
        )
