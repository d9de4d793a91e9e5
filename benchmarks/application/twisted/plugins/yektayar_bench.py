"""Lets twistd start what is measured."""

from twisted.application.service import ServiceMaker

yektayar_bench = ServiceMaker(
    "YektaYar benchmark",
    "bench_application",
    "YektaYar's REST API, Socket.IO and native WebSocket, with the events of the benchmarks",
    "yektayar-bench",
)
