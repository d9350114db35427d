"""Hostile text becomes harmless and stays readable."""

import pytest

from genesys.text import clean, one_line


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("a\x9b2Jb", "ab"),
        ("a\x1bcb\x08\x00", "acb"),
        ("user\u202etxt.exe", "usertxt.exe"),
        ("zero\u200bwidth", "zerowidth"),
        ("lone \ud800 surrogate", "lone  surrogate"),
        ("kept\n\ttoo: naïve 模型", "kept\n\ttoo: naïve 模型"),
    ],
)
def test_clean_keeps_text_and_drops_control(hostile, shown):
    assert clean(hostile) == shown


def test_one_line_cuts():
    assert one_line("a\nb\r\n  c") == "a b c"
    assert one_line("x" * 50, 10) == "x" * 9 + "…"
