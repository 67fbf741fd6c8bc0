//! One scrape, from the request to what is on disk.
//!
//! Not when: the runner says so.

use std::sync::Arc;

use watchkeeper_config::model::scrape::ScrapeJob;
use watchkeeper_domain::telemetry::TelemetrySink;
use watchkeeper_domain::{Env, Span, Timestamp};
use watchkeeper_ingest::Limits;
use watchkeeper_ingest::exposition::{self, Format};

use crate::fetch::{Fetch, Request};
use crate::sample::{self, MOST_BYTES, Memory, Taken};
use crate::target::Target;

/// What a scrape needs.
pub(crate) struct Work {
    pub(crate) job: Arc<ScrapeJob>,
    pub(crate) target: Target,
    pub(crate) fetch: Result<Arc<dyn Fetch>, String>,
    pub(crate) memory: Memory,
}

/// What came of it.
pub(crate) struct Done {
    pub(crate) target: Target,
    pub(crate) at: Timestamp,
    pub(crate) duration: Span,
    pub(crate) up: bool,
    pub(crate) samples: usize,
    pub(crate) error: Option<String>,
    pub(crate) memory: Memory,
}

/// Asks, decodes, and appends everything, the report included, as one batch.
pub(crate) async fn scrape(work: Work, env: &Env, sink: &dyn TelemetrySink) -> Done {
    let Work { job, target, fetch, memory } = work;
    let (at, began) = (env.now(), env.clock.monotonic());
    let asked = async {
        let request = Request {
            url: target.url.clone(),
            accept: exposition::ACCEPT,
            authorization: job.authorization.clone(),
            timeout_seconds: Some(target.timeout.as_secs_f64()),
            most_bytes: job.limits.body.and_then(|n| usize::try_from(n).ok()).unwrap_or(MOST_BYTES),
        };
        let answer = fetch?.fetch(request).await.map_err(|e| e.to_string())?;
        let format = Format::of(answer.content_type.as_deref()).map_err(|e| e.to_string())?;
        let exposition = exposition::parse(&answer.body, format, &Limits::default()).map_err(|e| e.to_string())?;
        sample::take(exposition, &job, &target, &memory, at)
    };
    let taken: Result<Taken, String> = tokio::select! {
        taken = asked => taken,
        () = env.clock.sleep_until(at + target.timeout) => Err(format!("no answer within {}", target.timeout)),
    };
    let duration = Span::from(env.clock.monotonic().saturating_sub(began));
    let up = taken.is_ok();
    let (mut taken, mut error) = match taken {
        Ok(taken) => (taken, None),
        Err(error) => {
            // What it said before no longer holds, and nobody knows what would.
            let left = Memory { meta: memory.meta.clone(), ..Memory::default() };
            let ended = sample::ended(&memory, at);
            (Taken { batch: ended, memory: left, ..Taken::default() }, Some(error))
        }
    };
    let count = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    let values =
        [f64::from(u8::from(up)), duration.as_secs_f64(), count(taken.scraped), count(taken.kept), count(taken.added)];
    taken.batch.series.extend(sample::report(&target, at, values));
    let mut left = taken.memory;
    match sink.append(taken.batch).await {
        Ok(appended) if !appended.refusals.is_empty() && error.is_none() => {
            let first = &appended.refusals[0];
            error = Some(format!(
                "{} series were not taken, the first: {}: {}",
                appended.refusals.len(),
                first.labels,
                first.why
            ));
        }
        Ok(_) => {}
        Err(refused) => {
            // Nothing of it was kept: what is to be ended is still what was kept before.
            left = memory;
            error = Some(format!("what it brought could not be kept: {refused}"));
        }
    }
    Done { target, at, duration, up, samples: taken.scraped, error, memory: left }
}
