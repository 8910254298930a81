"""What is asked of facilities beyond the columns of every list: attributes, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from servicecircle.messages import Language

__all__ = ["NO_WORDS", "AttributeWords", "ListWords"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeWords:
    """One attribute of facilities: its titles in lists, and what its cells may hold.

    Parameters
    ----------
    name, zh, en : str
    type : {"yes_no", "choice", "number"}
    titles : tuple of str
        Column titles it comes under, beside its name and its titles in both languages.
    values : mapping of str to tuple of str
        Of a choice: value → the words that stand for it, beside the value itself.
    counts : bool
        Of a number: it counts things, so that parts of one are wrong.

    Examples
    --------
    >>> room = AttributeWords(name="rehab_room", zh="康复室", en="rehabilitation room",
    ...                       type="yes_no", titles=("康复用房",))
    >>> room.all_titles
    ('康复室', 'rehabilitation room', '康复用房', 'rehab_room')
    """

    name: str
    zh: str
    en: str
    type: Literal["yes_no", "choice", "number"]
    titles: tuple[str, ...] = ()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    counts: bool = False

    @property
    def all_titles(self) -> tuple[str, ...]:
        """The titles in both languages, the further ones and the name, each once, best first."""
        return tuple(dict.fromkeys((self.zh, self.en, *self.titles, self.name)))

    def title(self, language: Language) -> str:
        """Return the title in one language."""
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True, slots=True, kw_only=True)
class ListWords:
    """What the columns of lists may be called, beyond the titles that all lists are read by.

    Parameters
    ----------
    titles : mapping of str to sequence of str
        ``[titles]`` of the project file: our column → further titles that it comes under.
    attributes : mapping of str to AttributeWords
        What to read beyond the columns of every list.
    """

    titles: Mapping[str, Sequence[str]] = field(default_factory=dict)
    attributes: Mapping[str, AttributeWords] = field(default_factory=dict)


NO_WORDS = ListWords()
