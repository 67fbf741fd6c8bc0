//! The tour: faults switched on for real, and each hop of the loop watched until it closed or did not.
//!
//! Not a script of outputs: every line that is told was read from the server a moment before.

mod scene;
mod watch;

use std::sync::Arc;

use futures::future::join_all;
use watchkeeper_domain::Span;

use super::super::ask::Server;
use super::{Failure, Outcome, narrate};
use scene::{SCENES, Scene};
use watch::Watch;

/// What is shown by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Tour {
    /// The payments service is killed.
    Payments,
    /// Each fault.
    All,
    /// Nothing.
    None,
}

pub(super) async fn run(tour: Tour, server: &Server, patience: Span) -> Outcome {
    let waves: Vec<Vec<&Scene>> = match tour {
        Tour::None => return Ok(()),
        Tour::Payments => vec![vec![&SCENES[0]]],
        // Faults of one wave do not disturb each other.
        Tour::All => (0..=SCENES.iter().map(|s| s.wave).max().unwrap_or(0))
            .map(|wave| SCENES.iter().filter(|s| s.wave == wave).collect())
            .collect(),
    };
    watch::healthy(server, patience).await?;
    let alone = waves.iter().map(Vec::len).sum::<usize>() == 1;
    let mut open = Vec::new();
    for wave in &waves {
        let watches = wave.iter().map(|scene| Arc::new(Watch::new(server, scene, patience, alone)));
        for (watch, told) in
            join_all(watches.map(|watch| async move { (Arc::clone(&watch), watch.until_handled().await) })).await
        {
            open.push((watch, told));
        }
    }
    // Windows of minutes must run empty before an alert resolves: all wait together.
    let ends = join_all(open.iter().map(|(watch, handled)| async move {
        match handled {
            Ok(()) => watch.until_explained().await,
            Err(missed) => Err(missed.clone()),
        }
    }))
    .await;
    let missed: Vec<&String> = ends.iter().filter_map(|end| end.as_ref().err()).collect();
    for what in &missed {
        narrate::missed(what);
    }
    let (passed, failed) = (ends.len() - missed.len(), missed.len());
    if !alone {
        narrate::scene(&format!("{passed} loops closed, {failed} did not"));
    }
    if failed == 0 { Ok(()) } else { Err(Failure::Finding(format!("{failed} of {} loops did not close", ends.len()))) }
}
