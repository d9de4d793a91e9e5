"""``python -m benchmarks``: every benchmark there is, one after the other."""

from benchmarks import answers

answers.main()
