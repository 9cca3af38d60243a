"""The README's picture is made by the screen's own code and loads nothing."""

from pathlib import Path

from make_picture import is_braille, make_picture


def test_the_picture_shows_the_run_and_asks_the_network_for_nothing(tmp_path: Path):
    target = tmp_path / "monitor.svg"
    make_picture(target)
    picture = target.read_text()
    for text in ("running", "151", "30.0", "3×35", "4,400", "1486", "resumes"):
        assert text in picture
    assert "url(http" not in picture
    assert 'url("http' not in picture
    assert not any(is_braille(letter) for letter in picture)
    assert '<path class="' in picture
