//! What commands say: results on standard output, all else on standard error. It is written here and
//! nowhere else, so that a reader who has gone (`| head`) ends a command instead of breaking it, and so that
//! nothing that came from outside steers an operator's terminal.

use std::{
    fmt::Display,
    io::{self, ErrorKind, IsTerminal, Write},
    sync::mpsc::channel,
    thread,
    time::Duration,
};

use serde::Serialize;

/// How long the end of the process waits for who reads standard error.
const LAST_NOTE: Duration = Duration::from_secs(1);

/// Standard output takes no more.
#[derive(Debug, thiserror::Error)]
#[error("standard output cannot be written")]
pub struct Unheard(#[from] io::Error);

impl Unheard {
    /// Whether nobody reads any more, who so needs no word about it either.
    pub fn is_reader_gone(&self) -> bool {
        self.0.kind() == ErrorKind::BrokenPipe
    }
}

/// Says a line on standard output.
pub fn say(line: impl Display) -> Result<(), Unheard> {
    Ok(writeln!(io::stdout(), "{}", harmless(&line.to_string()))?)
}

/// Writes bytes of the program's own to standard output, as they are.
pub fn say_bytes(bytes: &[u8]) -> Result<(), Unheard> {
    Ok(io::stdout().write_all(bytes)?)
}

/// Says a value on standard output, as JSON over several lines.
pub fn say_json(value: &impl Serialize) -> anyhow::Result<()> {
    let json = serde_json::to_string_pretty(value)?;
    Ok(json.lines().try_for_each(say)?)
}

/// Says a line on standard error, if anybody reads there.
pub fn note(line: impl Display) {
    let _ = writeln!(io::stderr(), "{}", harmless(&line.to_string()));
}

/// The same before the process ends, which a reader who stalls must not hold up.
pub fn note_at_the_end(line: String) {
    let (done, is_done) = channel();
    thread::spawn(move || {
        note(line);
        let _ = done.send(());
    });
    let _ = is_done.recv_timeout(LAST_NOTE);
}

/// Asks on standard error; the answer is to stand on the same line.
pub fn prompt(question: impl Display) {
    let _ = write!(io::stderr(), "{} ", harmless(&question.to_string()));
}

/// How far a long command is: one line on a terminal's standard error, nothing elsewhere.
#[derive(Default)]
pub struct Progress {
    is_open: bool,
}

impl Progress {
    /// Shows it.
    pub fn show(&mut self, done: usize, of: usize) {
        let mut terminal = io::stderr();
        if terminal.is_terminal() {
            let of = of.max(done).max(1);
            let full = 30 * done / of;
            let _ = write!(terminal, "\r[{}{}] {done} of {of}", "#".repeat(full), " ".repeat(30 - full));
            self.is_open = true;
        }
    }

    /// Ends its line, before anything else is said.
    pub fn end(&mut self) {
        if std::mem::take(&mut self.is_open) {
            let _ = writeln!(io::stderr());
        }
    }
}

/// The text without what a terminal obeys: control characters, and those that turn the direction of
/// writing, are shown as JSON escapes them.
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
