"""One declaration shared among several stacks, its shards: which name falls to which.

`cloud-elements:shards: 4` of stack `prod` makes `prod-shard-1` to `prod-shard-4` of it. `elements`
runs them, for it alone sees them all: what a shard does not have yet may still be in another one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256

from .config import NAMESPACE
from .instance.markers import base_of
from .instance.runs import SHARD

KEY = f"{NAMESPACE}:shards"
MOST = 1000
_STEPS = 2862933555777941757
_WORD = (1 << 64) - 1


class ShardsError(Exception):
    """A stack can't be run as it was asked for; the text is one sentence."""


def shard_of(name: str, shards: int) -> int:
    """Return the number of the shard that a name falls to, from 1 on.

    It follows from the name alone, and from another number of shards as few names as possible fall
    elsewhere: jump consistent hashing (Lamping and Veach, arXiv:1406.2294).

    Args:
        name: Logical name of a resource without parents.
        shards: How many there are.
    """
    key = int.from_bytes(sha256(name.encode(errors="surrogatepass")).digest()[:8], "big")
    last, following = 0, 0
    while following < shards:
        last = following
        key = (key * _STEPS + 1) & _WORD
        following = int((last + 1) * ((1 << 31) / ((key >> 33) + 1)))
    return last + 1


def count(text: str) -> int:
    """Return the number that `cloud-elements:shards` gives.

    Raises:
        ShardsError: It is none from 1 to 1,000.
    """
    if re.fullmatch(r"\s*[0-9]{1,4}\s*", text) and 1 <= (number := int(text)) <= MOST:
        return number
    message = f"{KEY}: must be a whole number from 1 to {MOST:,}"
    raise ShardsError(message)


def stack_of(base: str, number: int, shards: int) -> str:
    """Return the name of a shard's stack; the one of a single shard is the stack itself."""
    return base if shards == 1 else f"{base}-shard-{number}"


@dataclass(frozen=True)
class Shard:
    """The part of a declaration that one stack has.

    Args:
        base: Name of the stack that is declared over shards.
        number: Which shard, from 1 on.
        shards: How many there are.
    """

    base: str
    number: int
    shards: int

    def has(self, name: str) -> bool:
        """Tell whether a name falls to it."""
        return shard_of(name, self.shards) == self.number

    def stray(self, name: str) -> str:
        """Return what is wrong with declaring a name here that falls elsewhere."""
        there = stack_of(self.base, shard_of(name, self.shards), self.shards)
        return (
            f"'{name}' falls to stack '{there}', and this is shard {self.number} of "
            f"{self.shards}: declare it only where belongs_here('{name}') is true"
        )


def own(stack: str, text: str | None, told: str | None) -> Shard | None:
    """Return the shard that a program runs for; None of a stack that has none.

    Args:
        stack: Name of its stack.
        text: `cloud-elements:shards` of its configuration.
        told: What `elements` says of the run, as `2/4`.

    Raises:
        ShardsError: The setting is no number, or somebody else runs a shard, or the wrong one.
    """
    if text is None:
        return None
    shards, base = count(text), base_of(stack)
    number, _, of = (told or "").partition("/")
    if number.isdecimal() and of == str(shards) and 1 <= int(number) <= shards:
        for whole in (base, stack):
            if whole and stack_of(whole, int(number), shards) == stack:
                return Shard(whole, int(number), shards)
    raise ShardsError(refusal(base or stack, shards))


def refusal(base: str, shards: int | None) -> str:
    """Return why pulumi alone is not to run a stack that is declared over shards."""
    over = f"{shards} shards" if shards and shards > 1 else "shards"
    return (
        f"stack '{base}' is declared over {over} ({KEY}), which only elements runs: run "
        f"'elements up --shards --stack {base}', or preview, refresh, destroy likewise"
    )


__all__ = ["KEY", "MOST", "SHARD", "Shard", "ShardsError"]
__all__ += ["count", "own", "refusal", "shard_of", "stack_of"]
