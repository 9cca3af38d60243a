"""Text from files and paths of any encoding: decoded, made visible, and quoted for a shell."""

import codecs
import os
import re
import shlex
import unicodedata

_MARKS = (
    # UTF-32's little-endian mark begins with UTF-16's, so it is tried first.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_INVISIBLE = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})
"""Unicode's categories of control and format characters, and of those without a meaning."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_ASCII_OR_PLAIN = re.compile(rb"[^ -~]|['\\]")


def decode(data: bytes, errors: str = "strict") -> str:
    """Decode a text file by its byte order mark; without a mark it is UTF-8.

    Windows editors and PowerShell write such marks; nobody sees them in an editor.

    Raises:
        UnicodeDecodeError: the bytes are not text in that encoding, and `errors` is `strict`.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, errors)
    return data.decode("utf-8", errors)


def without_invisible(text: str) -> str:
    """Remove characters that nobody sees, such as NUL and zero-width spaces; keep white space."""
    return "".join(
        letter
        for letter in text
        if letter.isspace() or unicodedata.category(letter) not in _INVISIBLE
    )


def escaped(text: str) -> str:
    """Return text in which every character can be seen: others than ASCII as `\\u200b` or `\\x00`.

    A message that quotes a foreign text in it shows the difference to the text that was meant.
    """
    return "".join(
        letter
        if " " <= letter <= "~"
        else letter.encode("unicode_escape", "surrogatepass").decode("ascii")
        for letter in text
    )


def readable(text: str) -> str:
    """Return text that UTF-8 can hold: bytes of a path that are not UTF-8 become `\\xe9`."""
    return _SURROGATE.sub(lambda found: f"\\x{ord(found[0]) & 0xFF:02x}", text)


def shell_quoted(text: str) -> str:
    """Quote a word for a shell, also a path that is not UTF-8 (with surrogates, see PEP 383).

    Such a path gets the quotes of bash, zsh and ksh that name bytes (`$'caf\\xe9'`): the command
    stays plain text, which JSON, logs and terminals of any encoding can hold.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raw = os.fsencode(text)
        inner = _NOT_ASCII_OR_PLAIN.sub(lambda found: b"\\x%02x" % found[0][0], raw)
        return f"$'{inner.decode('ascii')}'"
    return shlex.quote(text)
