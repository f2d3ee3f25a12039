//! The program's entry: it runs the command that the arguments name, and turns errors into exit codes.

use std::process::ExitCode;

use clap::Parser;
use cli::{
    commands::Args,
    terminal::{OutputClosed, note_at_the_end},
};

#[tokio::main]
async fn main() -> ExitCode {
    match Args::parse().run().await {
        Ok(code) => code,
        Err(error) if error.downcast_ref().is_some_and(OutputClosed::is_reader_gone) => ExitCode::FAILURE,
        Err(error) => {
            note_at_the_end(format!("henji: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
