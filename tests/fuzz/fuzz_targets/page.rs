//! The libFuzzer target of [`fuzz::page`].
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::page::holds(data);
});
