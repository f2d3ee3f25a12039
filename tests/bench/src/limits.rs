//! The limits of the machine.

use std::{
    fmt::Display,
    fs::File,
    hint::black_box,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    time::{Duration, Instant},
};

use crate::accept::{SECRET, request, webhook};

/// Counts how often a file can be appended to and synced in a second.
pub(crate) fn fsyncs_per_second(folder: &Path, for_: Duration) -> f64 {
    let Ok(mut file) = File::create(folder.join("fsync")) else { return f64::NAN };
    rate(for_, || file.write_all(&[7; 4096]).and_then(|()| file.sync_data()).is_ok())
}

/// Counts how often a webhook can be signed in a second.
pub(crate) fn hmacs_per_second(for_: Duration) -> f64 {
    let body = webhook("U1");
    let secret = SECRET.into();
    rate(for_, || !black_box(ingress::signature::sign(&secret, body.as_bytes())).is_empty())
}

/// Counts how often a webhook's bytes can go over loopback in a second, each time with a short answer: two threads do
/// nothing else.
pub(crate) fn round_trips_per_second(for_: Duration) -> f64 {
    let request = request("U1");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let (address, length) = (listener.local_addr().expect("it has an address"), request.len());
    std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().expect("somebody comes");
        connection.set_nodelay(true).expect("a TCP option");
        let mut read = vec![0; length];
        while connection.read_exact(&mut read).and_then(|()| connection.write_all(b"200")).is_ok() {}
    });
    let mut connection = TcpStream::connect(address).expect("somebody listens");
    connection.set_nodelay(true).expect("a TCP option");
    rate(for_, || connection.write_all(&request).and_then(|()| connection.read_exact(&mut [0; 3])).is_ok())
}

/// Formats a whole number as people read it: 12,345.
pub(crate) fn grouped(number: &dyn Display) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
    groups.collect::<Vec<_>>().join(",")
}

fn rate(for_: Duration, mut work: impl FnMut() -> bool) -> f64 {
    let started = Instant::now();
    let mut done = 0.0;
    while started.elapsed() < for_ && work() {
        done += 1.0;
    }
    done / started.elapsed().as_secs_f64()
}
