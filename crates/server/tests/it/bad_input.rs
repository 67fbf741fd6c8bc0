//! What must not be taken, and what must be said about it.
