"""A service whose name server is away."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

from tests.support.attacks import Wire, head
from tests.support.services import acquire, started

# More than the reactor has threads.
QUESTIONS = 12

AWAY = """
import os, socket, time

ask_the_system = socket.getaddrinfo


def getaddrinfo(host, *asked):
    while host == "ai.example" and not os.path.exists("it is back"):
        time.sleep(0.05)
    return ask_the_system("127.0.0.1" if host == "ai.example" else host, *asked)


socket.getaddrinfo = getaddrinfo
"""
JSON = "Content-Type: application/json"
SARA = {"name": "Sara", "email": "sara@example.com", "password": "correct horse"}
LOGIN = {"identifier": SARA["email"], "password": SARA["password"]}


def test_questions_to_an_ai_whose_name_is_not_found_keep_nobody_from_logging_in(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(AWAY)
    settings = {"AI_BASE_URL": "http://ai.example:9/v1", "PYTHONPATH": str(tmp_path)}
    with ExitStack() as stack:
        api = stack.enter_context(started("yektayar-api", folder=tmp_path, settings=settings))
        stack.callback((tmp_path / "it is back").touch)
        asking = [stack.enter_context(Wire(api.port)) for _ in range(QUESTIONS)]
        for wire in asking:
            token = acquire(api.port)
            question = json.dumps({"message": "?", "token": token})
            wire.send(head("POST", "/api/ai/chat", JSON, question))
        client = stack.enter_context(Wire(api.port, timeout=10))
        assert client.request("POST", "/api/auth/register", JSON, json.dumps(SARA)).status == 200
        assert client.request("POST", "/api/auth/login", JSON, json.dumps(LOGIN)).status == 200
        (tmp_path / "it is back").touch()
        for wire in asking:
            answer = wire.response()
            assert (answer.status, answer.json()["message"]) == (503, "The AI service could not be reached.")
