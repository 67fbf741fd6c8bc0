//! Crashes, enumerated: the machine dies at each single disk operation, in each of the ways a disk can be left.

use std::collections::BTreeMap;
use std::sync::Arc;

use watchkeeper_domain::query::SeriesSource;
use watchkeeper_domain::telemetry::{AppendError, Batch};
use watchkeeper_domain::{Matcher, Timestamp};

use super::{BEGIN, Heard, World, histogram, log, sample, span};
use crate::commit::Committer;
use crate::disk::simulated::{Crash, Simulated};
use crate::options::StoreOptions;
use crate::records::LogQuery;
use crate::recovery::Recovery;
use crate::store::committer;

fn options() -> StoreOptions {
    // Small segments: the timeline crosses from one to the next several times.
    StoreOptions { segment_bytes: 1_500, ..StoreOptions::new("simulated") }
}

fn open(disk: &Simulated, world: &Arc<World>) -> std::io::Result<(Committer, Recovery)> {
    committer(Arc::new(disk.clone()), &options(), world.env(), Arc::new(Heard::default()))
}

/// What clients were told is kept.
#[derive(Default, Clone)]
struct Acknowledged {
    samples: BTreeMap<(String, i64), f64>,
    /// As text.
    histograms: BTreeMap<(String, i64), String>,
    logs: Vec<String>,
    traces: Vec<String>,
}

impl Acknowledged {
    fn add(&mut self, batches: &[Batch]) {
        for batch in batches {
            for series in &batch.series {
                for s in &series.samples {
                    self.samples.insert((series.labels.to_string(), s.t), s.v);
                }
            }
            for series in &batch.histograms {
                for p in &series.samples {
                    self.histograms.insert((series.labels.to_string(), p.t), p.histogram.to_string());
                }
            }
            self.logs.extend(batch.logs.iter().map(|l| l.body.clone()));
            self.traces.extend(batch.spans.iter().map(|s| s.trace_id.clone()));
        }
    }

    /// How many of the acknowledged things are not found.
    fn missing(&self, committer: &Committer) -> usize {
        let all = Matcher::new("__name__", watchkeeper_domain::MatchOp::Match, ".+").unwrap();
        let (mut found, mut native) = (BTreeMap::new(), BTreeMap::new());
        for series in committer.head.points(&[all], i64::MIN, i64::MAX).unwrap() {
            for s in series.samples {
                found.insert((series.labels.to_string(), s.t), s.v);
            }
            for h in series.histograms {
                native.insert((series.labels.to_string(), h.t), h.histogram.to_string());
            }
        }
        let window = LogQuery {
            limit: usize::MAX,
            ..LogQuery::between(Timestamp::from_millis(0), Timestamp::from_millis(i64::MAX / 1_000))
        };
        let logs: Vec<String> = committer.records.query_logs(&window).items.into_iter().map(|l| l.body).collect();
        let samples = self.samples.iter().filter(|(key, v)| found.get(*key) != Some(v)).count();
        let histograms = self.histograms.iter().filter(|(key, h)| native.get(*key) != Some(h)).count();
        let records = self.logs.iter().filter(|body| !logs.contains(body)).count();
        let traces = self.traces.iter().filter(|id| committer.records.trace(id).items.is_empty()).count();
        samples + histograms + records + traces
    }
}

/// The groups that a timeline commits, from `from` on.
fn groups(from: i64) -> Vec<Vec<Batch>> {
    (from..from + 8)
        .map(|n| {
            let t = BEGIN + n * 1_000;
            let new_series = sample(&format!("once_{n}"), t, 1.0);
            vec![
                sample("steady", t, n as f64),
                new_series,
                histogram("latency", t, &[n as u32, 1, 2 * n as u32]),
                log(t, &format!("line {n}")),
                span(t, &format!("{n:032x}"), "00000000000000aa", "", "ok"),
            ]
        })
        .collect()
}

/// Commits what it can and notes what was acknowledged.
fn run(committer: &mut Committer, from: i64, acknowledged: &mut Acknowledged) {
    for group in groups(from) {
        if committer.commit(group.clone()).is_ok() {
            acknowledged.add(&group);
        }
    }
}

const WAYS: [Crash; 3] = [Crash::Lost, Crash::Torn, Crash::Kept];

#[test]
fn whatever_operation_the_machine_dies_at_nothing_acknowledged_is_missing() {
    let world = World::new();
    let mut crashes = 0;
    for operation in 0.. {
        let first = Simulated::default();
        first.die_at(operation);
        let mut acknowledged = Acknowledged::default();
        if let Ok((mut committer, _)) = open(&first, &world) {
            run(&mut committer, 0, &mut acknowledged);
        }
        for way in WAYS {
            // The next life works on what is left, and the one after it must find the work of both.
            let second = first.after(way);
            let mut acknowledged = acknowledged.clone();
            let (mut committer, _) = open(&second, &world).unwrap();
            assert_eq!(acknowledged.missing(&committer), 0, "died at operation {operation}, {way:?}");
            run(&mut committer, 100, &mut acknowledged);
            drop(committer);
            for again in WAYS {
                let (committer, _) = open(&second.after(again), &world).unwrap();
                assert_eq!(
                    acknowledged.missing(&committer),
                    0,
                    "died at operation {operation}, {way:?}, then {again:?}"
                );
                crashes += 1;
            }
        }
        if !first.is_dead() {
            break;
        }
    }
    assert!(crashes > 200, "only {crashes} crashes: the timeline is too short to mean anything");
}

