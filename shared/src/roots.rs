//! The certificates that a client trusts.

use crate::env::Env;

/// The certificate authorities that a client trusts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Roots {
    /// The public authorities, which the program carries.
    Bundled,
    /// The system's authorities (`SSL_CERT_FILE` and `SSL_CERT_DIR` are honoured), which may include private ones.
    System,
}

impl Roots {
    /// Returns the authorities that a function trusts for the servers that the variables with these prefixes may name.
    /// Reading the system's certificates takes longer than everything else at a function's start, so it is done only if
    /// a variable names an `https://` server, whose authority may be a private one.
    pub fn for_servers(env: &Env, prefixes: &[&str]) -> Self {
        let own = |prefix: &&str| {
            env.starting_with(prefix)
                .any(|url| url.trim().get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:")))
        };
        if prefixes.iter().any(own) { Self::System } else { Self::Bundled }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_https_server_of_ones_own_needs_the_systems_roots() {
        let prefixes = ["AWS_ENDPOINT_URL", "OPENAI_BASE_URL"];
        for (name, url, roots) in [
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:4566", Roots::Bundled),
            ("AWS_ENDPOINT_URL_SQS", "https://sqs.example", Roots::System),
            ("OPENAI_BASE_URL", " HTTPS://model.internal/v1", Roots::System),
            ("LINE_API_BASE_URL", "https://line.example", Roots::Bundled),
        ] {
            let env = Env::of([(name.to_owned(), url.to_owned())]);
            assert_eq!(Roots::for_servers(&env, &prefixes), roots, "{name}={url}");
        }
    }
}
