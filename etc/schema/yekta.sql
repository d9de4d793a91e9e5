-- The tables of yekta, for SQLite and PostgreSQL alike, where an administrator makes them by hand:
--     (umask 077; sqlite3 yekta.sqlite3 <yekta.sql)
--     psql --set ON_ERROR_STOP=1 --file yekta.sql yekta
-- Otherwise the services make them, and change those of an older release, when they start.

BEGIN;

CREATE TABLE schema_version (version INTEGER NOT NULL);

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    email TEXT UNIQUE,
    phone TEXT UNIQUE,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    password_hash TEXT,
    disabled BOOLEAN NOT NULL DEFAULT FALSE,
    created_at DOUBLE PRECISION NOT NULL,
    CHECK (email IS NOT NULL OR phone IS NOT NULL)
);

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    token_hash TEXT NOT NULL UNIQUE,
    user_id TEXT,
    is_logged_in BOOLEAN NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    expires_at DOUBLE PRECISION NOT NULL,
    last_activity_at DOUBLE PRECISION NOT NULL,
    metadata TEXT NOT NULL
);

CREATE INDEX sessions_expires_at ON sessions (expires_at);

CREATE TABLE ended_sessions (
    sequence BIGINT PRIMARY KEY,
    session_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    ended_at DOUBLE PRECISION NOT NULL
);

CREATE TABLE ended_counter (sequence BIGINT NOT NULL);

INSERT INTO ended_counter (sequence) VALUES (0);

CREATE TABLE turns (
    owner TEXT NOT NULL,
    conversation_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    role TEXT NOT NULL,
    content TEXT NOT NULL,
    said_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (owner, conversation_id, number)
);

CREATE TABLE conversations (
    owner TEXT NOT NULL,
    conversation_id TEXT NOT NULL,
    deleted_at DOUBLE PRECISION,
    PRIMARY KEY (owner, conversation_id)
);

CREATE INDEX conversations_deleted_at ON conversations (deleted_at);

INSERT INTO conversations (owner, conversation_id)
SELECT DISTINCT owner, conversation_id FROM turns WHERE TRUE
ON CONFLICT (owner, conversation_id) DO NOTHING;

DELETE FROM schema_version;

INSERT INTO schema_version (version) VALUES (4);

COMMIT;
