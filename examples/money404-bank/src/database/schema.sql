-- Both services run this at their start, whichever comes first. Money is in euro cents.
CREATE TABLE IF NOT EXISTS customers (
    id         INTEGER PRIMARY KEY,
    username   TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    salt       BLOB NOT NULL,
    iterations INTEGER NOT NULL,
    hash       BLOB NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS accounts (
    id            INTEGER PRIMARY KEY,
    customer_id   INTEGER NOT NULL UNIQUE REFERENCES customers (id),
    number        TEXT NOT NULL UNIQUE,
    opening_cents INTEGER NOT NULL CHECK (opening_cents >= 0),
    balance_cents INTEGER NOT NULL CHECK (balance_cents >= 0)
) STRICT;

CREATE TABLE IF NOT EXISTS payments (
    id           TEXT PRIMARY KEY,
    from_account INTEGER NOT NULL REFERENCES accounts (id),
    to_account   INTEGER NOT NULL REFERENCES accounts (id),
    amount_cents INTEGER NOT NULL CHECK (amount_cents > 0),
    reference    TEXT NOT NULL,
    signature    TEXT NOT NULL,
    booked_at    TEXT NOT NULL,
    CHECK (from_account <> to_account)
) STRICT;

CREATE INDEX IF NOT EXISTS payments_by_payer ON payments (from_account, booked_at);
CREATE INDEX IF NOT EXISTS payments_by_payee ON payments (to_account, booked_at);
