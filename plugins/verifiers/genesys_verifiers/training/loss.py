"""The training loss, without the logits of a whole batch."""

from __future__ import annotations

from torch import Tensor
from torch.nn import LinearCrossEntropyOptions
from torch.nn.functional import linear_cross_entropy

from genesys.gau.model import GAM
from genesys_verifiers.probes.training import answers_loss
from genesys_verifiers.settings import Precision
from genesys_verifiers.training.precision import computing

# Up to here (8 MiB) all logits at once are as fast, and a tiny step saves 0.3 ms.
FEW_LOGITS = 2**21
# Rows of logits that exist at a time where there are more.
ROWS = 256


def loss_of(model: GAM, batch: Tensor, precision: Precision = Precision.FLOAT32) -> Tensor:
    """Mean cross-entropy in nats of a batch.

    Args:
        model: The model.
        batch: Tokens of shape (B, L + 1), or sequences of probes of shape (B, 3, L).
        precision: Of the blocks; head and loss are in float32.
    """
    if batch.ndim == 3:
        return answers_loss(model, batch, precision)
    with computing(precision, batch.device):
        hidden = model.hidden(batch[:, :-1])
    return head_loss(hidden, model.head, batch[:, 1:])


def head_loss(hidden: Tensor, head: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy in nats of a linear head, in float32.

    Head and loss run chunk by chunk, and each chunk's gradients are made along with its loss: the
    memory is that of ``ROWS`` rows of logits instead of B * L.

    Args:
        hidden: Hidden states of shape (B, L, D).
        head: Weight of shape (V, D).
        targets: Tokens of shape (B, L), int64.
    """
    few = targets.numel() * len(head) <= FEW_LOGITS
    return linear_cross_entropy(
        hidden.flatten(0, 1).float(),  # in bfloat16 the chunked loss of torch 2.13 comes out wrong
        head.float(),
        targets.flatten(),
        options=None if few else LinearCrossEntropyOptions(batch_chunk_size=ROWS),
    )
