//! Live changes as server-sent events: what kind of thing changed, not what it is now.
//!
//! Not a feed of record: a reader that missed an event loses nothing but time, because it reads the objects themselves.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::Stream;
use tokio::sync::broadcast;

use super::dto::session::{Change, ChangeKind};
use crate::app::Shared;

/// Tells all listeners of changes. Cloning shares it.
#[derive(Clone)]
pub struct Hub(broadcast::Sender<ChangeKind>);

impl Default for Hub {
    fn default() -> Self {
        Self(broadcast::channel(256).0)
    }
}

impl Hub {
    /// Something of these kinds changed. Costs nothing when nobody listens.
    pub fn changed(&self, kinds: &[ChangeKind]) {
        for kind in kinds {
            // An error only says that nobody listens.
            drop(self.0.send(*kind));
        }
    }
}

/// `GET /api/watchkeeper/v1/events`.
pub async fn events(State(shared): State<Arc<Shared>>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let receiver = shared.changes.0.subscribe();
    let stop = shared.stopping.clone();
    let stream = futures::stream::unfold((receiver, stop), |(mut receiver, stop)| async move {
        let first = tokio::select! {
            () = stop.cancelled() => return None,
            first = receiver.recv() => first,
        };
        let mut kinds = match first {
            Ok(kind) => vec![kind],
            // Too slow to hear each one: everything may have changed.
            Err(broadcast::error::RecvError::Lagged(_)) => ALL.to_vec(),
            Err(broadcast::error::RecvError::Closed) => return None,
        };
        while let Ok(kind) = receiver.try_recv() {
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        let event = Event::default().event("change").json_data(Change { kinds }).unwrap_or_default();
        Some((Ok(event), (receiver, stop)))
    });
    Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

const ALL: [ChangeKind; 9] = [
    ChangeKind::Alert,
    ChangeKind::Incident,
    ChangeKind::Rule,
    ChangeKind::Run,
    ChangeKind::Notification,
    ChangeKind::Silence,
    ChangeKind::Probe,
    ChangeKind::Fault,
    ChangeKind::OnCall,
];
