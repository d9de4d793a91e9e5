"""For Sphinx: ``sphinx-build -W docs FOLDER``."""

project = "yekta: Engine.IO and Socket.IO for Twisted"
author = "the authors of yekta"
master_doc = "index"
html_theme = "alabaster"
html_theme_options = {"description": "Socket.IO for Twisted"}
default_role = "literal"
exclude_patterns: list[str] = []
