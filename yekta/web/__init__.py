"""HTTP around twisted.web: facts of a request (`request`), Origins (`origins`), a channel with bounds (`channel`)."""
