"""Losses of a batch: of policy, value and the auxiliary predictions.

A policy target depends on the deal, of which the actor sees one hand. Cross-entropy fits the mean
of the targets over all deals: an average of the best replies to each, which hedges between worlds.
The reverse KL divergence fits the mean of their logarithms, so the mean value decides: log prior +
step × E[value], a step of mirror descent. Its gradients are noisier, so it comes last (see
`LearningSettings.mean_log_from`).
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional

from blobmaster.game.cards import MAX_PLAYERS
from blobmaster.game.records import FULL_SHARE
from blobmaster.game.rules import ACTION_COUNT
from blobmaster.model.game_features import STANDING
from blobmaster.model.heads import BID_OUTPUTS, TRICK_COUNTS, TRICK_OUTPUTS
from blobmaster.model.network import BlobNetwork
from blobmaster.training.replay_buffer import ABSENT

_IMPOSSIBLE = -1e9
"""Logit of an impossible action or count. It is finite, because 0 × -inf would be NaN in the
cross-entropy."""

_LEAST = 0.5 / FULL_SHARE
"""Stands for a target of 0, which a record rounds down from less than this."""


class StepLosses(NamedTuple):
    """Mean cross-entropies of one batch, each a scalar."""

    policy: Tensor
    """Cross-entropy of the actor's policy, over the decisions that have a policy target."""
    divergence: Tensor
    """Reverse KL divergence of the actor's policy from its target, over the same decisions."""
    value: Tensor
    """Loss of the critic's trick distributions, over the seats in play."""
    view: Tensor
    """Auxiliary loss of the actor, which sees one hand only: of its trick distributions, and of the
    probability that its bid is made. Over greedy rounds."""
    share: Tensor | None
    """In games, loss of the win shares predicted from the standing before the round; else None."""


def losses(
    network: BlobNetwork,
    wholes: Tensor,
    policy: Tensor,
    legal: Tensor,
    tricks: Tensor,
    possible: Tensor,
    shares: Tensor,
    bid: Tensor,
    greedy: Tensor,
) -> StepLosses:
    """Return the losses of a batch; the arguments are the fields of `Batch` as tensors."""
    # Losses are computed in fp32 whatever the number format of the layers: bf16 has 8 bits of
    # precision, too few for sums of logarithms over a batch.
    actor, critic = (logits.float() for logits in network(wholes))
    action_logits, trick_logits, bid_logits = actor.split(
        [ACTION_COUNT, TRICK_OUTPUTS, BID_OUTPUTS], dim=1
    )
    action_logits = action_logits.masked_fill(~legal, _IMPOSSIBLE)
    with_target = policy.sum().clamp(min=1.0)  # each row of the targets sums to one or to zero
    logs = action_logits.log_softmax(dim=1)
    taught = legal & (policy.sum(dim=1, keepdim=True) > 0)
    # Train the trick and bid heads on greedy rounds: they predict the outcome of the network's own
    # play, without exploration and opponents. If the batch has none, use all rounds.
    learned = greedy | ~greedy.any()
    return StepLosses(
        -(policy * logs).sum() / with_target,
        (logs.exp() * (logs - policy.clamp(min=_LEAST).log()) * taught).sum() / with_target,
        _trick_loss(critic, tricks, possible),
        _trick_loss(trick_logits, tricks.where(learned[:, None], ABSENT), possible)
        + _bid_loss(bid_logits, bid.where(learned, ABSENT), tricks[:, 0]),
        None if network.standing is None else _share_loss(network.standing, wholes, tricks, shares),
    )


def _share_loss(standing: nn.Module, wholes: Tensor, tricks: Tensor, shares: Tensor) -> Tensor:
    logits = standing(wholes[:, STANDING]).float().masked_fill(tricks == ABSENT, _IMPOSSIBLE)
    return functional.cross_entropy(logits, shares)


def _trick_loss(logits: Tensor, tricks: Tensor, possible: Tensor) -> Tensor:
    counts = logits.view(-1, MAX_PLAYERS, TRICK_COUNTS).masked_fill(~possible, _IMPOSSIBLE)
    return functional.cross_entropy(counts.flatten(0, 1), tricks.flatten(), ignore_index=ABSENT)


def _bid_loss(logits: Tensor, bid: Tensor, tricks: Tensor) -> Tensor:
    """Return the binary cross-entropy of "the bid is made"; 0 without bids.

    `logits`: `[B, BID_OUTPUTS]`, one per possible bid, of which only the bid that was made counts.
    """
    # Sums with a mask instead of selecting rows: a CUDA graph needs fixed shapes.
    bids = bid != ABSENT
    odds = logits.gather(1, bid.clamp(min=0)[:, None])[:, 0]
    made = (tricks == bid).float()
    loss = functional.binary_cross_entropy_with_logits(odds, made, reduction="none")
    return (loss * bids).sum() / bids.sum().clamp(min=1)
