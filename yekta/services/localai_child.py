"""The process in which the local model lives: llama.cpp's own HTTP server, on a free loopback port.

Run by ``localai.py`` with ``python -m``. Standard input brings its settings, one line of JSON, so that no secret
shows in a process list; then it stays open, and its end means that the parent is gone, however it went. Once the
model is loaded, file descriptor 3 reports the port, one line.
"""

from __future__ import annotations

import os
import sys
from typing import Any
from urllib.parse import urlsplit

from yekta import jsontext

REPORT = 3


def main() -> None:
    settings = jsontext.decode(sys.stdin.readline())
    # Serving everybody's connections comes before computing one answer.
    os.nice(10)
    server = _serve(settings)
    os.write(REPORT, f"{urlsplit(server.listening_address).port}\n".encode())
    sys.stdin.read()
    # An orderly exit would wait for the answers under way.
    os._exit(0)


def _serve(settings: dict[str, Any]) -> Any:
    from xllamacpp import CommonParams, Server

    params = CommonParams()
    params.model.path = settings["model"]
    params.model_alias = {settings["alias"]}
    params.api_keys = [settings["key"]]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings["threads"]
    params.n_threads_http = settings["parallel"] + 2
    params.n_parallel = settings["parallel"]
    params.n_ctx = settings["context"] * settings["parallel"]
    # Nothing but completions: the slots page would show what people wrote, and the cache keeps it for long.
    params.ui = params.endpoint_slots = False
    params.cors_origins = ""
    params.cache_ram_mib = 0
    params.verbosity = 0
    return Server(params)


if __name__ == "__main__":
    main()
