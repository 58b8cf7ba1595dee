//! Any body decodes to data or to an error, in whichever envelope it is.
//!
//! `cargo fuzz run envelope`
#![no_main]

use libfuzzer_sys::fuzz_target;
use nemovideo::protocol::{RenderState, decode_response};
use nemovideo::{CreditBalance, Session, SessionState};

fuzz_target!(|body: &[u8]| {
    std::hint::black_box(decode_response::<CreditBalance>(body));
    std::hint::black_box(decode_response::<RenderState>(body));
    std::hint::black_box(decode_response::<Session>(body));
    if let Some(state) = decode_response::<SessionState>(body) {
        // What is stored is read again as it was.
        let json = serde_json::to_vec(&state).expect("a state can be serialized");
        assert_eq!(decode_response::<SessionState>(&json), Some(state));
    }
});
