//! Any bytes are an image or an error, and an image has pixels.
//!
//! `cargo fuzz run image`
#![no_main]

use libfuzzer_sys::fuzz_target;
use nemovideo::media::Image;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(image) = Image::decode(bytes, "image") {
        assert!(image.width() > 0 && image.height() > 0);
    }
});
