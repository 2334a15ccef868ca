//! Any cells as a row of policies: each line of the input is a cell, its first byte says of which kind.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| fuzz::checks::row_values(bytes));
