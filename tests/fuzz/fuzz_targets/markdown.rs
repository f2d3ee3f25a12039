//! The libFuzzer target of [`fuzz::markdown`].
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::markdown::holds(data);
});
