"""The arguments of the command."""

from __future__ import annotations

import pytest

from yekta.command.program import parser


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "1e300", "x", ""])
def test_a_time_that_nobody_can_wait_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parser().parse_args(["token", f"--timeout={text}"])
    assert caught.value.code == 2
    assert f"argument --timeout: invalid seconds value: '{text}'" in capsys.readouterr().err


def test_a_part_of_a_second_can_be_waited() -> None:
    assert parser().parse_args(["token", "--timeout=0.5"]).timeout == 0.5
