//! Any bytes as a CSV file: read, mapped and checked row by row.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| fuzz::checks::csv_rows(bytes));
