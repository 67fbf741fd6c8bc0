//! Stories on the virtual clock: the whole application in process, with mock peers.
