"""The application: what events mean, who is here, who may, and what the AI answers. Begin to read at `events`."""
