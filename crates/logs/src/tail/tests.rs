//! Real files through rotation, cuts and kills, on a clock that is moved by hand.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::pin::Pin;

use parking_lot::Mutex;
use watchkeeper_domain::Clock as _;
use watchkeeper_domain::telemetry::{AppendError, Appended, Batch};
use watchkeeper_testkit::VirtualClock;

use super::*;

#[derive(Default)]
struct Kept {
    bodies: Mutex<Vec<String>>,
    /// The store ends instead of answering.
    dead: Mutex<bool>,
}

impl TelemetrySink for Kept {
    fn append(&self, batch: Batch) -> Pin<Box<dyn Future<Output = Result<Appended, AppendError>> + Send + '_>> {
        let dead = *self.dead.lock();
        if !dead {
            self.bodies.lock().extend(batch.logs.into_iter().map(|log| log.body));
        }
        Box::pin(async move { if dead { Err(AppendError::ShuttingDown) } else { Ok(Appended::default()) } })
    }
}

struct World {
    dir: tempfile::TempDir,
    env: Env,
    clock: Arc<VirtualClock>,
    state: State,
    kept: Arc<Kept>,
    groups: Vec<TailedFiles>,
    tailer: Tailer,
}

impl World {
    async fn new(record_start: Option<&str>) -> Self {
        let (env, clock) = watchkeeper_testkit::env();
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("logs")).unwrap();
        let state = State::open(&dir.path().join("state.db")).await.unwrap();
        let kept = Arc::<Kept>::default();
        let groups = vec![TailedFiles {
            paths: vec![dir.path().join("logs/*.log")],
            service: None,
            record_start: record_start.map(str::to_owned),
            from_beginning: false,
            attributes: BTreeMap::new(),
        }];
        let tailer = Tailer::load(env.clone(), state.clone(), Arc::clone(&kept) as _).await.unwrap();
        Self { dir, env, clock, state, kept, groups, tailer }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("logs").join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let mut file = OpenOptions::new().create(true).append(true).open(self.path(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    async fn look(&mut self) -> Vec<String> {
        while self.tailer.look(&self.groups).await == Some(true) {}
        std::mem::take(&mut self.kept.bodies.lock())
    }

    /// The process is killed, and another begins.
    async fn restart(&mut self) {
        self.tailer = Tailer::load(self.env.clone(), self.state.clone(), Arc::clone(&self.kept) as _).await.unwrap();
    }
}

#[tokio::test]
async fn a_file_is_read_from_its_end_as_it_grows_and_goes_on_after_a_restart() {
    let mut world = World::new(None).await;
    world.write("app.log", "of the past\n");
    assert_eq!(world.look().await, [""; 0]);
    world.write("app.log", "one\ntw");
    assert_eq!(world.look().await, ["one"]);
    world.restart().await;
    world.write("app.log", "o\nthree\n");
    assert_eq!(world.look().await, ["two", "three"]);
    world.write("new.log", "a new file\n");
    assert_eq!(world.look().await, ["a new file"]);
}

#[tokio::test]
async fn rotation_by_name_loses_nothing_also_when_it_happens_while_nobody_looks() {
    let mut world = World::new(None).await;
    world.write("app.log", "");
    world.look().await;
    world.write("app.log", "one\n");
    world.look().await;
    world.write("app.log", "two\n");
    std::fs::rename(world.path("app.log"), world.path("app.log.1")).unwrap();
    // Its writer has not noticed yet.
    world.write("app.log.1", "three\n");
    world.write("app.log", "four\n");
    let mut read = world.look().await;
    read.sort();
    assert_eq!(read, ["four", "three", "two"]);
    world.restart().await;
    world.write("app.log", "five\n");
    std::fs::rename(world.path("app.log"), world.path("app.log.2")).unwrap();
    world.write("app.log", "six\n");
    let mut read = world.look().await;
    read.sort();
    assert_eq!(read, ["five", "six"]);
    world.clock.advance(Span::from_secs(11));
    assert_eq!(world.look().await, [""; 0]);
    assert_eq!(world.tailer.open.len(), 1, "what was rotated away is closed");
    std::fs::write(world.path("old.log"), b"\x1f\x8b compressed\n").unwrap();
    assert_eq!(world.look().await, [""; 0]);
}

#[tokio::test]
async fn rotation_by_copy_is_noticed_by_length_and_by_beginning() {
    let mut world = World::new(None).await;
    world.write("app.log", "");
    world.look().await;
    world.write("app.log", "a long first line\n");
    assert_eq!(world.look().await, ["a long first line"]);
    std::fs::write(world.path("app.log"), "cut\n").unwrap();
    assert_eq!(world.look().await, ["cut"]);
    std::fs::write(world.path("app.log"), "another beginning, and longer\n").unwrap();
    assert_eq!(world.look().await, ["another beginning, and longer"]);
    world.restart().await;
    std::fs::write(world.path("app.log"), "cut while nobody looked, and longer than before\n").unwrap();
    assert_eq!(world.look().await, ["cut while nobody looked, and longer than before"]);
}

#[tokio::test]
async fn records_of_several_lines_are_joined_and_end_when_it_is_quiet() {
    let mut world = World::new(Some(r"^\S")).await;
    world.write("app.log", "");
    world.look().await;
    world.write("app.log", "error\n  at a\n  at b\n");
    assert_eq!(world.look().await, [""; 0]);
    // Killed here it is read again, since it was not kept.
    world.restart().await;
    world.look().await;
    world.clock.advance(Span::from_secs(2));
    assert_eq!(world.look().await, ["error\n  at a\n  at b"]);
    assert_eq!(world.look().await, [""; 0]);
}

#[tokio::test]
async fn what_the_store_did_not_take_is_read_again() {
    let mut world = World::new(None).await;
    world.write("app.log", "");
    world.look().await;
    world.write("app.log", "one\n");
    *world.kept.dead.lock() = true;
    assert_eq!(world.tailer.look(&world.groups).await, None);
    *world.kept.dead.lock() = false;
    world.restart().await;
    assert_eq!(world.look().await, ["one"]);
    world.restart().await;
    assert_eq!(world.look().await, [""; 0]);
    assert!(world.clock.now() > Timestamp::from_micros(0));
}
