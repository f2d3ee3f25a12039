//! The libFuzzer target of [`fuzz::job`].
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzz::job::holds(data);
});
