//! The signals that end the process in an orderly way.

use std::future::pending;

use shared::event::log;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Returns a token that is cancelled by SIGTERM, by Ctrl-C, and by SIGHUP, which comes when a terminal is closed.
/// SIGHUP does not stop a process that `nohup` started.
pub fn stop() -> std::io::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    // If this file cannot be read, as on a Mac, every SIGHUP counts.
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut hangup = if ignores_hangup(&status) { None } else { Some(signal(SignalKind::hangup())?) };
    let stopping = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = comes(&mut hangup) => {}
        }
        log!(info, Stopping, "told to stop: no more jobs are taken, running ones are finished");
        stopping.cancel();
    });
    Ok(stop)
}

async fn comes(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => pending().await,
    }
}

/// Whether a process of this status was started with SIGHUP ignored: bit 0 of `SigIgn`, which is hexadecimal
/// (`proc_pid_status(5)`).
fn ignores_hangup(status: &str) -> bool {
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).is_ok_and(|mask| mask & 1 == 1))
}

#[cfg(test)]
mod tests {
    use super::ignores_hangup;

    #[test]
    fn what_nohup_set_is_found_in_the_status() {
        for (status, expected) in [
            ("Name:\thenji\nSigIgn:\t0000000000001001\nSigCgt:\t0000000000000000\n", true),
            ("Name:\thenji\nSigIgn:\t0000000000001000\nSigCgt:\t0000000000000001\n", false),
            ("SigIgn:\t0000000000000001", true),
            ("SigIgn:\tnonsense", false),
            ("", false),
        ] {
            assert_eq!(ignores_hangup(status), expected, "{status}");
        }
    }
}
