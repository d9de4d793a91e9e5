"""HTTP: facts of a request (`request`), Origins (`origins`), and the two ways in.

`site` is twisted.web with bounds (`channel`, `bounded`); `front` serves plain requests (`plain`) before it. A door is
given either's as an `arrival`. Connections go on in another protocol (`switching`), or in another process (`handover`).
"""
