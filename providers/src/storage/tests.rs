use super::*;
use futures_util::stream;
use std::io;

const MIB: usize = 1024 * 1024;

fn open(dir: &FilePath) -> Storage {
    Storage::open(&StorageConfig::local(dir)).unwrap()
}

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

fn in_pieces(bytes: &[u8], piece: usize) -> impl Stream<Item = Result<Bytes, io::Error>> + Send + use<> {
    let pieces: Vec<_> = bytes.chunks(piece).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    stream::iter(pieces)
}

/// Every file below the folder.
fn files(dir: &FilePath) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

async fn read_back(storage: &Storage, key: &str) -> Vec<u8> {
    let reading = storage.get_stream(key).await.unwrap();
    let pieces: Vec<Bytes> = reading.content.try_collect().await.unwrap();
    assert_eq!(reading.size, pieces.iter().map(|piece| piece.len() as u64).sum::<u64>());
    pieces.concat()
}

#[tokio::test]
async fn a_file_comes_back_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let storage = open(dir.path());
    for (length, piece) in [(0, 1), (5, 2), (8 * MIB, MIB), (20 * MIB + 3, 3 * MIB), (9 * MIB, 9 * MIB)] {
        let bytes = content(length);
        let stored = storage.put_stream("uploads/a.xlsx", in_pieces(&bytes, piece), 64 * MIB as u64).await.unwrap();
        assert_eq!(stored.size, length as u64);
        assert_eq!(stored.sha256, hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&bytes)));
        assert!(read_back(&storage, "uploads/a.xlsx").await == bytes, "{length} bytes in pieces of {piece}");
        assert_eq!(storage.size("uploads/a.xlsx").await.unwrap(), length as u64);
    }
}

#[tokio::test]
async fn what_is_too_large_or_breaks_off_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let storage = open(dir.path());
    let bytes = content(20 * MIB);
    let refused = storage.put_stream("a", in_pieces(&bytes, MIB), 20 * MIB as u64 - 1).await.unwrap_err();
    assert!(matches!(refused, StorageError::TooLarge { limit } if limit == 20 * MIB as u64 - 1));
    let broken = in_pieces(&bytes, MIB).chain(stream::iter([Err(io::Error::other("gone"))]));
    assert!(matches!(storage.put_stream("a", broken, u64::MAX).await, Err(StorageError::Source(_))));
    let pending = in_pieces(&bytes, MIB).chain(stream::pending());
    let given_up =
        tokio::time::timeout(std::time::Duration::from_millis(300), storage.put_stream("a", pending, u64::MAX));
    assert!(given_up.await.is_err());
    assert!(!storage.exists("a").await.unwrap());
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while !files(dir.path()).is_empty() {
        assert!(std::time::Instant::now() < deadline, "{:?} remain", files(dir.path()));
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_existing_file_stays_when_its_replacement_breaks_off() {
    let dir = tempfile::tempdir().unwrap();
    let storage = open(dir.path());
    storage.put_stream("a", in_pieces(b"first", 5), 100).await.unwrap();
    let broken = in_pieces(&content(9 * MIB), MIB).chain(stream::iter([Err(io::Error::other("gone"))]));
    assert!(storage.put_stream("a", broken, u64::MAX).await.is_err());
    assert_eq!(read_back(&storage, "a").await, b"first");
}

#[tokio::test]
async fn files_go_in_and_out() {
    let dir = tempfile::tempdir().unwrap();
    let storage = open(&dir.path().join("store"));
    let (source, target) = (dir.path().join("in"), dir.path().join("out"));
    std::fs::write(&source, content(MIB + 1)).unwrap();
    let stored = storage.put_file("x/y", &source, u64::MAX).await.unwrap();
    assert_eq!(storage.download_to("x/y", &target).await.unwrap(), stored.size);
    assert!(std::fs::read(&target).unwrap() == std::fs::read(&source).unwrap());
    storage.delete("x/y").await.unwrap();
    storage.delete("x/y").await.unwrap();
    assert!(!storage.exists("x/y").await.unwrap());
    assert!(matches!(storage.get_stream("x/y").await, Err(StorageError::NotFound { key }) if key == "x/y"));
}

#[tokio::test]
async fn a_key_stays_inside() {
    let dir = tempfile::tempdir().unwrap();
    let storage = open(&dir.path().join("store"));
    for key in ["", "/", "../out", "a/../../out", "a//b", "./a", &"x/".repeat(600)] {
        assert!(matches!(storage.exists(key).await, Err(StorageError::Key { .. })), "{key}");
    }
}

#[cfg(unix)]
#[test]
fn nobody_else_reads_the_folder() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    open(&dir.path().join("a/store"));
    let mode = std::fs::metadata(dir.path().join("a/store")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}
