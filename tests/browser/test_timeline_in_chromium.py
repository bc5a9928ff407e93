"""The page of a timeline in a real browser: it loads nothing, fits, and follows the colour scheme."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from tests.drawn import CAPTURES
from xmla_headers.timeline._html import html

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECONDS = 120.0
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--hide-scrollbars",
    "--enable-logging=stderr",
    # The browser itself contacts its vendor for any page.
    "--host-resolver-rules=MAP * ~NOTFOUND",
)

# The window of headless Chromium has a minimum width, so a phone is simulated by a frame.
FRAME = (
    '<!DOCTYPE html><body style="margin:0"><iframe src="page.html" style="border:0;width:{}px;height:900px">'
)

# Inserted into a copy of the page; the page itself has no script. The results appear in the dumped DOM.
MEASURE = """<script>
addEventListener("load", () => {
  const root = document.documentElement, marks = [...document.querySelectorAll("a.m")];
  const box = (node) => node.getBoundingClientRect();
  const shown = (node) => getComputedStyle(node, "::after").display;
  const found = {
    wide: root.clientWidth, scrolled: root.scrollWidth, marks: marks.length,
    flat: marks.filter((m) => box(m).width < 4 || box(m).height < 10).map((m) => m.id),
    outside: marks.filter((m) => {
      const mark = box(m), track = box(m.parentNode);
      return mark.left < track.left || mark.right > track.right || mark.bottom > track.bottom;
    }).map((m) => m.id),
    covered: marks.filter((m) => {
      m.scrollIntoView({block: "center", inline: "center"});
      const {left, top, width, height} = box(m);
      const hit = document.elementFromPoint(left + width / 2, top + height / 2);
      return hit === null || hit.closest("a.m") !== m;
    }).map((m) => m.id),
    labels: [...document.querySelectorAll(".row .who")].filter((who) => {
      who.closest(".row").scrollLeft = 300;
      return box(who).left < box(who.closest(".row")).left;
    }).length,
    quiet: marks.filter((m) => shown(m) !== "none").length,
    told: marks.filter((m) => {
      m.focus();
      return shown(m) !== "block" || getComputedStyle(m, "::after").content.length < 20;
    }).map((m) => m.id),
    opened: (() => {
      const details = document.querySelector("details.about");
      if (details === null) return true;
      details.open = false;
      location.hash = "#" + details.querySelector("tr[id]").id;
      return details.open;
    })(),
  };
  const said = document.createElement("pre");
  said.id = "measured";
  said.textContent = JSON.stringify(found);
  (window.top === window ? document : window.top.document).body.append(said);
});
</script>"""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[str]]:
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name)) is not None), None)
    if found is None:
        pytest.fail(f"none of {', '.join(names)} is installed: the page has not been checked")

    def run(page: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        profile = tmp_path_factory.mktemp("profile")
        command = [found, *FLAGS, f"--user-data-dir={profile}", *arguments, page.as_uri()]
        return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True)

    return run


def written(folder: Path, capture: str, *, measure: bool = False) -> Path:
    text = html(CAPTURES[capture]().timeline(), title=f"{capture}.har")
    if measure:
        text, count = re.subn(r'<meta http-equiv="Content-Security-Policy"[^>]*>', MEASURE, text)
        assert count == 1
    path = folder / "page.html"
    path.write_text(text, encoding="utf-8")
    return path


def said(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the console messages of the page."""
    return [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def requested(log: Path) -> set[str]:
    """Return the addresses that the page requested, without those of the browser itself."""
    events = [event.get("params", {}) for event in json.loads(log.read_text(encoding="utf-8"))["events"]]
    return {
        event["url"]
        for event in events
        if "url" in event and event.get("initiator", "not an origin") != "not an origin"
    }


def measured(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    match = re.search(r'<pre id="measured">(.*?)</pre>', done.stdout)
    assert match is not None, done.stdout[-2_000:] + done.stderr[-2_000:]
    found: dict[str, Any] = json.loads(match[1])
    return found


def first_pixel(picture: Path) -> tuple[int, ...]:
    """Return the colour of the upper left corner of a PNG, which no filter changes (PNG 3rd ed. §9.2)."""
    data = picture.read_bytes()
    packed, offset = b"", 8
    while offset < len(data):
        size, kind = int.from_bytes(data[offset : offset + 4]), data[offset + 4 : offset + 8]
        if kind == b"IDAT":
            packed += data[offset + 8 : offset + 8 + size]
        offset += size + 12
    return tuple(zlib.decompress(packed)[1:4])


@pytest.mark.parametrize("capture", CAPTURES)
def test_page_loads_without_error_or_request(
    chromium: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, capture: str
) -> None:
    page, log = written(tmp_path, capture), tmp_path / "net.json"
    done = chromium(page, "--dump-dom", f"--log-net-log={log}")
    assert said(done) == []
    assert done.stdout.count('<a class="m ') == page.read_text(encoding="utf-8").count('<a class="m ')
    assert requested(log) == set()


def test_page_check_notices_error_and_request(
    chromium: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    page, log = written(tmp_path, "three"), tmp_path / "net.json"
    text = page.read_text(encoding="utf-8")
    extra = '<script>document.title = "run"</script><img src="http://127.0.0.1:9/x.png"/></body>'
    page.write_text(text.replace("</body>", extra), encoding="utf-8")
    done = chromium(page, "--dump-dom", f"--log-net-log={log}")
    # The policy of the page blocks both and reports it.
    assert len([line for line in said(done) if "Content Security Policy" in line]) == 2
    assert "<title>run</title>" not in done.stdout
    assert "http://127.0.0.1:9/x.png" not in requested(log)
    page.write_text(re.sub(r"<meta http-equiv[^>]*>", "", page.read_text(encoding="utf-8")), encoding="utf-8")
    done = chromium(page, "--dump-dom", f"--log-net-log={log}")
    assert "<title>run</title>" in done.stdout
    assert "http://127.0.0.1:9/x.png" in requested(log)


@pytest.mark.parametrize("capture", CAPTURES)
@pytest.mark.parametrize("width", [420, 800, 1280])
def test_page_fits_any_width(
    chromium: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, capture: str, width: int
) -> None:
    page = written(tmp_path, capture, measure=True)
    frame = tmp_path / "frame.html"
    frame.write_text(FRAME.format(width), encoding="utf-8")
    found = measured(
        chromium(frame, "--allow-file-access-from-files", "--window-size=1400,1000", "--dump-dom")
    )
    assert found["wide"] == width
    assert found["scrolled"] <= width
    assert found["marks"] == page.read_text(encoding="utf-8").count('<a class="m ')
    empty: list[str] = []
    assert found["flat"] == found["outside"] == found["covered"] == empty
    # The names of the lanes do not move when a row scrolls.
    assert found["labels"] == 0
    # The description of a mark also appears on keyboard focus, and not before.
    assert (found["quiet"], found["told"]) == (0, empty)
    assert found["opened"]


def test_page_follows_colour_scheme(
    chromium: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    page = written(tmp_path, "some")
    colours = {}
    for scheme, number in (("dark", 0), ("light", 1)):
        picture = tmp_path / f"{scheme}.png"
        setting = f"--blink-settings=preferredColorScheme={number}"
        chromium(page, setting, "--window-size=1280,900", f"--screenshot={picture}")
        colours[scheme] = first_pixel(picture)
    assert colours == {"dark": (0x12, 0x14, 0x17), "light": (0xF6, 0xF7, 0xF8)}


def test_page_prints(chromium: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
    paper = tmp_path / "page.pdf"
    chromium(written(tmp_path, "some"), f"--print-to-pdf={paper}")
    assert paper.read_bytes().startswith(b"%PDF-")
