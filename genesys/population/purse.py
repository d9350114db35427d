"""The purse of a run: what its calls of language models may cost, held before each is sent.

There is one for all sessions, wherever they are held, so that calls under way at the same time
cannot add up to more than the caps.
"""

from __future__ import annotations

from itertools import count
from threading import Lock

from genesys.errors import BudgetError
from genesys.tape import Call


class Purse:
    """What has been spent, what is set aside for calls under way, and the caps on both together.

    Args:
        usd: Most that all calls may cost; None for no cap.
        tokens: Most that all calls may take, in and out; None for no cap.

    Attributes:
        usd: What all calls have cost so far.
        tokens: What they have taken so far, in and out.
    """

    def __init__(self, usd: float | None = None, tokens: int | None = None) -> None:
        self._most_usd, self._most_tokens = usd, tokens
        self.usd, self.tokens = 0.0, 0
        self._aside: dict[int, tuple[float, int]] = {}
        self._tickets = count()
        self._lock = Lock()

    def pay(self, call: Call) -> None:
        """Count a call that has ended."""
        self.spend(call.usd, call.input_tokens + call.output_tokens)

    def spend(self, usd: float, tokens: int) -> None:
        """Count what was spent, e.g. before the run was opened again."""
        with self._lock:
            self.usd += usd
            self.tokens += tokens

    def reserve(self, usd: float, tokens: int) -> int:
        """Set aside what a call may cost at most.

        Returns:
            A ticket to release it with.

        Raises:
            BudgetError: It might cost more than is left.
        """
        with self._lock:
            spent_usd = self.usd + sum(each for each, _ in self._aside.values())
            spent_tokens = self.tokens + sum(each for _, each in self._aside.values())
            if self._most_usd is not None and spent_usd + usd > self._most_usd:
                next_, most = f"cost {usd:.4f} USD", f"{self._most_usd:g}"
                raise _refusal("usd", next_, f"{spent_usd:.4f}", most)
            if self._most_tokens is not None and spent_tokens + tokens > self._most_tokens:
                next_, most = f"take {tokens:,} tokens", f"{self._most_tokens:,}"
                raise _refusal("tokens", next_, f"{spent_tokens:,}", most)
            ticket = next(self._tickets)
            self._aside[ticket] = (usd, tokens)
        return ticket

    def release(self, ticket: int) -> None:
        """Give back what was set aside, if that was not done before."""
        with self._lock:
            self._aside.pop(ticket, None)


def _refusal(key: str, next_: str, spent: str, most: str) -> BudgetError:
    return BudgetError(
        f"The next call may {next_}, and {spent} of the run's {most} are spent or under way. "
        f"Nothing is lost: the same command with a larger budget.{key} goes on."
    )
