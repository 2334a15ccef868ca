//! A large file comes in without being held in memory. Alone in its process, so that what it takes can be measured.

use bytes::Bytes;
use domain::permissions::SystemRole;
use futures_util::stream;
use poem::Body;
use std::io;
use tests::http::TestApi;

const PIECE: usize = 64 * 1024;
const PIECES: usize = 96 * 16;

/// This process's peak memory, in bytes (Linux).
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}

#[tokio::test]
async fn memory_does_not_grow_with_the_file() {
    let api = TestApi::new().await;
    let user = api.user(SystemRole::OperationsManager).await;
    let head = "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n";
    let rows = Bytes::from(b"0123456789abcde\n".repeat(PIECE / 16));
    let chunks = [Bytes::from(head)].into_iter().chain(std::iter::repeat_n(rows, PIECES));
    let chunks = chunks.chain([Bytes::from("\r\n--XX--\r\n")]);
    let body = Body::from_bytes_stream(stream::iter(chunks.map(Ok::<Bytes, io::Error>)));
    let before = peak_memory();
    let call = api.post("/api/upload/file").by(&user).body("multipart/form-data; boundary=XX", body);
    assert_eq!(call.send().await.data(202)["fileSize"], PIECE * PIECES);
    let (Some(before), Some(after)) = (before, peak_memory()) else { return };
    assert!(after - before < 64 << 20, "{} MiB for a file of 96 MiB", (after - before) >> 20);
}
