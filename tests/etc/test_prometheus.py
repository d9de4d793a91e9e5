"""The alerts of ``etc/prometheus`` speak of numbers that there are, and of the settings as they come."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from tests.support.certificates import certify
from tests.support.gateway import Gateway, gateway
from yekta.edge.metrics import MetricsPort
from yekta.services.certificates import Certificate
from yekta.services.config import load

__all__ = ["gateway"]

RULES = Path(__file__).parents[2] / "etc" / "prometheus" / "yektayar.rules.yml"


def expressions() -> dict[str, str]:
    """What each alert watches."""
    rules: list[dict[str, Any]] = [
        rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
    ]
    assert all(rule.keys() == {"alert", "expr", "for", "labels", "annotations"} for rule in rules)
    return {rule["alert"]: rule["expr"] for rule in rules}


def test_each_number_that_is_watched_is_told_with_its_labels(gateway: Gateway, tmp_path: Path) -> None:
    gateway.certificates.append(Certificate("--listen", f"ssl:0:privateKey={certify(tmp_path, 'localhost')}"))
    text = MetricsPort(gateway.metrics).scrape().decode()
    told = {
        name: set(re.findall(r'(\w+)="', labels)) for name, labels in re.findall(r"^(\w+)(\S*) ", text, re.MULTILINE)
    }
    for expression in expressions().values():
        watched = re.findall(r"(yektayar_\w+)(?:\{(.*?)\})?", expression)
        assert watched
        for name, matchers in watched:
            assert set(re.findall(r'(\w+)=~?"', matchers)) <= told[name], name


def test_what_is_full_is_nine_tenths_of_the_settings() -> None:
    settings = load({}, {})
    for alert, most in (
        ("YektayarConnectionsFull", settings.max_connections),
        ("YektayarAnswersFull", settings.ai_max_answers),
    ):
        assert expressions()[alert].endswith(f" > {most * 9 // 10}")
