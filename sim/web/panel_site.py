"""The page of a simulated panel: lights and tones to watch, buttons and a loop to move."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from protocol.verdict import SIGNS
from runtime.feed import Feed
from runtime.web.pages import Pages
from runtime.web.screen import Screen
from runtime.web.site import SecurityHeaders, healthz, static_files
from runtime.web.text import Language, Words
from sim.devices.panel import Sound
from sim.panel_rig import RigView

PARTS = ("cable", "lights", "sound", "down", "loop")
TRACK_MS = 2000  # what the strip of sounds has room for
LOWEST_HZ, HIGHEST_HZ = 200, 4000  # piezos are used between these
_SOUNDING_MS = 60  # how a sound that goes on is drawn


@dataclass(frozen=True, slots=True)
class Bar:
    """One sound on the strip, in percent of its width and height."""

    left: float
    width: float
    top: float
    frequency_hz: int


def panel_app(
    feed: Feed[RigView],
    buttons: tuple[str, ...],
    *,
    has_loop: bool,
    obey: Callable[[str], Awaitable[str]],
) -> Starlette:
    """The site; `obey` takes a command of the control socket and returns its answer."""
    screen = Screen(
        "panel",
        PARTS,
        feed,
        Pages("sim.web", ()),
        live_path="/live",
        context=lambda view, words: _context(view, words, buttons, has_loop=has_loop),
        now_ms=lambda view: view.now_ms,
    )

    async def tell(request: Request) -> Response:
        """`POST /tell/down/confirm` does what the control socket does for `down confirm`."""
        answer = await obey(f"{request.path_params['verb']} {request.path_params['what']}")
        return PlainTextResponse(answer, 200 if answer.startswith("ok") else 400)

    return Starlette(
        routes=[
            Route("/", screen.page),
            Route("/live", screen.live),
            Route("/tell/{verb}/{what}", tell, methods=["POST"]),
            Route("/healthz", healthz),
            Mount("/own", StaticFiles(packages=[("sim.web", "static")])),
            static_files(),
        ],
        middleware=[Middleware(SecurityHeaders)],
    )


def _context(
    view: RigView, words: Words, buttons: tuple[str, ...], *, has_loop: bool
) -> Mapping[str, object]:
    return {
        "view": view,
        "panel": view.panel,
        "captions": captions(words.language),
        "buttons": buttons,
        "has_loop": has_loop,
        "bars": bars(view.panel.sounds),
    }


def captions(language: Language) -> dict[str, list[str]]:
    """What each light stands for, in the words of the verdicts that use it."""
    words: dict[str, list[str]] = {}
    for signs in SIGNS.values():
        word = signs.word_zh if language is Language.CHINESE else signs.word_en
        words.setdefault(signs.light, []).append(word)
    return words


def bars(sounds: tuple[Sound, ...]) -> list[Bar]:
    """The latest sounds side by side, oldest left, as long and as high as they were."""
    drawn: list[Bar] = []
    right = 100.0
    for sound in reversed(sounds):
        width = 100 * (sound.length_ms or _SOUNDING_MS) / TRACK_MS
        if right - width < 0:
            break
        share = (sound.frequency_hz - LOWEST_HZ) / (HIGHEST_HZ - LOWEST_HZ)
        top = 100 * (1 - min(1.0, max(0.0, share)))
        drawn.append(Bar(right - width, width, top, sound.frequency_hz))
        right -= width + 100 * _SOUNDING_MS / TRACK_MS
    return drawn[::-1]
