"""Text from data made safe for a page.

Names of facilities, units, projects and files are hostile text. Folium writes some values into
JavaScript template literals, where ``${…}`` runs and a backtick ends the literal, and branca takes
some for Jinja templates, where braces run, so that escaping for HTML alone is not enough; and JSON
inside a script element ends at ``</``.
"""

from __future__ import annotations

import json
import re

__all__ = ["clean_text", "escape_html", "escape_json"]

_ENTITIES = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
    "`": "&#96;",
    "$": "&#36;",
    "\\": "&#92;",
    "{": "&#123;",
    "}": "&#125;",
}
_TABLE = str.maketrans(_ENTITIES)
# Control characters are not allowed in HTML and break readers and terminals; a lone surrogate
# cannot be written as UTF-8.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_IN_SCRIPT = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


def clean_text(text: str) -> str:
    r"""Return a text without control characters (but tab and line breaks) and surrogates.

    Examples
    --------
    >>> clean_text("衢州\x00市\ud800") == "衢州\ufffd市\ufffd"
    True
    >>> clean_text("")
    ''
    """
    return _UNPRINTABLE.sub("\ufffd", text)


def escape_html(value: object) -> str:
    """Return a value as text that is safe in HTML, in attributes and in template literals.

    Parameters
    ----------
    value : object
        Any value; None becomes the empty text.

    Returns
    -------
    str
        Shows in a browser as the text it was; control characters and lone surrogates show as the
        replacement character.

    Examples
    --------
    >>> escape_html('<b onclick="x">`${1}`</b>')
    '&lt;b onclick=&quot;x&quot;&gt;&#96;&#36;&#123;1&#125;&#96;&lt;/b&gt;'
    >>> escape_html(None)
    ''
    """
    text = "" if value is None else str(value)
    return clean_text(text).translate(_TABLE)


def escape_json(value: object) -> str:
    r"""Return a value as compact JSON that can stand inside a script element.

    Parameters
    ----------
    value : object
        Built of dict, list, str, int, finite float, bool and None. The order of keys is kept.

    Raises
    ------
    ValueError
        If a number is not finite: JSON has no NaN.

    Examples
    --------
    >>> escape_json({"name": "</script>"})
    '{"name":"\\u003c/script\\u003e"}'
    >>> escape_json([])
    '[]'
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return clean_text(text).translate(_IN_SCRIPT)
