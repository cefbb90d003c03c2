"""The tokens of the prompts: a vocabulary that is written, not learned.

The prompts are a table of a few words, so every word is one token; any other
text is spelled letter by letter. The files are those that a `CLIPTokenizer` reads.
"""

import string
from collections.abc import Iterable, Sequence

from transformers import CLIPTokenizer

BEGIN = "<|startoftext|>"
END = "<|endoftext|>"
_WORD_END = "</w>"
_LETTERS = string.ascii_lowercase + string.digits + string.punctuation


def tokenizer_of(prompts: Iterable[str], *, length: int) -> CLIPTokenizer:
    """Return a tokenizer that has one token for every word of `prompts`.

    Parameters
    ----------
    prompts
        Texts whose words get a token of their own; the order makes no difference.
    length
        Tokens of a prompt, its begin and end counted; a longer one is cut, a shorter one padded.
    """
    words = sorted({word for prompt in prompts for word in _words(prompt)})
    merges = _merges(words)
    vocabulary = [
        *_LETTERS,
        *(letter + _WORD_END for letter in _LETTERS),
        *("".join(pair) for pair in merges),
        BEGIN,
        END,
    ]
    return CLIPTokenizer(
        vocab={token: number for number, token in enumerate(vocabulary)},
        merges=merges,
        model_max_length=length,
    )


def _words(prompt: str) -> Sequence[str]:
    """Return the runs of letters of `prompt`, which the tokenizer takes one by one."""
    return "".join(letter if letter.isalpha() else " " for letter in prompt.lower()).split()


def _merges(words: Iterable[str]) -> list[tuple[str, str]]:
    """Return the pairs that make each word from its letters, in the order they are applied.

    A word is begun with the pairs of those before it, as the tokenizer will do; what
    is left is joined by new ones, which come later and so change no word before it.
    """
    merges: list[tuple[str, str]] = []
    for word in words:
        pieces = [*word[:-1], word[-1] + _WORD_END]
        for pair in merges:
            pieces = _joined(pieces, pair)
        while len(pieces) > 1:
            merges.append((pieces[0], pieces[1]))
            pieces = _joined(pieces, merges[-1])
    return merges


def _joined(pieces: Sequence[str], pair: tuple[str, str]) -> list[str]:
    """Return `pieces` with every occurrence of `pair`, from the left, made one."""
    joined: list[str] = []
    for piece in pieces:
        if joined and (joined[-1], piece) == pair:
            joined[-1] += piece
        else:
            joined.append(piece)
    return joined
