//! Bombs against the real program, whose memory is looked at: many at once, because one alone is easy.
//!
//! Not the caps of one body: `ingest` tests those.

use tokio::task::JoinSet;

use super::{JSON, refused, wire};
use crate::crash::program::{Program, free_address};

/// How much the program may grow under all bombs together, in MiB.
const MOST_GROWTH: u64 = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bombs_do_not_fill_the_memory_however_many_come_at_once() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("watchkeeper.yaml"), "{}\n").unwrap();
    let program = Program::start(folder.path(), free_address()).await;
    // Warm: what every request costs once is not growth.
    send(&program, "/v1/logs", &JSON, wire::logs("front", &[(1, "x")]).to_string().into_bytes()).await;
    let before = resident_mib(&program);

    // 40 KB and 200 KB that become 40 MiB and 200 MiB, and 20 bytes that declare 4 GiB.
    let gzip = [JSON[0], ("content-encoding", "gzip")];
    let zstd = [JSON[0], ("content-encoding", "zstd")];
    let packed = zstd::bulk::compress(&vec![b' '; 10 << 20], 3).unwrap().repeat(20);
    // Gzip's members may follow one another: 10 MiB are compressed, and the rest is copies.
    let member = wire::gzip(&vec![b' '; 10 << 20]);
    let (nearly, small, large) = (member.repeat(3), member.repeat(4), member.repeat(20));
    let mut declared = vec![0xff, 0xff, 0xff, 0xff, 0x0f];
    declared.resize(20, 0);
    let mut bombs = JoinSet::new();
    for _ in 0..12 {
        for (path, headers, body, code) in [
            ("/v1/logs", &gzip[..], small.clone(), "WK1002"),
            ("/v1/logs", &gzip, large.clone(), "WK1002"),
            ("/v1/metrics", &[("content-type", "application/x-protobuf"), gzip[1]], large.clone(), "WK1002"),
            ("/v1/logs", &zstd, packed.clone(), "WK1002"),
            ("/api/v1/write", &wire::REMOTE_WRITE, declared.clone(), "WK1002"),
            // Under the cap, and no JSON: it is decompressed whole and then refused.
            ("/v1/logs", &gzip, nearly.clone(), "WK1001"),
            ("/v1/logs", &JSON, b"[".repeat(1 << 20), "WK1001"),
        ] {
            let headers: Vec<_> = headers.to_vec();
            let url = program.url(path);
            bombs.spawn(async move {
                let request = reqwest::Client::new().post(url).body(body);
                refused(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)), code)
                    .await
            });
        }
    }
    bombs.join_all().await;

    let growth = peak_mib(&program).saturating_sub(before);
    println!("{before} MiB before, at most {growth} MiB more");
    assert!(growth < MOST_GROWTH, "{growth} MiB more than the {before} MiB before");
    send(&program, "/v1/logs", &JSON, wire::logs("front", &[(1, "x")]).to_string().into_bytes()).await;
}

async fn send(program: &Program, path: &str, headers: &[(&str, &str)], body: Vec<u8>) {
    let request = reqwest::Client::new().post(program.url(path)).body(body);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    assert!(request.send().await.unwrap().status().is_success(), "{path}");
}

fn resident_mib(program: &Program) -> u64 {
    status(program, "VmRSS:")
}

fn peak_mib(program: &Program) -> u64 {
    status(program, "VmHWM:")
}

fn status(program: &Program, field: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{}/status", program.id())).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1_024
}
