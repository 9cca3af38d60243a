"""The architecture document lists every file, with the purpose that the file itself states."""

import re

from architecture import BEGIN, DOCUMENT, END, PACKAGE, purpose, with_file_list


def test_the_list_of_files_is_current():
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text.count(BEGIN) == text.count(END) == 1
    assert with_file_list(text) == text, "run `make docs`"


def test_every_module_says_what_it_owns():
    silent = [str(path) for path in PACKAGE.rglob("*.py") if not purpose(path)]
    assert silent == []


def test_the_tree_in_the_readme_names_every_package():
    readme = (DOCUMENT.parents[1] / "README.md").read_text(encoding="utf-8")
    tree = readme[readme.index("    src/blobmaster/\n") : readme.index("    web/ ")]
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert set(re.findall(r"(\w+)/", tree)) - {"src", "blobmaster"} == packages
