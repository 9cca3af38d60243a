"""The page in headless Chromium: live, honest about what it lost, and closed to other sites."""

from __future__ import annotations

import contextlib
import http.server
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import trainer
from browsers import Browser, Page, needs_chromium
from made_up_run import history_row, write_run
from monitor_terminal import make_status, put
from serving import Serving, serving
from trainer import ENDLESS, PausePoint

from blobmaster.run.files.layout import RunLayout

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for the file; `*.test` are names of this machine."""
    profile = tmp_path_factory.mktemp("profile")
    found = Browser(profile, "--host-resolver-rules=MAP *.test 127.0.0.1")
    yield found
    found.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A new tab, on a desk."""
    found = chromium.page(width=1280, height=800)
    yield found
    found.close()


def opened(page: Page, server: Serving) -> Page:
    page.open(server.url)
    page.wait("document.querySelector('#head h1, #runs h1')")
    return page


def go_offline(page: Page, offline: bool) -> None:
    page.call(
        "Network.emulateNetworkConditions",
        offline=offline, latency=0, downloadThroughput=-1, uploadThroughput=-1,
    )  # fmt: skip


def test_it_shows_what_the_screen_shows_and_follows_the_run(page: Page, layout: RunLayout):
    write_run(layout)
    with serving(layout) as server:
        opened(page, server)
        page.wait("document.querySelectorAll('figure').length >= 4")
        shown = page.text()
        for text in ("● running", "151 of 500", "30.0 %", "self-play", "4.8 days", "1412", "8.4"):
            assert text in shown
        assert "resumes here" in page.text("#checkpoints")
        assert page.value("document.title") == "● running 30 % – 20251113-a1b2c3"
        assert page.value("location.search") == "", "the token stays in the address"
        assert page.value("document.querySelector('#controls').innerHTML") == ""
        page.value("document.querySelector('#charts details').open = true")
        with layout.history.open("ab") as file:
            file.write(history_row(151))
        put(layout, make_status(iteration=152, seq=1001))
        page.wait("document.querySelector('#progress').innerText.includes('152 of 500')")
        page.wait("document.querySelector('#charts svg').ariaLabel.includes('150')")
        assert page.value("document.querySelector('#charts details').open"), "it closed by itself"
        assert page.complaints() == []
        asked = page.events("Network.requestWillBeSent")
        assert {each["request"]["url"].split("/")[2] for each in asked} == {
            f"127.0.0.1:{server.port}"
        }


def test_a_run_that_dies_is_shown_as_dead_with_the_command_that_resumes_it(
    page: Page, layout: RunLayout
):
    process = subprocess.Popen(["sleep", "1000"])
    ticks = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[19]
    started_at = psutil.Process(process.pid).create_time()
    status = make_status(
        pid=process.pid, process_started_at=started_at, process_start_ticks=int(ticks)
    )
    put(layout, status)
    with serving(layout) as server:
        opened(page, server)
        assert "● running" in page.text("#head")
        process.kill()
        process.wait()
        page.wait("document.querySelector('#head').innerText.includes('✗ dead')")
        page.wait("document.title.startsWith('✗ dead')")
        assert "gone without a word" in page.text("#notices")
        assert "blobmaster train --resume --checkpoint-dir runs/long" in page.text("#notices")


def test_a_page_without_its_monitor_says_so_and_comes_back(page: Page, layout: RunLayout):
    put(layout, make_status())
    with serving(layout) as server:
        opened(page, server)
        go_offline(page, True)
        page.wait("document.querySelector('#contact').innerText.includes('No contact')")
        page.wait("document.title.startsWith('? ')")
        assert page.value("document.body.className") == "lost"
        go_offline(page, False)
        page.wait("document.querySelector('#contact').hidden")
        page.wait("document.title.startsWith('● ')")


def test_a_pause_from_the_page_asks_first_and_reaches_a_real_trainer(page: Page, tmp_path: Path):
    root, release = tmp_path / "run", tmp_path / "release"
    words = ("train", "--config", trainer.write_config(tmp_path), "--checkpoint-dir", root)
    process = trainer.start_paused(
        PausePoint("self-play", 1, nth=2), release, *words, "--iterations", ENDLESS
    )
    trainer.wait_until(lambda: trainer.status_of(root).get("iteration") == 2, process)
    with serving(RunLayout(root), control=True) as server:
        opened(page, server)
        page.wait("document.querySelector('#controls button')")
        page.click("[data-request='PAUSE']")
        page.wait("document.querySelector('dialog').open")
        assert "Pause the run when iteration 2 is done?" in page.text("dialog")
        page.click("dialog [value='no']")
        page.wait("!document.querySelector('dialog').open")
        assert not RunLayout(root).control.exists()
        assert trainer.status_of(root)["state"] == "running"
        page.click("[data-request='PAUSE']")
        page.click("dialog [value='yes']")
        page.wait("document.querySelector('#head').innerText.includes('pausing')")
        release.touch()
        page.wait("document.querySelector('#head').innerText.includes('paused')")
        process.communicate(timeout=trainer.PATIENCE_S)
        assert process.returncode == 0
        assert page.value("document.querySelector('#controls').innerHTML") == ""
        assert page.complaints() == []


