//! The environment, read in one place. Every error is one line that names its variable.
//!
//! An empty value counts as unset, as `.env` files and compose files write it.

use std::{
    collections::BTreeMap,
    fmt::Display,
    fs::File,
    io::{ErrorKind, Read},
    str::FromStr,
};

use secrecy::SecretString;
use url::Url;

/// The variables of this process, `None` where the value is not Unicode.
#[derive(Clone, Default)]
pub struct Env(BTreeMap<String, Option<String>>);

/// The error for a variable that stops the start.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvError {
    /// The variable is required and not set.
    #[error("{0} is not set, and there is no default for it")]
    Missing(String),
    /// The variable is set, but its value cannot be used. The value is not shown, because it may be a secret in the
    /// wrong place.
    #[error("{name} cannot be read: {why}")]
    Unreadable {
        /// The name of the variable.
        name: String,
        /// The form that the value should have.
        why: String,
    },
}

impl Env {
    /// Returns the variables with which the process was started.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn of_process() -> Self {
        let text = |s: std::ffi::OsString| s.into_string().ok();
        Self(std::env::vars_os().filter_map(|(name, value)| Some((text(name)?, text(value)))).collect())
    }

    /// Returns an environment with these variables, for a test or from a file.
    pub fn of(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(pairs.into_iter().map(|(k, v)| (k, Some(v))).collect())
    }

    /// Adds `fallback` for the variables that are unset here (a `.env` file never overrides the process).
    #[must_use]
    pub fn or(mut self, fallback: Self) -> Self {
        for (name, value) in fallback.0 {
            let mine = self.0.entry(name).or_insert_with(|| value.clone());
            if mine.as_deref() == Some("") {
                *mine = value;
            }
        }
        self
    }

    /// Returns the value, or `None` if it is unset or empty.
    pub fn optional(&self, name: &str) -> Result<Option<&str>, EnvError> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Some(value)) => Ok(Some(value.as_str()).filter(|v| !v.is_empty())),
            Some(None) => Err(invalid(name, "it is not Unicode")),
        }
    }

    /// Returns the values of all variables whose names begin with `prefix`.
    pub fn starting_with(&self, prefix: &str) -> impl Iterator<Item = &str> {
        let named = self.0.iter().filter(move |(name, _)| name.starts_with(prefix));
        named.filter_map(|(_, value)| value.as_deref())
    }

    /// Returns the value of a variable that has no default.
    pub fn required(&self, name: &str) -> Result<&str, EnvError> {
        self.optional(name)?.ok_or_else(|| EnvError::Missing(name.to_owned()))
    }

    /// Returns the value as a `T`, or the default.
    pub fn parsed<T: FromStr<Err: Display>>(&self, name: &str, default: T) -> Result<T, EnvError> {
        self.optional(name)?.map_or(Ok(default), |text| {
            text.trim().parse().map_err(|e: T::Err| invalid(name, &e.to_string()))
        })
    }

    /// Returns a whole number within bounds, or the default.
    pub fn number(&self, name: &str, default: u32, min: u32, max: u32) -> Result<u32, EnvError> {
        let number = self
            .parsed(name, default)
            .map_err(|_| invalid(name, &format!("it must be a whole number from {min} to {max}")))?;
        if (min..=max).contains(&number) {
            return Ok(number);
        }
        Err(invalid(name, &format!("it must be from {min} to {max}")))
    }

    /// Returns a base URL, or the default.
    pub fn base_url(&self, name: &str, default: &str) -> Result<Url, EnvError> {
        let parsed = Url::parse(self.optional(name)?.unwrap_or(default).trim()).ok();
        let Some(parsed) = parsed.filter(|it| matches!(it.scheme(), "http" | "https") && it.has_host())
        else {
            return Err(invalid(name, "it must be an http:// or https:// URL"));
        };
        // The bot shows its addresses, and a password in the address would be sent instead of the key.
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(invalid(name, "no user name and no password may be in it"));
        }
        Ok(parsed)
    }

    /// Returns a URL that has no default, as it is written but without its last slash.
    pub fn required_url(&self, name: &str) -> Result<String, EnvError> {
        let text = self.required(name)?;
        self.base_url(name, text)?;
        Ok(text.trim().trim_end_matches('/').to_owned())
    }

    /// Returns the text of the file that the variable names, or `None` if the variable is unset. It is UTF-8, has
    /// words, and has at most `max_bytes` bytes. A byte order mark at its beginning is not part of it.
    pub fn text_file(&self, name: &str, max_bytes: u32) -> Result<Option<String>, EnvError> {
        let Some(path) = self.optional(name)? else { return Ok(None) };
        let mut bytes = vec![];
        let file = File::open(path.trim());
        let read = file.and_then(|file| file.take(u64::from(max_bytes) + 1).read_to_end(&mut bytes));
        read.map_err(|error| match error.kind() {
            ErrorKind::NotFound => invalid(name, "there is no such file: write it, or correct the path"),
            kind => invalid(name, &format!("its file cannot be opened ({kind})")),
        })?;
        if bytes.len() > max_bytes as usize {
            return Err(invalid(name, &format!("its file has more than {max_bytes} bytes: shorten it")));
        }
        let text = String::from_utf8(bytes)
            .map_err(|_| invalid(name, "its file is not in UTF-8: save it with this encoding"))?;
        let text = text.trim_start_matches('\u{feff}');
        if text.trim().is_empty() {
            return Err(invalid(
                name,
                "its file is empty: write into it, or remove the file or the variable",
            ));
        }
        Ok(Some(text.to_owned()))
    }

    /// Returns a secret that fits into an HTTP header. White space around it is not part of it.
    pub fn secret(&self, name: &str) -> Result<SecretString, EnvError> {
        let value = self.required(name)?.trim();
        if value.is_empty() {
            return Err(EnvError::Missing(name.to_owned()));
        }
        if !value.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
            return Err(invalid(name, "a secret is printable ASCII, as it travels in a header"));
        }
        Ok(value.into())
    }
}

