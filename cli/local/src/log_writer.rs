//! The log of `serve` and `dev` on standard error, which a thread of its own writes. A reader that stalls, as a paused
//! terminal does, blocks that thread and no webhook. Lines that do not fit into the buffer are dropped and counted.
//!
//! `tracing-appender` does the same, but at the end its guard prints to standard output if its buffer is full. The
//! stalled reader may block this output, too, and the process would never end.

use std::{
    io::{self, Write},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use shared::{event::log, logging, metrics::Metrics};

/// The most bytes that wait for the reader: some ten thousand lines.
const BUFFER_MAX: usize = 4 << 20;
/// The size of the buffer that is kept for the next lines, in bytes.
const BUFFER_KEPT: usize = 64 << 10;
/// The time for which the end of the process waits for the reader.
const FLUSHING: Duration = Duration::from_secs(1);

/// The number of lines that nobody took. It belongs to the process, as standard error does.
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// Returns the number of lines that were dropped since the process began.
pub fn dropped() -> u64 {
    DROPPED.load(Relaxed)
}

/// Logs to standard error from now on ([`logging::start`]).
pub fn start(filter: Option<&str>, metrics: Option<Metrics>) -> io::Result<Log> {
    let writer = LogWriter::start(io::stderr())?;
    let log = Log(writer.clone());
    logging::start(move || writer.clone(), filter, metrics);
    Ok(log)
}

/// The log of this process. When it is dropped, it waits until its reader has taken the lines in the buffer, for a
/// second at most.
pub struct Log(LogWriter);

impl Log {
    /// Returns a writer for lines beside those that are logged.
    pub fn writer(&self) -> LogWriter {
        self.0.clone()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.0.wait_until_written(FLUSHING);
    }
}

/// A writer that takes whole lines and never waits. Clones share one buffer.
#[derive(Clone)]
pub struct LogWriter(Arc<Shared>);

#[derive(Default)]
struct Shared {
    buffer: Mutex<Buffer>,
    changed: Condvar,
}

#[derive(Default)]
struct Buffer {
    lines: Vec<u8>,
    /// Whether the thread holds lines that are not written yet.
    is_writing: bool,
}

impl LogWriter {
    /// Writes a line that was logged elsewhere.
    pub fn line(&mut self, line: &str) {
        let _ = self.write(format!("{line}\n").as_bytes());
    }

    fn start(out: impl Write + Send + 'static) -> io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let writer = Self(shared.clone());
        std::thread::Builder::new().name("log".into()).spawn(move || shared.write_to(out))?;
        Ok(writer)
    }

    fn wait_until_written(&self, at_most: Duration) {
        let is_unwritten = |buffer: &mut Buffer| buffer.is_writing || !buffer.lines.is_empty();
        let _ = self.0.changed.wait_timeout_while(self.0.buffer(), at_most, is_unwritten);
    }
}

impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut buffer = self.0.buffer();
        if buffer.lines.len() + line.len() > BUFFER_MAX {
            DROPPED.fetch_add(1, Relaxed);
        } else {
            buffer.lines.extend_from_slice(line);
            // A thread that is writing looks for new lines by itself.
            if !buffer.is_writing {
                self.0.changed.notify_all();
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn buffer(&self) -> MutexGuard<'_, Buffer> {
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_to(&self, mut out: impl Write) {
        let mut lines = vec![];
        let mut told = 0;
        loop {
            self.take(&mut lines);
            let written = out.write_all(&lines).and_then(|()| out.flush());
            if written.is_err() {
                let many = lines.split_inclusive(|byte| *byte == b'\n').count();
                DROPPED.fetch_add(many as u64, Relaxed);
            }
            lines.clear();
            lines.shrink_to(BUFFER_KEPT);
            let lost = dropped();
            if written.is_ok() && lost > told {
                log!(
                    warn,
                    LinesDropped,
                    lines = lost - told,
                    "lines of the log were dropped: nobody read them in time"
                );
                // If this line found no room, either, the warning is repeated.
                told = if dropped() == lost { lost } else { told };
            }
        }
    }

    /// Waits for lines and takes them all.
    fn take(&self, lines: &mut Vec<u8>) {
        let mut buffer = self.buffer();
        buffer.is_writing = false;
        if buffer.lines.is_empty() {
            // The end of the process may wait for this.
            self.changed.notify_all();
        }
        let is_empty = |buffer: &mut Buffer| buffer.lines.is_empty();
        buffer = self.changed.wait_while(buffer, is_empty).unwrap_or_else(PoisonError::into_inner);
        buffer.is_writing = true;
        std::mem::swap(&mut buffer.lines, lines);
    }
}
