"""Texts for a page that speaks both languages."""

from __future__ import annotations

from collections.abc import Callable

from servicecircle.messages import LANGUAGES, Language, label

__all__ = ["Said", "both", "both_labels"]

Said = str | dict[Language, str]
"""One text where both languages say the same, else one of each."""


def both(words: Callable[[Language], str]) -> Said:
    """Return what a function says in each language; one text where they agree.

    Parameters
    ----------
    words : callable
        Takes ``"zh"`` or ``"en"``.

    Examples
    --------
    >>> both(lambda language: {"zh": "人口", "en": "people"}[language])
    {'zh': '人口', 'en': 'people'}
    >>> both(lambda language: "")
    ''
    """
    texts: dict[Language, str] = {language: words(language) for language in LANGUAGES}
    return texts["zh"] if texts["zh"] == texts["en"] else texts


def both_labels(key: str) -> Said:
    """Return a label in both languages.

    Examples
    --------
    >>> both_labels("map_legend")
    {'zh': '图例', 'en': 'Legend'}
    """
    return both(lambda language: label(key, language))
