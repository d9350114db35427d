import pytest

from genesys.cli.text import clean, clock, count, duration, one_line, plain


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


def test_plain_takes_markup_literally(render):
    assert "[bold]x[/bold] [link=http://x]y" in render(plain("[bold]x[/bold] [link=http://x]y"))


def test_one_line_cuts():
    assert one_line("a\nb\r\n  c") == "a b c"
    assert one_line("x" * 50, 10) == "x" * 9 + "…"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.25, "0.25 s"), (41, "41 s"), (185, "3:05"), (7800, "2:10:00")]
)
def test_duration(seconds, shown):
    assert duration(seconds) == shown


def test_clock_and_count():
    assert [clock(s) for s in (7, 185, 7800)] == ["0:07", "3:05", "2:10:00"]
    assert [count(n) for n in (830, 21_300, 1_050_000, 2e9)] == ["830", "21.3k", "1.05M", "2B"]
