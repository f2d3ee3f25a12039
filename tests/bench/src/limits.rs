//! What the machine could do at most.

use std::{
    fs::File,
    hint::black_box,
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use crate::accept::{SECRET, webhook};

/// How often a file can be appended to and synced in a second.
pub(crate) fn fsyncs_per_second(folder: &Path, for_: Duration) -> f64 {
    let Ok(mut file) = File::create(folder.join("fsync")) else { return f64::NAN };
    rate(for_, || file.write_all(&[7; 4096]).and_then(|()| file.sync_data()).is_ok())
}

/// How often a webhook can be signed in a second.
pub(crate) fn hmacs_per_second(for_: Duration) -> f64 {
    let body = webhook("U1");
    let secret = SECRET.into();
    rate(for_, || !black_box(ingress::signature::sign(&secret, body.as_bytes())).is_empty())
}

fn rate(for_: Duration, mut work: impl FnMut() -> bool) -> f64 {
    let started = Instant::now();
    let mut done = 0.0;
    while started.elapsed() < for_ && work() {
        done += 1.0;
    }
    done / started.elapsed().as_secs_f64()
}
