//! The version of this build, and its commit if the build got one.

use std::sync::LazyLock;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that a release was built from. Builds for release set `HENJI_COMMIT`. If it were read from git here, two
/// builds of the same source would differ.
const COMMIT: Option<&str> = option_env!("HENJI_COMMIT");

/// The version as `henji --version` and the first line of a log show it: `0.1.0`, or `0.1.0 (4af4980)` with a commit.
pub static DISPLAY_VERSION: LazyLock<String> = LazyLock::new(|| shown(VERSION, COMMIT));

fn shown(version: &str, commit: Option<&str>) -> String {
    match commit {
        Some(commit) if !commit.is_empty() => format!("{version} ({commit:.12})"),
        _ => version.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_commit_is_shown_where_the_build_was_told_it() {
        assert_eq!(super::shown("0.1.0", Some("4af4980")), "0.1.0 (4af4980)");
        let whole = "4af4980629000000000000000000000000000000";
        assert_eq!(super::shown("0.1.0", Some(whole)), "0.1.0 (4af498062900)");
        assert_eq!(super::shown("0.1.0", Some("")), "0.1.0");
        assert_eq!(super::shown("0.1.0", None), "0.1.0");
    }
}
