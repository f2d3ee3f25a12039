//! A file that grows by JSON lines, and is made with the first of them.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
};

use anyhow::Context;
use serde_json::Value;

/// The file, readable by its owner only.
pub struct Lines {
    path: PathBuf,
    file: Option<File>,
}

impl Lines {
    /// Lines go to this file.
    pub fn to(path: PathBuf) -> Self {
        Self { path, file: None }
    }

    /// Adds a line; it is on disk when this returns.
    pub fn add(&mut self, line: &Value) -> anyhow::Result<()> {
        self.write(line).with_context(|| format!("{} cannot be written", self.path.display()))
    }

    fn write(&mut self, line: &Value) -> std::io::Result<()> {
        if self.file.is_none() {
            self.file = Some(OpenOptions::new().create(true).append(true).mode(0o600).open(&self.path)?);
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        // One write, so that lines of several commands do not mix.
        file.write_all(format!("{line}\n").as_bytes())?;
        file.sync_data()
    }
}
