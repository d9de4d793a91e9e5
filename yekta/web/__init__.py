"""HTTP around twisted.web: facts of a request (`request`), Origins (`origins`), a channel with bounds (`channel`), and
connections that go on in another process (`handover`)."""
