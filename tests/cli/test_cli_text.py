import pytest

from genesys.cli.text import clock, count, duration, plain


def test_plain_takes_markup_literally(render):
    assert "[bold]x[/bold] [link=http://x]y" in render(plain("[bold]x[/bold] [link=http://x]y"))


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.25, "0.25 s"), (41, "41 s"), (185, "3:05"), (7800, "2:10:00")]
)
def test_duration(seconds, shown):
    assert duration(seconds) == shown


def test_clock_and_count():
    assert [clock(s) for s in (7, 185, 7800)] == ["0:07", "3:05", "2:10:00"]
    assert [count(n) for n in (830, 21_300, 1_050_000, 2e9)] == ["830", "21.3k", "1.05M", "2B"]