def test_several_runs_are_a_list_whose_links_lead_to_each(page: Page, tmp_path: Path):
    for name, state in (("one", "running"), ("two", "paused")):
        (tmp_path / name).mkdir()
        put(RunLayout(tmp_path / name), make_status(run_id=f"run-{name}", state=state))
    with serving(folders=(tmp_path,)) as server:
        opened(page, server)
        assert "2 runs" in page.text()
        assert page.value("[...document.querySelectorAll('.state')].map(e => e.innerText)") == [
            "● running",
            "‖ paused",
        ]
        page.click("tr:nth-child(2) a")
        page.wait("document.querySelector('#head')?.innerText.includes('run-two')")
        page.click("nav a")
        page.wait("document.querySelector('#runs h1')")
        (tmp_path / "three").mkdir()
        put(RunLayout(tmp_path / "three"), make_status(run_id="run-three"))
        page.wait("document.querySelector('#runs').innerText.includes('3 runs')")
        assert page.complaints() == []


@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits_a_phone_and_follows_what_the_reader_prefers(
    page: Page, layout: RunLayout, width: int
):
    write_run(layout, alerts=[], error="a" * 300, state="failed")
    page.resize(width, 800)
    with serving(layout, control=True) as server:
        opened(page, server)
        page.wait("document.querySelector('figure')")
        assert page.value("document.documentElement.scrollWidth") == width
        ground = "getComputedStyle(document.body).backgroundColor"
        assert page.value(ground) == "rgb(246, 247, 249)"
        page.prefer(color_scheme="dark", reduced_motion="reduce")
        assert page.value(ground) == "rgb(18, 21, 27)"
        moving = "getComputedStyle(document.querySelector('.bar, progress')).transitionDuration"
        assert page.value(moving) == "0s"


EVIL = """<!DOCTYPE html><title>evil</title><script>
const target = "http://127.0.0.1:PORT";
const tries = {
  read: fetch(target + "/events", {credentials: "include"}).then(r => r.text()),
  page: fetch(target + "/", {credentials: "include"}).then(r => r.text()),
  blind: fetch(target + "/page.js", {credentials: "include", mode: "no-cors"}).then(r => r.text()),
  send: fetch(target + "/request", {method: "POST", credentials: "include",
    headers: {"Content-Type": "application/json"}, body: '{"request":"PAUSE"}'}).then(r => r.ok),
  plain: fetch(target + "/request", {method: "POST", credentials: "include", mode: "no-cors",
    headers: {"Content-Type": "text/plain"}, body: '{"request":"PAUSE"}'}).then(r => r.text()),
  events: new Promise((yes, no) => { const e = new EventSource(target + "/events",
    {withCredentials: true}); e.onmessage = m => yes(m.data); e.onerror = () => no("refused"); }),
  script: new Promise((yes, no) => { const s = document.createElement("script");
    s.src = target + "/page.js"; s.onload = () => yes("loaded"); s.onerror = () => no("refused");
    document.head.append(s); }),
  frame: new Promise((yes, no) => { const f = document.createElement("iframe");
    f.src = target + "/"; f.onload = () => { try { yes(f.contentDocument.body.innerText) }
    catch (e) { no("refused") } }; document.documentElement.append(f); }),
};
window.found = {};
const all = Object.entries(tries).map(([name, each]) => each.then(
  value => { found[name] = value }, () => { found[name] = "refused" }));
Promise.all(all).then(() => { window.done = true });
</script>"""


@contextlib.contextmanager
def other_site(html: str) -> Iterator[int]:
    """A server of one page; its port."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *_: object) -> None:
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        yield server.server_port
        server.shutdown()


@pytest.mark.parametrize("name", ["evil.test", "127.0.0.1"])
def test_a_page_of_another_site_or_port_gets_nothing_though_the_reader_is_logged_in(
    page: Page, layout: RunLayout, name: str
):
    put(layout, make_status(run_id="secret-run"))
    with serving(layout, control=True) as server:
        opened(page, server)
        with other_site(EVIL.replace("PORT", str(server.port))) as port:
            page.open(f"http://{name}:{port}/")
            page.wait("window.done")
            found = page.value("window.found")
        # An opaque answer, which a page can neither read nor tell from an error, reads as "".
        assert set(found.values()) <= {"refused", ""}, found
        assert not layout.control.exists()
        opened(page, server)
        assert "secret-run" in page.text(), "the reader's own page goes on"


def test_a_name_that_is_pointed_at_this_machine_gets_nothing(page: Page, layout: RunLayout):
    put(layout, make_status(run_id="secret-run"))
    with serving(layout) as server:
        opened(page, server)
        page.open(server.url.replace("127.0.0.1", "rebound.test"))
        assert "this name is not served" in page.text()
        assert "secret-run" not in page.text()


def test_a_link_from_another_site_opens_the_page_with_its_token_alone(
    page: Page, layout: RunLayout
):
    put(layout, make_status())
    with serving(layout) as server, other_site(f"<a href='{server.url}'>x</a>") as port:
        page.open(f"http://mail.test:{port}/")
        page.click("a")
        page.wait("document.querySelector('#head h1')")
        page.wait("document.querySelector('#progress').innerText.includes('151 of 500')")


def test_a_server_that_is_killed_leaves_a_page_that_says_so(page: Page, layout: RunLayout):
    put(layout, make_status())
    words = ["--serve", "127.0.0.1:0", "--refresh-interval", "0.1"]
    process = subprocess.Popen(
        [*trainer.command("monitor", *words), "--status-file", layout.status],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    with process.stdout:
        page.open(process.stdout.readline().strip())
        page.wait("document.querySelector('#head h1')")
        process.send_signal(signal.SIGKILL)
        process.wait()
        page.wait("document.querySelector('#contact').innerText.includes('No contact')")
        page.wait("document.title.startsWith('? ')")