/// Returns the error for a value that is set and wrong.
pub fn invalid(name: &str, why: &str) -> EnvError {
    EnvError::Unreadable { name: name.to_owned(), why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Env {
        Env::of(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
    }

    #[test]
    fn every_error_names_its_variable_and_never_shows_the_value() {
        let env = env(&[
            ("N", "hunter2"),
            ("Z", "0"),
            ("URL", "hunter2"),
            ("USER", "https://me:hunter2@gate.example/v1"),
            ("S", "hun\nter2"),
            ("E", ""),
        ]);
        for (name, error) in [
            ("N", env.number("N", 1, 1, 9).unwrap_err()),
            ("Z", env.number("Z", 1, 1, 9).unwrap_err()),
            ("URL", env.base_url("URL", "http://x").unwrap_err()),
            ("USER", env.base_url("USER", "http://x").unwrap_err()),
            ("S", env.secret("S").unwrap_err()),
            ("E", env.required("E").unwrap_err()),
            ("GONE", env.required("GONE").unwrap_err()),
        ] {
            let line = error.to_string();
            assert!(line.starts_with(&format!("{name} ")), "{line}");
            assert!(!line.contains("hun") && !line.contains('\n'), "{line}");
        }
    }

    #[test]
    fn a_file_is_read_whole_or_the_error_says_what_to_do() {
        let folder = std::env::temp_dir().join(format!("henji-env-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
        let read = |name: &str| env(&[("FILE", &path(name))]).text_file("FILE", 12);
        for (name, bytes) in [
            ("good", "\u{feff}営業 1\n".as_bytes()),
            ("long", b"1234567890123"),
            ("empty", b" \n"),
            ("other", b"\xff\xfea\0"),
        ] {
            std::fs::write(path(name), bytes).unwrap();
        }
        assert_eq!(read("good").unwrap().unwrap(), "営業 1\n");
        assert_eq!(env(&[("FILE", "")]).text_file("FILE", 12).unwrap(), None);
        for (name, what_to_do) in [
            ("long", "shorten it"),
            ("empty", "write into it"),
            ("other", "save it with this encoding"),
            ("missing", "correct the path"),
            (".", "its file cannot be opened"),
        ] {
            let error = read(name).unwrap_err().to_string();
            assert!(error.starts_with("FILE cannot be read") && error.contains(what_to_do), "{error}");
            assert!(!error.contains("henji-env"), "{error}");
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn empty_is_unset_and_the_process_goes_before_the_file() {
        let process = env(&[("A", "process"), ("B", "")]);
        let both = process.or(env(&[("A", "file"), ("B", "file"), ("C", "file")]));
        let values = ["A", "B", "C"].map(|name| both.required(name).unwrap());
        assert_eq!(values, ["process", "file", "file"]);
        assert_eq!(both.number("D", 7, 1, 9).unwrap(), 7);
    }

    #[test]
    fn a_base_url_loses_its_last_slash_and_a_secret_its_line_break() {
        let env = env(&[("URL", "http://127.0.0.1:1/v1/"), ("S", "abc\n")]);
        assert_eq!(env.base_url("URL", "").unwrap().as_str(), "http://127.0.0.1:1/v1/");
        assert_eq!(secrecy::ExposeSecret::expose_secret(&env.secret("S").unwrap()), "abc");
    }
}
