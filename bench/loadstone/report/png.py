"""SVG made into PNG, by resvg: whatever this machine has for browsers or libraries."""

import re
from collections.abc import Callable
from functools import cache
from typing import Protocol

from loadstone.errors import CannotMeasureError

_ZOOM = 2
# Higher ones would take hundreds of megabytes to draw.
_HIGHEST_ZOOMED_PX = 8000
_HEIGHT = re.compile(r'<svg[^>]* height="(\d+)"')
_PROBE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="32" height="32">'
    '<text x="2" y="24" font-family="sans-serif" font-size="20">{}</text></svg>'
)
# Of the sans-serif fonts that systems have, the first that is there.
_FONTS = ("DejaVu Sans", "Noto Sans", "Liberation Sans", "Roboto", "Arial", "FreeSans", "Open Sans")


class _Render(Protocol):
    def __call__(
        self, *, svg_string: str, zoom: int, sans_serif_family: str | None = None
    ) -> bytes: ...


def require_png() -> None:
    """Refuse PNG where it cannot be made: before anything is written.

    Raises:
        CannotMeasureError: its library is not installed, or no font is.
    """
    _font()


def png_of(svg: str) -> bytes:
    """A picture in two pixels for each of the SVG's; of a very high one in one.

    Raises:
        CannotMeasureError: as for ``require_png``.
    """
    height = _HEIGHT.search(svg)
    zoom = 1 if height and int(height[1]) > _HIGHEST_ZOOMED_PX else _ZOOM
    return bytes(_renderer()(svg_string=svg, zoom=zoom, sans_serif_family=_font()))


def _renderer() -> _Render:
    try:
        import resvg_py
    except ImportError as error:
        raise CannotMeasureError(
            f"PNG pictures are made by resvg-py, which cannot be imported: {error}",
            remedy="pip install 'loadstone[plots]'",
        ) from error
    render: Callable[..., bytes] = resvg_py.svg_to_bytes
    return render


@cache
def _font() -> str:
    """The font for text: one that is found out by drawing with it.

    Without any, resvg leaves text away and says nothing.
    """
    render = _renderer()
    blank = render(svg_string=_PROBE.format(""), zoom=1)
    for name in _FONTS:
        if render(svg_string=_PROBE.format("Mg"), zoom=1, sans_serif_family=name) != blank:
            return name
    raise CannotMeasureError(
        "no font is installed here that PNG pictures could be labelled in",
        remedy="install the Debian package fonts-dejavu-core",
    )
