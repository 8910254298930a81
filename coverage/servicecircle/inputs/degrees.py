"""Coordinates out of text: decimal degrees or metres, degrees with minutes, two in one cell."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from servicecircle.inputs.cell_texts import MINUS, fold_width, is_empty
from servicecircle.inputs.text_columns import Bools, Floats, distinct, plain_numbers, text_array

__all__ = ["coordinates", "pairs"]

_SIXTY = 60.0
_SIDES = {"n": 1, "e": 1, "北": 1, "东": 1, "東": 1, "s": -1, "w": -1, "南": -1, "西": -1}
_LATITUDES = frozenset("ns北南")
_SIDE = r"[东東西][经經]|[南北][纬緯]|[东東西南北]|[nsew]"
# What a cell may say before its number; and in which axis it lies.
_LABEL = re.compile(
    r"[\"']?(?:(?P<lon>经度|經度|longitude|long|lon|lng)|(?P<lat>纬度|緯度|latitude|lat))"
    r"(?:坐标|值)?[\"']?\s*[:=]?\s*",
    re.IGNORECASE,
)
_NUMBER = r"(?:\d+(?:\.\d*)?|\.\d+)"
# Longer than any coordinate; regular expressions need not look at it.
_LONGEST = 200
_DECIMAL = re.compile(rf"(?P<degrees>{_NUMBER})(?:[°度]|deg|d)?")
_EXPONENT = re.compile(r"\d+(?:\.\d+)?e[-+]?\d{1,2}")
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)|\d{1,3}(?:,\d{3}){2,}")
_LETTERS = re.compile(
    rf"(?P<degrees>\d+)d(?:eg)? ?(?P<minutes>{_NUMBER})['m](?:in)? ?"
    rf"(?:(?P<seconds>{_NUMBER})(?:\"|s(?:ec)?)?)?"
)
# Marks, letters, or only something between the parts.
_SHAPES = (
    re.compile(
        rf"(?P<degrees>{_NUMBER})°(?:(?P<minutes>{_NUMBER})'?)?(?:(?<=['°])(?P<seconds>{_NUMBER})\"?)?"
    ),
    _LETTERS,
    re.compile(rf"(?P<degrees>\d+)([ :-])(?P<minutes>\d+)\2(?P<seconds>{_NUMBER})"),
    re.compile(rf"(?P<degrees>\d+):(?P<minutes>{_NUMBER})(?P<seconds>)"),
)
# Only with a side is 30 15.5 surely one coordinate.
_SPACED = re.compile(rf"(?P<degrees>\d+) (?P<minutes>{_NUMBER})(?P<seconds>)")
_MARKS = (
    # NFKC has made two ′ of ″, a ring or an accent behind a space of ˚ and ´, the letter o of º.
    (re.compile(r" ?\u030a|(?<![经經纬緯])度|(?<=\d)\s*[oº˚]"), "°"),
    (re.compile(r" ?\u0301|[′’‘`ʹʼ´]|分"), "'"),
    (re.compile(r"[″”“ʺ˝〞]|秒|''"), '"'),
    (re.compile(r"\s+"), " "),
    (re.compile(r" ?([°'\"]) ?"), r"\1"),
    (re.compile(r"(?<=\d)''"), '"'),
)


def _marked(text: str) -> str:
    """Return folded text with one sign each for degrees, minutes, seconds, minus and space."""
    for pattern, sign in _MARKS:
        text = pattern.sub(sign, text)
    return text.translate(MINUS).strip()


def coordinates(texts: Iterable[str]) -> tuple[Floats, Bools]:
    r"""Read degrees (or metres): decimal, or degrees, minutes and seconds, with a side or a sign.

    Read are ``120.5``, ``120.5°E``, ``东经120.5``, ``120°30′15″``, ``120度30分15秒``,
    ``120°30.25'``, ``120 30 15``, ``120:30:15``, ``120-30-15``, ``120d30m15s``, ``1.205E+02`` and
    ``40,512,345.6``, full-width as well. Not read is what has two readings, such as ``120.30.15``.

    Parameters
    ----------
    texts : iterable of str, length n

    Returns
    -------
    values : numpy.ndarray of float, shape (n,)
        NaN where empty or unreadable.
    ok : numpy.ndarray of bool, shape (n,)

    Examples
    --------
    >>> values, ok = coordinates(["120.5", "120°30′", "W 4°30'0\"", "inf", "", "x"])
    >>> values.tolist(), ok.tolist()
    ([120.5, 120.5, -4.5, nan, nan, nan], [True, True, True, False, True, False])
    """
    array = text_array(texts)
    values, ok = plain_numbers(array)
    rest = ~ok
    if rest.any():
        found, codes = distinct(array.filter(pa.array(rest)))
        read = [np.nan if is_empty(text) else _coordinate(fold_width(text)) for text in found]
        good = np.array([value is not None for value in read], dtype=bool)
        numbers = np.array([np.nan if value is None else value for value in read], dtype=np.float64)
        values[rest], ok[rest] = numbers[codes], good[codes]
    return values, ok


def _coordinate(text: str) -> float | None:
    """Return the value of one folded text, None where it cannot be read."""
    if len(text) > _LONGEST:
        return None
    text = _marked(text).casefold()
    label = _LABEL.match(text)
    text = text[label.end() :] if label else text
    sides = re.fullmatch(rf"(?P<first>{_SIDE})?:?(?P<rest>.*?)(?P<last>{_SIDE})?", text)
    if sides is None or not sides["rest"]:
        return None
    first, last, rest = sides["first"] or "", sides["last"] or "", sides["rest"].strip()
    if last == "s" and not first and _LETTERS.fullmatch(f"{rest}s".lstrip("+- ")):
        last, rest = "", f"{rest}s"
    if first and last:
        return None
    side = first or last
    sign = _SIDES[side[0]] if side else 1
    if rest[:1] in ("-", "+"):
        if side and sign < 0 and rest[0] == "-":
            return None
        sign, rest = (-sign if rest[0] == "-" else sign), rest[1:].strip()
    value = _unsigned(rest, sided=bool(side))
    return None if value is None or not np.isfinite(value) else sign * value


def _unsigned(text: str, *, sided: bool) -> float | None:
    if decimal := _DECIMAL.fullmatch(text):
        return float(decimal["degrees"])
    if _EXPONENT.fullmatch(text):
        return float(text)
    if _GROUPED.fullmatch(text):
        return float(text.replace(",", ""))
    for shape in (*_SHAPES, *([_SPACED] if sided else [])):
        if found := shape.fullmatch(text):
            return _sexagesimal(found["degrees"], found["minutes"], found["seconds"])
    return None


def _sexagesimal(degrees: str, minutes: str | None, seconds: str | None) -> float | None:
    """Return degrees; a part with a fraction must be the last one, and none reaches sixty."""
    finer = [part for part in (minutes, seconds) if part]
    if any("." in part for part in [degrees, *finer][: len(finer)]):
        return None
    parts = float(minutes or 0), float(seconds or 0)
    if max(parts) >= _SIXTY:
        return None
    return float(degrees) + parts[0] / _SIXTY + parts[1] / _SIXTY**2


_COMMON_PAIR = (
    r"^[\s(\[]*(?P<first>-?[0-9]{1,9}(?:\.[0-9]{1,15})?)\s*[,，;；]\s*"
    r"(?P<second>-?[0-9]{1,9}(?:\.[0-9]{1,15})?)[\s)\]]*$"
)


def pairs(texts: Iterable[str], *, latitude_first: bool = False) -> tuple[Floats, Floats, Bools]:
    """Read longitude and latitude out of one cell: ``120.1,30.2``, ``POINT (…)``, ``N30 E120``.

    Sides and labels (``N30.2 E120.1``, ``纬度30.2，经度120.1``) decide the order where they are
    given, else the column does.

    Parameters
    ----------
    texts : iterable of str, length n
    latitude_first : bool
        Cells without sides and labels hold the latitude first.

    Returns
    -------
    lon, lat : numpy.ndarray of float, shape (n,)
        NaN where empty or unreadable.
    ok : numpy.ndarray of bool, shape (n,)

    Examples
    --------
    >>> lon, lat, ok = pairs(["120.1，30.2", "N30.2° E120.1°", "120.1", ""])
    >>> lon.tolist(), lat.tolist(), ok.tolist()
    ([120.1, 120.1, nan, nan], [30.2, 30.2, nan, nan], [True, True, False, True])
    >>> pairs(["30.2,120.1"], latitude_first=True)[0].tolist()
    [120.1]
    """
    array = text_array(texts)
    common: Any = pc.extract_regex(array, _COMMON_PAIR)
    ok = np.asarray(common.is_valid().to_numpy(zero_copy_only=False), dtype=bool)
    lon, lat = np.full(len(array), np.nan), np.full(len(array), np.nan)
    for values, part in ((lon, "first"), (lat, "second")):
        numbers = common.field(part).filter(pa.array(ok)).cast(pa.float64())
        values[ok] = numbers.to_numpy(zero_copy_only=False)
    if latitude_first:
        lon, lat = lat, lon
    rest = ~ok
    if rest.any():
        found, codes = distinct(array.filter(pa.array(rest)))
        split = [("", "") if is_empty(text) else _split(fold_width(text)) for text in found]
        turned = [_in_order(*parts, latitude_first=latitude_first) for parts in split]
        ones, ok_one = coordinates([one for one, _ in turned])
        others, ok_other = coordinates([other for _, other in turned])
        whole = [
            bool(one) and bool(other) if not is_empty(text) else True
            for text, (one, other) in zip(found, turned, strict=True)
        ]
        good = np.array(whole, dtype=bool) & ok_one & ok_other
        good &= np.isfinite(ones) == np.isfinite(others)
        ones[~good], others[~good] = np.nan, np.nan
        lon[rest], lat[rest], ok[rest] = ones[codes], others[codes], good[codes]
    return lon, lat, ok


def _split(text: str) -> tuple[str, str]:
    """Return the two parts of a cell, "" where it has not two."""
    if len(text) > _LONGEST:
        return "", ""
    text = re.sub(r"^(?:srid=\d+;)?\s*point\s*z?m?\s*(?=\()", "", text, flags=re.IGNORECASE)
    text = text.strip("()[]{} ,;，；")
    marked = _marked(text)
    labels = list(_LABEL.finditer(marked))
    if len(labels) == 2:  # noqa: PLR2004 - a pair
        at = labels[1].start()
        return marked[:at].strip(" ,;、|/\"'"), marked[at:].strip(" ,;、|/")
    parts = [part for part in re.split(r"[,;、|/]\s*|\n", text) if part.strip()]
    if len(parts) == 2:  # noqa: PLR2004 - a pair
        return parts[0], parts[1]
    number = r"[-+]?\d[\d.°'\": dm-]*"
    for shape in (
        rf"({_SIDE}) ?:?({number}?) ?({_SIDE}) ?:?({number})",
        rf"({number}?)({_SIDE}) ?({number})({_SIDE})",
    ):
        sided = re.fullmatch(shape, marked, re.IGNORECASE)
        if sided is not None:
            return f"{sided[1]}{sided[2]}", f"{sided[3]}{sided[4]}"
    words = marked.split() if len(parts) == 1 else []
    if len(words) not in (2, 6):
        degree = re.fullmatch(rf"({_NUMBER}°[^°]*['\"]) ?([-+]?{_NUMBER}°.*)", marked)
        return (degree[1], degree[2]) if degree and len(parts) == 1 else ("", "")
    half = len(words) // 2
    return " ".join(words[:half]), " ".join(words[half:])


def _axis(part: str) -> str:
    """Return which coordinate a part says that it is: lon, lat or ""."""
    label = _LABEL.match(part)
    if label is not None:
        return "lon" if label["lon"] else "lat"
    side = re.search(rf"^(?:{_SIDE})|(?:{_SIDE})$", part.strip().casefold())
    if side is None:
        return ""
    return "lat" if side[0][0] in _LATITUDES else "lon"


def _in_order(one: str, other: str, *, latitude_first: bool) -> tuple[str, str]:
    """Return longitude and latitude; both "" where the cell says one axis twice."""
    axes = _axis(one), _axis(other)
    if axes[0] and axes[0] == axes[1]:
        return "", ""
    swapped = axes[0] == "lat" or axes[1] == "lon" if any(axes) else latitude_first
    return (other, one) if swapped else (one, other)
