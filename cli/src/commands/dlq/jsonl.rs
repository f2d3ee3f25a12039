//! A file to which a command appends JSON lines.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::PathBuf,
};

use anyhow::{Context, bail};
use serde_json::Value;

/// The file. A file that is created here can be read only by its owner.
pub struct JsonLines {
    path: PathBuf,
    file: Option<File>,
    holds_words: bool,
}

impl JsonLines {
    /// Makes a writer for this file; does not open it yet.
    pub fn to(path: PathBuf) -> Self {
        Self { path, file: None, holds_words: false }
    }

    /// Does the same for lines that contain what people wrote: a file that others can read is refused.
    pub fn of_words(path: PathBuf) -> Self {
        Self { holds_words: true, ..Self::to(path) }
    }

    /// Opens the file, or creates it.
    pub fn ready(&mut self) -> anyhow::Result<()> {
        if self.file.is_some() {
            return Ok(());
        }
        let path = self.path.display();
        let cannot = || format!("{path} cannot be written");
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&self.path);
        let file = file.with_context(cannot)?;
        let about = file.metadata().with_context(cannot)?;
        if self.holds_words && about.is_file() && about.permissions().mode() & 0o077 != 0 {
            bail!(
                "others may read {path}, and people's words go there: chmod 600 {path}, or name another file"
            );
        }
        self.file = Some(file);
        Ok(())
    }

    /// Appends a line; the line is on disk when this returns.
    pub fn add(&mut self, line: &Value) -> anyhow::Result<()> {
        self.ready()?;
        let Some(file) = &mut self.file else { return Ok(()) };
        // The line is written in one call, so that lines of several commands do not mix.
        let written = file.write_all(format!("{line}\n").as_bytes()).and_then(|()| file.sync_data());
        written.with_context(|| format!("{} cannot be written", self.path.display()))
    }
}
