"""The stepping loop: plays a batch of decisions to its end, in compiled code as far as possible.

A player of many decisions keeps all that it works on in one NamedTuple, its state, whose field
`requests` holds the positions to evaluate next. `play_to_end` evaluates them and calls the state's
`advance`, over and over, until nothing is requested any more.

`advance` is one name with one compiled implementation per state class, chosen when a kernel that
calls it is compiled. The obvious alternatives do not work: numba does not cache on disk a kernel
that is a closure over other kernels, so each process would compile for minutes, and a kernel passed
as an argument is called through a pointer of an experimental type.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from numba.extending import overload

from blobmaster.inference.backend import check
from blobmaster.inference.compiled import Passes, are_planned, evaluate
from blobmaster.inference.evaluator import Evaluator
from blobmaster.kernels.compile import compiled_for, lean_kernel
from blobmaster.kernels.inner import INNER_OPTIONS
from blobmaster.search.batch import EvaluationRequests
from blobmaster.search.tree import Priors, Values

Advance = TypeVar("Advance", bound=Callable[[Any, Any, Any], None])


class Steppable(Protocol):
    """A NamedTuple of arrays and numbers, with an `advance` registered for its class."""

    @property
    def requests(self) -> EvaluationRequests:
        """Positions to evaluate next; none once all decisions are made."""
        ...


def advance(state: Steppable, priors: Priors, values: Values) -> None:
    """Use the evaluations of `state.requests`, and request the next ones. For kernels only.

    Args:
        state: of a class that has a kernel registered by `advances`.
        priors: `[rows, MAX_LEGAL]`, of `state.requests.actor`.
        values: `[rows, MAX_PLAYERS]`, of `state.requests.critic`.
    """
    raise NotImplementedError("only a kernel can call advance: use play_to_end from Python")


def advances(state_class: type) -> Callable[[Advance], Advance]:
    """Register the decorated kernel as `advance` for states of `state_class`.

    The class must live in an importable module: numba's cache pickles it by name, and every
    process that reads the cache of `run_steps` imports the classes of all entries.
    """

    def register(step: Advance) -> Advance:
        def choose(state: Any, priors: Any, values: Any) -> Any:  # noqa: ARG001 (only types count)
            if getattr(state, "instance_class", None) is not state_class:
                return None

            # numba wants the signature of `choose` again, annotations included.
            def call(state: Any, priors: Any, values: Any) -> Any:
                step(state, priors, values)

            return call

        # As an `inner_kernel`: `call` only hands its arguments on, and a state has some sixty
        # arrays.
        overload(advance, jit_options=INNER_OPTIONS)(choose)
        return step

    return register


@lean_kernel
def run_steps(state: Steppable, passes: Passes) -> int:
    """Take up to `passes.steps` steps while the batch sizes are planned.

    Returns:
        0, or the error code of the pass that failed (see `check`).
    """
    requests = state.requests
    for _ in range(passes.steps):
        acts, judges = requests.rows
        if acts + judges == 0 or not are_planned(passes, acts, judges):
            break
        code = evaluate(passes, requests.actor[:acts], requests.critic[:judges])
        if code != 0:
            return code
        advance(state, passes.priors, passes.values)
    return 0


@lean_kernel
def take_step(state: Steppable, priors: Priors, values: Values) -> None:
    """Take one step, with evaluations that Python asked for."""
    advance(state, priors, values)


def never() -> bool:
    """Return False: nothing stops this work."""
    return False


def ignore_step() -> None:
    """Do nothing after a step."""


def play_to_end(
    evaluator: Evaluator,
    state: Steppable,
    *,
    should_stop: Callable[[], bool] = never,
    on_step: Callable[[], None] = ignore_step,
) -> bool:
    """Step `state` until it requests no evaluation.

    Args:
        evaluator: with room for all rows of `state.requests`.
        state: its first requests already made; changed in place.
        should_stop: checked before every call of compiled code, so every `Passes.steps` steps.
        on_step: called before every call of compiled code, and once at the end.

    Returns:
        True if the end was reached; False if `should_stop` came first.

    Raises:
        RuntimeError: a forward pass failed.
    """
    requests = state.requests
    # `compiled_for` skips numba's type check of each array in each call: the check costs as much
    # as a small step, and the types do not change within a block.
    steps: Callable[..., int] | None = None
    step: Callable[..., None] | None = None
    while not should_stop():
        on_step()
        acts, judges = requests.rows.tolist()
        if acts + judges == 0:
            return True
        passes = evaluator.passes(acts, judges)
        if passes is not None:
            steps = steps or compiled_for(run_steps, state, passes)
            check(steps(state, passes))
        else:
            evaluations = evaluator.evaluate(requests.actor[:acts], requests.critic[:judges])
            step = step or compiled_for(take_step, state, *evaluations)
            step(state, *evaluations)
    return False
