//! The file `./.env` (no other one): `NAME=value` lines. Values are used exactly as they are written, without
//! substitution: a token may contain a dollar sign.

use std::{io::ErrorKind, path::Path};

use anyhow::{Context, bail};
use shared::env::Env;

/// The file's name.
pub const DOTENV: &str = ".env";

/// Reads the variables of the file; none if there is no file.
pub fn read(path: &Path) -> anyhow::Result<Env> {
    match std::fs::read_to_string(path) {
        Ok(text) => parse(&text).with_context(|| format!("{} cannot be read", path.display())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Env::default()),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
    }
}

/// Parses the variables of such a text. An error names the line or variable that cannot be read, but never shows it.
pub fn parse(text: &str) -> anyhow::Result<Env> {
    let mut pairs = vec![];
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        // The error does not show the line itself, because the line may contain a secret.
        let Some((name, value)) = line.strip_prefix("export ").unwrap_or(line).split_once('=') else {
            bail!("line {} is not NAME=value", index + 1);
        };
        let name = name.trim();
        let value =
            unquoted(value.trim()).with_context(|| format!("{name} has a quote that does not end"))?;
        pairs.push((name.to_owned(), value.to_owned()));
    }
    Ok(Env::of(pairs))
}

/// Returns the text between quotes, or, without quotes, everything before a comment.
fn unquoted(value: &str) -> Option<&str> {
    match value.chars().next() {
        Some(quote @ ('"' | '\'')) => value[1..].split_once(quote).map(|(inner, _)| inner),
        _ => Some(value.split_once(" #").map_or(value, |(value, _)| value.trim_end())),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn values_are_taken_as_they_stand() {
        let text = "\u{feff}# a comment\n\nA=a$bc/+==\nexport B = two words # said\nC=\"a $b # c\" # d\nD='x'\nE=\r\n";
        let env = parse(text).unwrap();
        let values = ["A", "B", "C", "D", "E"].map(|name| env.optional(name).unwrap());
        assert_eq!(values, [Some("a$bc/+=="), Some("two words"), Some("a $b # c"), Some("x"), None]);
    }

    #[test]
    fn what_cannot_be_read_is_named_and_not_shown() {
        for (text, named) in [("A=1\nsecret words", "line 2"), ("A='secret", "A ")] {
            let error = format!("{:#}", parse(text).err().unwrap());
            assert!(error.contains(named) && !error.contains("secret"), "{error}");
        }
    }
}
