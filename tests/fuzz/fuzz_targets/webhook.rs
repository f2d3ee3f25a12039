//! The libFuzzer target of [`fuzz::webhook`].
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::webhook::holds(data);
});
