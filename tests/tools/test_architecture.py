"""The architecture document lists every file, with the purpose that the file itself states."""

from architecture import BEGIN, DOCUMENT, END, PACKAGE, purpose, with_file_list


def test_the_list_of_files_is_current():
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text.count(BEGIN) == text.count(END) == 1
    assert with_file_list(text) == text, "run `make docs`"


def test_every_module_says_what_it_owns():
    silent = [str(path) for path in PACKAGE.rglob("*.py") if not purpose(path)]
    assert silent == []
