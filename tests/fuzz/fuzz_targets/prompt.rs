//! The libFuzzer target of [`fuzz::prompt`].
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::prompt::holds(data);
});
