"""The tokenizer of a corpus: trained on it, read from a file, or fetched from the hub."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from genesys.errors import ConfigError, GenesysError
from genesys.text import one_line

TRAINED = "trained"
END_OF_TEXT = "<|endoftext|>"
# What tokenizers call it, the surest first.
ENDS = (END_OF_TEXT, "<|end_of_text|>", "</s>", "<eos>", "<|im_end|>", "[SEP]")


def train(texts: Iterable[str], vocab_size: int) -> Tokenizer:
    """Train a byte-level BPE tokenizer; token 0 ends a text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def load(name: str) -> Tokenizer:
    """Read a tokenizer from a file, or from the hub; it adds no tokens of its own to a text.

    Raises:
        GenesysError: The file is no tokenizer, or the hub has none or does not answer.
    """
    path = Path(name).expanduser()
    local = path.is_file() or path.suffix == ".json"
    try:
        found = Tokenizer.from_file(str(path)) if local else Tokenizer.from_pretrained(name)
    except Exception as error:  # the library raises Exception itself
        if local:
            raise GenesysError(f"{path} cannot be read as a tokenizer: {error}") from None
        raise GenesysError(
            f"The hub gives no tokenizer {name!r}: {one_line(str(error), 200)}. Offline, use "
            "corpus.tokenizer=trained, or corpus.tokenizer=<path of a tokenizer.json>."
        ) from error
    content = json.loads(found.to_str())
    content |= {"post_processor": None, "truncation": None, "padding": None}
    return Tokenizer.from_str(json.dumps(content))


def end_of_text(tokenizer: Tokenizer, token: str | None) -> int:
    """Id of the token that ends a text.

    Args:
        tokenizer: The tokenizer.
        token: Its name; None for the usual ones.

    Raises:
        ConfigError: The tokenizer has no such token.
    """
    for name in [token] if token else ENDS:
        if (found := tokenizer.token_to_id(name)) is not None:
            return int(found)
    raise ConfigError(
        f"The tokenizer has no token {token or ' or '.join(ENDS)} to end a text: name one of its "
        "own as corpus.end_of_text."
    )
