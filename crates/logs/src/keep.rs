//! Appending until it is done.
//!
//! Not a queue: whoever reads waits here, and reads nothing meanwhile.

use watchkeeper_domain::telemetry::{AppendError, Batch, LogRecord, TelemetrySink};
use watchkeeper_domain::{Env, Span};

/// The longest pause between two tries.
const LONGEST_PAUSE: Span = Span::from_secs(30);

/// Makes records durable, however long it takes. False: the store ends, and they are not.
pub(crate) async fn keep(sink: &dyn TelemetrySink, env: &Env, logs: Vec<LogRecord>, whose: &str) -> bool {
    let batch = Batch { logs, ..Batch::default() };
    let mut pause = Span::from_secs(1);
    loop {
        match sink.append(batch.clone()).await {
            Ok(_) => return true,
            Err(AppendError::ShuttingDown) => return false,
            Err(error) => {
                tracing::warn!(%error, from = whose, "logs wait until they can be written");
                env.clock.sleep_until(env.now() + pause).await;
                pause = Span::from_micros(pause.as_micros() * 2).min(LONGEST_PAUSE);
            }
        }
    }
}
