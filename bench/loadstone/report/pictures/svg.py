"""Elements of SVG as text. What a device says is escaped here, and nowhere else for SVG."""

from collections.abc import Iterable, Mapping

from markupsafe import Markup, escape

from loadstone.report.escaping import visible

# Without a style sheet a picture has these; in a page that has one they follow its theme.
SERIES = (
    *("#2a6fb5", "#b8500f", "#23784a", "#8a4fb0", "#8f6a00", "#b3245f", "#187f8c", "#5c6672"),
)
SHADES = ("#d9a400", "#dd7a2f", "#cc4a63", "#94357f", "#46307f")
TEXT, MUTED, LINE, GRID, PAGE = "#1c2127", "#5c6672", "#d5dae0", "#e9ecf0", "#ffffff"
FONT_PX = 11.5
_WIDTH_OF_LETTER = 0.58


def element(
    tag: str, attributes: Mapping[str, object], *children: Markup, text: str = "", title: str = ""
) -> Markup:
    """One element; ``title`` is what a browser shows beside the pointer."""
    said = "".join(f' {name}="{_value(value)}"' for name, value in attributes.items())
    inner = Markup("").join([title_of(title), *children]) + escape(visible(text))
    return Markup(f"<{tag}{said}>{inner}</{tag}>" if inner else f"<{tag}{said}/>")


def title_of(title: str) -> Markup:
    """A title element, or nothing."""
    return Markup(f"<title>{escape(visible(title))}</title>") if title else Markup("")


def text(
    x: float,
    y: float,
    words: str,
    *,
    anchor: str = "start",
    kind: str = "muted",
    bold: bool = False,
) -> Markup:
    """Words at a place; ``kind`` is ``muted`` or ``text``."""
    attributes: dict[str, object] = {
        "class": f"k-{kind}",
        "x": x,
        "y": y,
        "fill": TEXT if kind == "text" else MUTED,
    }
    if anchor != "start":
        attributes["text-anchor"] = anchor
    if bold:
        attributes["font-weight"] = 600
    return element("text", attributes, text=words)


def line(x1: float, y1: float, x2: float, y2: float, *, kind: str = "grid") -> Markup:
    """A straight line of the axes: ``grid`` or ``base``."""
    places = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    colour = LINE if kind == "base" else GRID
    return element("line", {"class": f"k-{kind}", **places, "stroke": colour})


def whisker(path: str) -> Markup:
    """An interval, from end to end."""
    attributes = {"class": "k-whisker", "d": path, "fill": "none", "stroke": TEXT}
    return element("path", {**attributes, "stroke-width": 1.3})


def filled(colour: str) -> dict[str, object]:
    """Attributes of what is filled with a colour: ``series-N`` or ``shade-N``."""
    return {"class": f"k-{colour} k-fill", "fill": _hex(colour)}


def stroked(colour: str) -> dict[str, object]:
    """Attributes of what is drawn with a colour."""
    return {"class": f"k-{colour} k-stroke", "stroke": _hex(colour), "fill": "none"}


def series(place: int) -> str:
    """The colour of the line or bars with this place among the keys."""
    return f"series-{place % len(SERIES)}"


def width_px(words: str) -> float:
    """About how wide words are."""
    return len(words) * FONT_PX * _WIDTH_OF_LETTER


def letters_in(room_px: float) -> int:
    """About how many letters have room beside each other, four at least."""
    # As much room as words of some length need has room for them, whatever is lost in between.
    return max(int(room_px / (FONT_PX * _WIDTH_OF_LETTER) + 0.01), 4)


def shortened(words: str, room_px: float) -> str:
    """Words with their end left out where there is no room for them."""
    most = letters_in(room_px)
    return words if len(words) <= most else f"{words[: most - 1].rstrip()}…"


def joined(parts: Iterable[Markup]) -> Markup:
    """Elements after each other."""
    return Markup("").join(parts)


def _hex(colour: str) -> str:
    kind, _, place = colour.partition("-")
    return (SERIES if kind == "series" else SHADES)[int(place)]


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0")
    return str(escape(visible(str(value))))
