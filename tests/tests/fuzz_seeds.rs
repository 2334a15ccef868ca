//! The seeds of the fuzz targets, checked as the fuzzer checks them: what it once found stays mended.

#[path = "../../fuzz/src/checks/mod.rs"]
mod checks;
#[path = "../../jobs/src/sheets/tests/compound_writer.rs"]
mod compound_writer;
#[path = "../../fuzz/src/events.rs"]
mod events;
#[path = "../../fuzz/src/package.rs"]
mod package;
#[path = "../../fuzz/src/reading.rs"]
mod reading;

use jobs::sheets;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz").join(name)
}

/// What a folder holds, without extensions.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect()
}

#[test]
fn seeds_hold() {
    let known: BTreeSet<String> = checks::ALL.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names(&folder("fuzz_targets")), known, "every target has its check");
    assert_eq!(names(&folder("seeds")), known, "and its seeds");
    for (name, check) in checks::ALL {
        let seeds: Vec<PathBuf> =
            fs::read_dir(folder("seeds").join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(!seeds.is_empty(), "{name} has no seed");
        for seed in seeds {
            eprintln!("{}", seed.display());
            check(&fs::read(seed).unwrap());
        }
    }
}
