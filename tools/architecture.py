"""Keep the list of files in docs/architecture.md current: one line a file, its docstring's first.

`python tools/architecture.py` rewrites the part between the two markers.
"""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "blobmaster"
DOCUMENT = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- files: begin -->", "<!-- files: end -->"


def purpose(source: Path) -> str:
    """Return the first paragraph of a module's docstring, on one line."""
    docstring = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
    return " ".join(docstring.split("\n\n")[0].split())


def file_list() -> str:
    """Return the package's folders and files with their purposes, as Markdown."""
    lines: list[str] = []
    for folder in [PACKAGE, *sorted(path.parent for path in PACKAGE.rglob("__init__.py"))]:
        if folder == PACKAGE and lines:
            continue
        name = folder.relative_to(PACKAGE.parent).as_posix()
        lines += [f"### {name}/", "", purpose(folder / "__init__.py"), ""]
        lines += ["| file | purpose |", "|---|---|"]
        for source in sorted(folder.glob("*.py")):
            if source.name != "__init__.py":
                lines.append(f"| `{source.name}` | {purpose(source).replace('|', '&#124;')} |")
        lines.append("")
    return "\n".join(lines)


def with_file_list(document: str) -> str:
    """Return the document with the current list between its markers."""
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{file_list()}\n{END}{after}"


def main() -> None:
    """Rewrite the document."""
    DOCUMENT.write_text(with_file_list(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
