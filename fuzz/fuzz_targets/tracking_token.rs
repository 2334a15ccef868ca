//! Any text as a token of a link: nothing that no key of ours made is read, and what we make comes back as it was.
#![no_main]

use domain::{
    ids::MessageId,
    messaging::tracking::{Kind, Signer, Token},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let signer = Signer::new([7; 32], [[8; 32]]);
    assert!(signer.read(text).is_err(), "forged");
    let token = Token { message: MessageId(1), kind: Kind::Click(text.to_owned()) };
    if let Ok(made) = signer.token(&token) {
        assert_eq!(signer.read(&made), Ok(token));
        assert!(Signer::new([9; 32], []).read(&made).is_err());
    }
});
