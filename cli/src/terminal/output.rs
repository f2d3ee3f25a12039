//! The output of commands: results on standard output, everything else on standard error. Commands write only through
//! this file, so that a closed pipe (`| head`) ends a command without an error message, and so that text from
//! outside cannot control an operator's terminal.

use std::{
    fmt::Display,
    io::{self, ErrorKind, IsTerminal, Write},
    sync::mpsc::channel,
    thread,
    time::Duration,
};

use serde::Serialize;

/// The time that the process waits at its end for a slow reader of standard error.
const LAST_NOTE: Duration = Duration::from_secs(1);

/// The error of standard output that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("standard output cannot be written")]
pub struct OutputClosed(#[from] io::Error);

impl OutputClosed {
    /// Whether the reader has closed the pipe. Then nobody needs an error message.
    pub fn is_reader_gone(&self) -> bool {
        self.0.kind() == ErrorKind::BrokenPipe
    }
}

/// Prints a line on standard output.
pub fn say(line: impl Display) -> Result<(), OutputClosed> {
    Ok(writeln!(io::stdout(), "{}", harmless(&line.to_string()))?)
}

/// Writes bytes that the program itself made to standard output, without escaping.
pub fn say_bytes(bytes: &[u8]) -> Result<(), OutputClosed> {
    Ok(io::stdout().write_all(bytes)?)
}

/// Prints a value on standard output, as JSON over several lines.
pub fn say_json(value: &impl Serialize) -> anyhow::Result<()> {
    let json = serde_json::to_string_pretty(value)?;
    Ok(json.lines().try_for_each(say)?)
}

/// Prints a line on standard error; ignores errors.
pub fn note(line: impl Display) {
    let _ = writeln!(io::stderr(), "{}", harmless(&line.to_string()));
}

/// Does the same at the end of the process, but does not let a stalled reader delay the end for long.
pub fn note_at_the_end(line: String) {
    let (done, is_done) = channel();
    thread::spawn(move || {
        note(line);
        let _ = done.send(());
    });
    let _ = is_done.recv_timeout(LAST_NOTE);
}

/// Prints a question on standard error without a line break, so that the answer is typed on the same line.
pub fn prompt(question: impl Display) {
    let _ = write!(io::stderr(), "{} ", harmless(&question.to_string()));
}

/// The progress of a long command: one line on standard error if it is a terminal, else nothing.
#[derive(Default)]
pub struct Progress {
    is_open: bool,
}

impl Progress {
    /// Shows the progress.
    pub fn show(&mut self, done: usize, of: usize) {
        let mut terminal = io::stderr();
        if terminal.is_terminal() {
            let of = of.max(done).max(1);
            let full = 30 * done / of;
            let _ = write!(terminal, "\r[{}{}] {done} of {of}", "#".repeat(full), " ".repeat(30 - full));
            self.is_open = true;
        }
    }

    /// Ends the line of the progress, before anything else is printed.
    pub fn end(&mut self) {
        if std::mem::take(&mut self.is_open) {
            let _ = writeln!(io::stderr());
        }
    }
}

/// Returns the text with control characters, and characters that change the writing direction, escaped as in JSON, so
/// that the text cannot control a terminal.
fn harmless(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\\n"),
            c if c.is_control() || turns(c) => shown.extend(format!("\\u{:04x}", u32::from(c)).chars()),
            c => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn no_text_steers_a_terminal() {
        for (text, shown) in [
            ("こんにちは 👨‍👩‍👧", "こんにちは 👨‍👩‍👧"),
            ("\u{1b}]0;owned\u{7}", "\\u001b]0;owned\\u0007"),
            ("one\r\ntwo\tthree", "one\\u000d\\ntwo\\u0009three"),
            ("\u{9b}2J\u{7f}\u{202e}txt", "\\u009b2J\\u007f\\u202etxt"),
        ] {
            assert_eq!(harmless(text), shown);
        }
    }
}