#[test]
fn dying_within_recovery_loses_nothing() {
    let world = World::new();
    let origin = Simulated::default();
    let mut acknowledged = Acknowledged::default();
    run(&mut open(&origin, &world).unwrap().0, 0, &mut acknowledged);
    for operation in 0.. {
        let disk = origin.after(Crash::Torn);
        disk.die_at(operation);
        let mut acknowledged = acknowledged.clone();
        if let Ok((mut committer, _)) = open(&disk, &world) {
            run(&mut committer, 50, &mut acknowledged);
        }
        for way in WAYS {
            let (committer, _) = open(&disk.after(way), &world).unwrap();
            assert_eq!(acknowledged.missing(&committer), 0, "died at operation {operation}, {way:?}");
        }
        if !disk.is_dead() {
            break;
        }
    }
}

#[test]
fn dying_within_retention_loses_nothing_that_is_not_due() {
    for operation in 0.. {
        let world = World::new();
        let disk = Simulated::default();
        let (mut committer, _) = open(&disk, &world).unwrap();
        run(&mut committer, 0, &mut Acknowledged::default());
        world.set(BEGIN + 3_600_000);
        let mut due_later = Acknowledged::default();
        run(&mut committer, 3_600, &mut due_later);
        disk.die_at(operation);
        let result = committer.retain(Timestamp::from_millis(BEGIN + 3_700_000), 1_800_000, u64::MAX);
        for way in WAYS {
            let (committer, _) = open(&disk.after(way), &world).unwrap();
            assert_eq!(due_later.missing(&committer), 0, "died at operation {operation}, {way:?}");
        }
        if !disk.is_dead() {
            assert!(result.unwrap() > 0, "retention deleted nothing");
            break;
        }
    }
}

#[test]
fn a_full_disk_refuses_appends_and_nothing_else_and_recovers() {
    let world = World::new();
    let disk = Simulated::default();
    let (mut committer, _) = open(&disk, &world).unwrap();
    let mut acknowledged = Acknowledged::default();
    run(&mut committer, 0, &mut acknowledged);
    disk.fill(true);
    for group in groups(100) {
        assert!(matches!(committer.commit(group), Err(AppendError::Storage(_))));
        assert_eq!(acknowledged.missing(&committer), 0, "reading must go on");
    }
    disk.fill(false);
    run(&mut committer, 200, &mut acknowledged);
    assert_eq!(acknowledged.logs.len(), 16);
    for way in WAYS {
        let (committer, _) = open(&disk.after(way), &world).unwrap();
        assert_eq!(acknowledged.missing(&committer), 0, "{way:?}");
    }
}

#[test]
fn any_stretch_of_zeros_loses_only_the_records_in_it_and_is_reported() {
    let world = World::new();
    let disk = Simulated::default();
    let options = StoreOptions { segment_bytes: 1 << 20, ..options() };
    let open = |disk: &Simulated| {
        committer(Arc::new(disk.clone()), &options, world.env(), Arc::new(Heard::default())).unwrap()
    };
    let mut acknowledged = Acknowledged::default();
    let (mut writer, _) = open(&disk);
    for n in 0..30_i64 {
        let group = vec![sample("steady", BEGIN + n, n as f64)];
        writer.commit(group.clone()).unwrap();
        acknowledged.add(&group);
    }
    writer.log.close();
    let segment = writer.log.segments().lock()[0].clone();
    let length = segment.bytes as usize;
    for offset in (0..length).step_by(7) {
        let harmed = disk.after(Crash::Kept);
        harmed.damage(&segment.name.to_string(), |bytes| bytes[offset..(offset + 40).min(length)].fill(0));
        let (committer, recovery) = open(&harmed);
        // A record takes more than 52 bytes here, so that 40 zeros touch two at the most.
        let missing = acknowledged.missing(&committer);
        assert!(missing <= 2, "{missing} records lost by 40 zeros at {offset}");
        assert!(missing == 0 || !recovery.damage.is_empty(), "a loss at {offset} was not reported");
    }
}

#[test]
fn a_segment_that_cannot_be_read_at_all_is_reported_and_not_deleted_before_its_time() {
    let world = World::new();
    let disk = Simulated::default();
    let (mut writer, _) = open(&disk, &world).unwrap();
    run(&mut writer, 0, &mut Acknowledged::default());
    let first = writer.log.segments().lock()[0].name.to_string();
    let harmed = disk.after(Crash::Kept);
    harmed.damage(&first, |bytes| bytes.fill(0xA5));
    let (mut writer, recovery) = open(&harmed, &world).unwrap();
    assert!(recovery.damage.iter().any(|d| d.segment == first && d.offset == 0 && d.at_end), "{:?}", recovery.damage);
    assert_eq!(writer.retain(Timestamp::from_millis(BEGIN + 60_000), 3_600_000, u64::MAX).unwrap(), 0);
    assert!(writer.log.segments().lock().iter().any(|s| s.name.to_string() == first));
}
