//! SIGKILL at random moments; afterwards nothing that was acknowledged is missing.
