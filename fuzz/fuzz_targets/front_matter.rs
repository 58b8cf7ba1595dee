//! Any skill file gives an attribution that fits into headers, or an error.
//!
//! `cargo fuzz run front_matter`
#![no_main]

use libfuzzer_sys::fuzz_target;
use nemovideo::Attribution;

fuzz_target!(|text: &str| {
    if let Ok(attribution) = Attribution::from_front_matter(text) {
        let again = Attribution::new(attribution.source(), attribution.version());
        let again = again.expect("what a header can hold").with_platform(attribution.platform());
        assert_eq!(again.expect("what a header can hold"), attribution);
    }
});
