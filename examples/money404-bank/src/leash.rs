//! What ties a child to its supervisor: a pipe on the child's standard input.
//! Each line is a [`Word`]: the set of faults that are on. The child answers on standard output with the word's number once the
//! set is in force. The end of the pipe means that the supervisor is gone, and the child leaves too.
//! A pipe needs no port, no polling and no `unsafe`, and the kernel closes it however the supervisor ends.

use std::io::{BufRead, BufReader, Read, Write};

use serde::{Deserialize, Serialize};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::fault::{FaultSet, Faults};

/// More than the longest set of faults; a longer line ends the leash.
const MAX_LINE_BYTES: u64 = 4096;

/// One line from the supervisor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// Counts up; the child's answer is this number, on a line.
    pub number: u64,
    /// The faults that are to be on.
    pub faults: FaultSet,
}

/// The child's end.
#[derive(Debug)]
pub struct Leash {
    /// The faults that are on in this process.
    pub faults: Faults,
    parent_gone: watch::Receiver<bool>,
    _keep: watch::Sender<FaultSet>,
}

impl Leash {
    /// Takes hold of standard input when `supervised`; otherwise the `initial` faults stay as they are and only a signal ends
    /// the process.
    #[must_use]
    pub fn hold(supervised: bool, initial: FaultSet) -> Self {
        let (sender, faults) = Faults::channel(initial);
        let (gone, parent_gone) = watch::channel(false);
        let keep = sender.clone();
        if supervised {
            // A thread of its own, and never joined: a blocked read would otherwise hold up the runtime's end.
            std::thread::spawn(move || {
                follow(std::io::stdin().lock(), std::io::stdout(), &sender);
                gone.send_replace(true);
            });
        }
        Self { faults, parent_gone, _keep: keep }
    }

    /// Returns on SIGTERM, on SIGINT, or when the supervisor is gone.
    pub async fn released(mut self) {
        let terminate = async {
            match signal(SignalKind::terminate()) {
                Ok(mut stream) => drop(stream.recv().await),
                Err(_) => std::future::pending().await,
            }
        };
        let parent = async {
            // An error means that nobody watches the parent (not supervised): then only signals count.
            if self.parent_gone.wait_for(|gone| *gone).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = terminate => {}
            _ = tokio::signal::ctrl_c() => {}
            () = parent => tracing::warn!("the supervisor is gone, leaving"),
        }
    }
}

/// Applies one word after the other until the pipe ends or breaks.
fn follow(input: impl Read, mut answers: impl Write, faults: &watch::Sender<FaultSet>) {
    let mut input = BufReader::new(input);
    let mut line = String::new();
    loop {
        line.clear();
        match input.by_ref().take(MAX_LINE_BYTES).read_line(&mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => match serde_json::from_str::<Word>(&line) {
                Ok(word) => {
                    faults.send_replace(word.faults);
                    // When nobody reads the answers any more, the input ends too.
                    let _ = writeln!(answers, "{}", word.number).and_then(|()| answers.flush());
                }
                Err(error) => tracing::error!(%error, "the supervisor sent a line that is no set of faults"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault;

    #[test]
    fn the_last_word_decides_each_is_answered_and_a_bad_line_changes_nothing() {
        let (sender, faults) = Faults::channel(FaultSet::new());
        let input = concat!(
            "{\"number\":1,\"faults\":[\"api-errors\"]}\n",
            "{\"number\":2,\"faults\":[\"slow-front\"]}\n",
            "nonsense\n"
        );
        let mut answers = Vec::new();
        follow(input.as_bytes(), &mut answers, &sender);
        assert_eq!(answers, b"1\n2\n");
        assert!(faults.is_on(Fault::SlowFront));
        assert!(!faults.is_on(Fault::ApiErrors));
    }
}
